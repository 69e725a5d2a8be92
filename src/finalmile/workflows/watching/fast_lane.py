"""The fast lane: streaming detectors on the innovations of the fleet's loss, for who asks."""

from __future__ import annotations

from typing import Any

import numpy as np

from finalmile.errors import CorruptError
from finalmile.frames import FloatArray
from finalmile.monitoring import packing
from finalmile.monitoring.checks.fast_lane import FastLane
from finalmile.monitoring.engine import Residualiser
from finalmile.monitoring.engine.design import Doubles
from finalmile.records import Finding
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.kept import begun, names_of, with_names
from finalmile.workflows.watching.references import Before, before, calendar_look
from finalmile.workflows.watching.seen import Seen, Told, state_key

NAME = "fast_lane"
_LAYOUT = 1
_STREAM = "log WAPE"


def watch(shop: Shop, model: str, seen: Seen) -> Told | None:
    """Step every detector that the settings name by the innovation of the period."""
    del model
    lanes = [FastLane(detector=name) for name in shop.config.monitor.fast_lane]
    if not lanes:
        return None
    key = state_key(NAME, seen.version)
    found = begun(
        shop,
        key,
        check=NAME,
        seen=seen,
        read=lambda blob: packing.from_bytes(Residualiser, blob, version=_LAYOUT),
        start=lambda: _residuals(before(shop, seen)),
    )
    if found.state is None:
        return Told(findings=found.findings)
    names = names_of(shop, key, fresh=lambda: before(shop, seen).names, begun=found)
    value = _streams(seen.actual[:, None], seen.told.mean[:, None])
    residuals, z, _ = found.state.step(seen.period, value[:, 0], calendar=calendar_look(seen, names=names))
    states = with_names(key, packing.to_bytes(residuals, version=_LAYOUT), names)
    findings = list(found.findings)
    for lane in lanes:
        mine, told = _step(shop, lane, f"{key}/{lane.detector}", float(z[0]), seen, fresh=found.fresh)
        states |= mine
        findings += told
    return Told(findings=tuple(findings), states=states)


def _step(
    shop: Shop, lane: FastLane, key: str, value: float, seen: Seen, *, fresh: bool
) -> tuple[dict[str, bytes], list[Finding]]:
    start: Any = lane.start()
    blob = None if fresh else shop.ledger.load_state(key)
    kind: type[Any] = start.__class__
    try:
        state = start if blob is None else packing.from_bytes(kind, blob, version=_LAYOUT)
    except CorruptError:  # nothing is promised of it: it begins again
        state = start
    state, told = lane.update(state, value, stream=_STREAM, subject="fleet", at=shop.day(seen.period))
    return {key: packing.to_bytes(state, version=_LAYOUT)}, told


def _residuals(told: Before) -> Residualiser:
    loss = told.loss
    periods = np.arange(loss.first, loss.first + told.periods)
    values = _streams(loss.actual, loss.forecast)
    return Residualiser.fit(values, periods, frequency=loss.frequency, calendar=loss.calendar, least_sd=0.01)[0]


def _streams(actual: FloatArray, forecast: FloatArray) -> Doubles:
    """Log WAPE of the fleet in each period, shape (1, T); NaN where nothing was sold or forecast."""
    known = np.isfinite(actual) & np.isfinite(forecast)
    error = np.where(known, np.abs(forecast - actual), 0.0).sum(axis=0, dtype=np.float64)
    sold = np.where(known, np.maximum(actual, 0), 0.0).sum(axis=0, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        told: Doubles = np.where((error > 0) & (sold > 0), np.log(error / sold), np.nan)
    return told[None, :]
