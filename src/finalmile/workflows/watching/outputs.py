"""Outputs: have forecasts become other forecasts than those the version was certified with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.frames import BoolArray, FloatArray, Panel
from finalmile.monitoring.checks.input_drift import InputDriftCheck
from finalmile.monitoring.checks.output_drift import OutputDriftCheck
from finalmile.monitoring.inputs.columns import Look
from finalmile.monitoring.inputs.reference import NumericReference
from finalmile.monitoring.inputs.state import InputReference, InputState
from finalmile.records import Version
from finalmile.workflows.arms import rows_in
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.inputs import harmless
from finalmile.workflows.watching.kept import begun, names_of, with_names
from finalmile.workflows.watching.references import Before, before, calendar_look
from finalmile.workflows.watching.rows import OFF_AFTER_DAYS
from finalmile.workflows.watching.seen import Seen, Told, state_key

NAME = "output_drift"
COLUMN = "mean"


def watch(shop: Shop, model: str, seen: Seen) -> Told:
    """Judge the forecasts of a period against those the version made of the time before it went live.

    Forecasts of what has not sold for a month are left out: they go to nothing as they should.
    """
    del model
    check, key = check_of(shop), state_key(NAME, seen.version)
    found = begun(
        shop,
        key,
        check=NAME,
        seen=seen,
        read=InputState.from_bytes,
        start=lambda: check.start(_reference(before(shop, seen))),
    )
    if found.state is None:
        return Told(findings=found.findings)
    names = names_of(shop, key, fresh=lambda: before(shop, seen).names, begun=found)
    sells = seen.of_panel(_sells(seen.panel, seen.column)) == 1
    look = Look(period=seen.period, columns={COLUMN: seen.told.mean[sells]}, calendar=calendar_look(seen, names=names))
    state, findings = check.update(found.state, look)
    states = with_names(key, state.to_bytes(), names)
    return Told(findings=harmless((*found.findings, *findings)), states=states)


def acknowledge(shop: Shop, version: Version, subjects: Sequence[str]) -> None:
    """Let the evidence against outputs of a version start anew."""
    key = state_key(NAME, version)
    blob = shop.ledger.load_state(key)
    if blob is not None:
        shop.ledger.save_state(key, check_of(shop).acknowledge(InputState.from_bytes(blob), subjects).to_bytes())


def check_of(shop: Shop) -> OutputDriftCheck:
    """The check with this project's settings."""
    rules = shop.config.monitor
    return OutputDriftCheck(engine=InputDriftCheck(arl=rules.arl, warning_arl=rules.warning_arl))


def _reference(told: Before) -> InputReference:
    loss, calendar = told.loss, told.loss.calendar
    rows = rows_in(told.panel.ids, loss.ids)
    looks: list[Look] = []
    for at in range(loss.forecast.shape[1]):
        sells = np.append(_sells(told.panel, loss.first + at - told.panel.first), 0.0)[rows] == 1
        values = loss.forecast[sells, at].astype(np.float32)
        if np.isfinite(values).any():
            days = None if calendar is None else calendar[at]
            looks.append(Look(period=loss.first + at, columns={COLUMN: values[np.isfinite(values)]}, calendar=days))
    if not looks:
        raise MissingInputError("the version made no forecasts of the time before it")
    every = np.concatenate([np.asarray(look.columns[COLUMN], dtype=np.float64) for look in looks])
    return InputReference.of(looks, {COLUMN: NumericReference.of(every)}, frequency=loss.frequency)


def _sells(panel: Panel, column: int) -> FloatArray:
    """1 for each row of a panel that sold within a month before a column, 0 for others; shape (n,)."""
    back = max(1, round(OFF_AFTER_DAYS / panel.frequency.days))
    sold: BoolArray = (np.nan_to_num(panel.y[:, max(0, column - back) : column]) != 0).any(axis=1)
    return sold.astype(np.float32)
