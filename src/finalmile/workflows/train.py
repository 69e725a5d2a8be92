"""Train: a recipe and what is known become a version with an artefact."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from finalmile.errors import MissingInputError
from finalmile.forecasters.artefact import load
from finalmile.frames import Panel
from finalmile.ports import Fitted, Forecaster, forecasters
from finalmile.records import Json, Version
from finalmile.workflows.shop import Shop, known_cutoff


def train(shop: Shop, model: str, *, recipe: Forecaster | None = None, cutoff: int | None = None) -> Version:
    """Fit a recipe on everything known at the cutoff and keep it as the model's next version.

    Parameters
    ----------
    recipe
        What to fit; by default what the settings name for this model.
    cutoff
        Last period to learn from; by default the newest one that has sales.

    Raises
    ------
    MissingInputError
        Where there are no sales at the cutoff.
    """
    recipe = recipe or recipe_of(shop, model)
    cutoff = known_cutoff(shop, cutoff)
    panel = sales_at(shop, cutoff, ahead=shop.horizon(model))
    digest = keep(shop, recipe.fit(panel, seed=shop.config.assume.seed))
    return shop.ledger.new_version(
        model=model,
        kind=forecasters.name_of(recipe),
        digest=digest,
        cutoff=shop.day(cutoff),
        settings=described(recipe),
        at=shop.clock.now(),
        actor=shop.actor,
    )


def recipe_of(shop: Shop, model: str) -> Forecaster:
    """The recipe that the settings name for a model, its horizon filled in where it has one."""
    settings = shop.model(model)
    given = dict(settings.settings)
    fields: Mapping[str, object] = getattr(forecasters[settings.forecaster], "__dataclass_fields__", {})
    if "horizon" in fields:
        given.setdefault("horizon", shop.horizon(model))
    return forecasters.make(settings.forecaster, **given)


def described(recipe: Forecaster) -> Json:
    """A recipe's settings as plain values, to be stored beside the version."""
    return dataclasses.asdict(recipe) if dataclasses.is_dataclass(recipe) and not isinstance(recipe, type) else {}


def keep(shop: Shop, fitted: Fitted) -> str:
    """Store an artefact; its digest. What was just fitted answers from memory."""
    digest = shop.artefacts.put(fitted.save)
    shop.loaded[digest] = fitted
    return digest


def load_version(shop: Shop, version: Version) -> Fitted:
    """The trained forecaster behind a version, read once per process and checked against its digest."""
    if version.digest not in shop.loaded:
        shop.loaded[version.digest] = load(shop.artefacts.path(version.digest))
    return shop.loaded[version.digest]


def sales_at(shop: Shop, cutoff: int, *, ahead: int = 0) -> Panel:
    """Everything known at the cutoff, covariates of ``ahead`` periods past it included.

    Raises
    ------
    MissingInputError
        Where no series has sales by then.
    """
    panel = shop.known.panel(cutoff, ahead=ahead)
    if panel.n == 0:
        raise MissingInputError(f"no series has sales by {shop.day(cutoff)}: nothing can be learned")
    return panel
