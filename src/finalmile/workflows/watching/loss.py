"""Realised loss: of the fleet, of groups and of every product."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import orjson

from finalmile.errors import MissingInputError
from finalmile.frames import FloatArray, OneStep, Panel
from finalmile.monitoring.checks.loss import LossCheck
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.loss.state import LossLook, LossReference, LossState
from finalmile.records import Finding, Version
from finalmile.workflows.arms import rows_in
from finalmile.workflows.shop import Shop
from finalmile.workflows.train import load_version
from finalmile.workflows.watching.seen import Seen, Told, state_key

NAME = "loss"
CALENDAR = ("holiday", "event", "promo")
"""Covariates that make a day of the whole fleet easy or hard to forecast; holidays are those of the country set."""


def watch(shop: Shop, model: str, seen: Seen) -> Told:
    """Judge a period by the evidence of its version, which starts from the version's reference."""
    del model
    check, key = check_of(shop), state_key(NAME, seen.version)
    begun = _state(shop, seen.version, check)
    if begun is None:
        return Told(findings=(_unwatched(shop, seen),))
    state, names = begun
    if seen.returned:
        state = check.resume(state, last=seen.period - 1)
    state, findings = check.update(state, _look(seen, names=names))
    return Told(findings=tuple(findings), states={key: state.to_bytes(), _calendar_key(key): orjson.dumps(names)})


def acknowledge(shop: Shop, version: Version, subjects: Sequence[str]) -> None:
    """Let the evidence against subjects of a version start anew."""
    key = state_key(NAME, version)
    blob = shop.ledger.load_state(key)
    if blob is not None:
        shop.ledger.save_state(key, check_of(shop).acknowledge(LossState.from_bytes(blob), subjects).to_bytes())


def check_of(shop: Shop) -> LossCheck:
    """The loss check with this project's settings."""
    rules = shop.config.monitor
    return LossCheck(
        arl=rules.arl,
        warning_arl=rules.warning_arl,
        fleet_tolerance=rules.fleet_tolerance,
        product_tolerance=rules.product_tolerance,
        fdr=rules.fdr,
        patience=shop.periods(rules.patience_days),
    )


def _look(seen: Seen, *, names: Sequence[str]) -> LossLook:
    column, price = seen.column, seen.price
    return LossLook(
        period=seen.period,
        ids=seen.ids,
        actual=seen.actual,
        forecast=seen.told.mean,
        value_per_unit=None if np.isnan(price).all() else price,
        calendar=_calendar(seen.panel, names, columns=slice(column, column + 1))[0] if names else None,
    )


def _calendar(panel: Panel, names: Sequence[str], *, columns: slice) -> Doubles:
    """Share of the series on which each covariate is on in each period, 0 where nothing is known of it; shape (T, k).

    Shares, whatever the covariate counts in: a value beyond all that were learned from says no more than "on".
    """
    wide = [panel.covariates[name][:, columns] if name in panel.covariates else None for name in names]
    length = len(range(*columns.indices(panel.length)))
    return np.column_stack([np.zeros(length) if one is None else _share_on(one) for one in wide])


def _share_on(values: FloatArray) -> Doubles:
    known = np.isfinite(values)
    share: Doubles = (known & (values != 0)).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return share


def _state(shop: Shop, version: Version, check: LossCheck) -> tuple[LossState, Sequence[str]] | None:
    """What is known of a version, and the covariates that its evidence knows: those that were there as it began."""
    key = state_key(NAME, version)
    blob = shop.ledger.load_state(key)
    if blob is not None:
        told = shop.ledger.load_state(_calendar_key(key))
        kept: list[str] = [] if told is None else orjson.loads(told)
        return LossState.from_bytes(blob), kept
    reference = load_version(shop, version).reference()
    panel = shop.known.panel(shop.frequency.index_of(version.cutoff))
    names = [name for name in CALENDAR if name in panel.covariates]
    try:
        return check.start(_reference(panel, reference, names=names)), names
    except MissingInputError:
        return None


def _reference(panel: Panel, told: OneStep, *, names: Sequence[str]) -> LossReference:
    rows = rows_in(panel.ids, told.ids)
    start = max(told.first, panel.first)
    length = min(told.first + told.mean.shape[1] - 1, panel.cutoff) - start + 1
    actual: FloatArray = panel.demand()[rows, start - panel.first : start - panel.first + length].copy()
    actual[rows < 0] = np.nan
    columns = slice(start - panel.first, start - panel.first + length)
    return LossReference(
        ids=told.ids,
        frequency=panel.frequency,
        first=start,
        actual=actual,
        forecast=told.mean[:, start - told.first : start - told.first + length],
        calendar=_calendar(panel, names, columns=columns) if names else None,
    )


def _unwatched(shop: Shop, seen: Seen) -> Finding:
    return Finding(
        check=NAME,
        subject="fleet",
        at=shop.day(seen.period),
        value=None,
        benchmark=None,
        severity="warning",
        why=f"{seen.version} cannot be judged: fewer than 20 periods of forecasts it had not learned from have come "
        "true.",
    )


def _calendar_key(key: str) -> str:
    return f"calendar of {key}"
