"""Ready-made forecasts: a table from elsewhere becomes a version, and everything downstream works on it."""

from __future__ import annotations

import polars as pl

from finalmile.errors import MissingInputError
from finalmile.forecasters.artefact import load
from finalmile.forecasters.calibrated import Calibrated
from finalmile.forecasters.recipes.ready_made import ready_made
from finalmile.forecasters.table import ForecastTable
from finalmile.ports import Fitted
from finalmile.records import Version
from finalmile.workflows.promote import promote
from finalmile.workflows.shop import Shop
from finalmile.workflows.train import keep, sales_at

KIND = "ready_made"


def register(shop: Shop, model: str, table: pl.DataFrame) -> Version:
    """Make a version of a forecast table, calibrated on how its past forecasts came true.

    Where a ready-made version of the model is live already, the new one takes over: it is the same source, told
    further.

    Raises
    ------
    MissingInputError
        Without sales to hold the forecasts against.
    """
    cutoff = shop.known.newest
    version = shop.ledger.new_version(
        model=model,
        kind=KIND,
        digest=keep(shop, ready_made(table, sales_at(shop, cutoff))),
        cutoff=shop.day(cutoff),
        settings={},
        at=shop.clock.now(),
        actor=shop.actor,
    )
    deployed = shop.ledger.deployment(model)
    if deployed is not None and shop.ledger.version(model, deployed.live).kind == KIND:
        promote(shop, model, number=version.number, why="newer forecasts of the same source", force=True)
    return version


def judge_of(shop: Shop, version: Version, *, at: int) -> Fitted:
    """The version's table, calibrated only on what had come true by an earlier cutoff.

    Raises
    ------
    MissingInputError
        If the version is not a forecast table.
    """
    fitted = load(shop.artefacts.path(version.digest))
    if not isinstance(fitted, Calibrated) or not isinstance(fitted.model, ForecastTable):
        raise MissingInputError(f"{version} is no table of forecasts")
    return ready_made(fitted.model.to_frame(), sales_at(shop, at))
