"""Outputs: have forecasts become other forecasts than those the version was certified with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.monitoring.checks.input_drift import InputDriftCheck
from finalmile.monitoring.checks.output_drift import OutputDriftCheck
from finalmile.monitoring.inputs.columns import Look
from finalmile.monitoring.inputs.reference import NumericReference
from finalmile.monitoring.inputs.state import InputReference, InputState
from finalmile.records import Version
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.inputs import harmless
from finalmile.workflows.watching.kept import begun
from finalmile.workflows.watching.references import Before, before
from finalmile.workflows.watching.seen import Seen, Told, state_key

NAME = "output_drift"
COLUMN = "mean"


def watch(shop: Shop, model: str, seen: Seen) -> Told:
    """Judge the forecasts of a period against those the version made of the time before it went live."""
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
    look = Look(period=seen.period, columns={COLUMN: seen.told.mean})
    state, findings = check.update(found.state, look)
    return Told(findings=harmless((*found.findings, *findings)), states={key: state.to_bytes()})


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
    wide, first = told.loss.forecast.astype(np.float32), told.loss.first
    known = [at for at in range(wide.shape[1]) if np.isfinite(wide[:, at]).any()]
    if not known:
        raise MissingInputError("the version made no forecasts of the time before it")
    looks = [Look(period=first + at, columns={COLUMN: wide[np.isfinite(wide[:, at]), at]}) for at in known]
    return InputReference.of(
        looks, {COLUMN: NumericReference.of(wide.ravel().astype(np.float64))}, frequency=told.loss.frequency
    )
