"""Products of the loss check: fitted on a reference, stepped, joined by newcomers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from finalmile.frames import BoolArray, Frequency, IntArray, NameArray
from finalmile.monitoring.engine import Bets, Watch
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.engine.dispersion import Dispersion
from finalmile.monitoring.engine.spread import Spread
from finalmile.monitoring.loss.state import LossState, Waiting

_LEAST_SD = 0.25  # of the mean absolute error; errors of demand vary by more
_BLOCK = 4096
_UNSURE = 1.5  # standard errors that the mean of a few looks may be off by


def watch_products(
    errors: Doubles,
    signed: Doubles,
    *,
    first: int,
    frequency: Frequency,
    tolerance: float,
    bets: Bets,
    lags: tuple[int, ...] | None = None,
) -> Watch:
    """A watch of three channels per product from reference streams of shape (n, T), block by block."""
    periods = np.arange(first, first + errors.shape[1], dtype=np.int64)
    blocks = [slice(at, at + _BLOCK) for at in range(0, max(len(errors), 1), _BLOCK)]
    parts = [
        _watch(
            np.stack([errors[rows], signed[rows]], axis=1),
            periods,
            frequency=frequency,
            tolerance=tolerance,
            bets=bets,
            lags=lags,
        )
        for rows in blocks
    ]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.joined(part)
    return whole


def _watch(
    streams: Doubles,
    periods: IntArray,
    *,
    frequency: Frequency,
    tolerance: float,
    bets: Bets,
    lags: tuple[int, ...] | None,
) -> Watch:
    n, looks = len(streams), len(periods)
    source: IntArray = (2 * np.arange(n, dtype=np.int64)[:, None] + np.array([0, 1, 1], dtype=np.int64)).ravel()
    return Watch.start(
        streams.reshape(2 * n, looks),
        periods,
        frequency=frequency,
        source=source,
        sign=np.tile([1.0, 1.0, -1.0], n),
        tolerance=np.full(2 * n, tolerance),
        least_z=tolerance,
        bets=bets,
        plain=True,
        lags=lags,
        least_sd=_LEAST_SD,
    )


def rows_of(ids: NameArray, wanted: NameArray) -> IntArray:
    """Row in ``ids`` of each wanted id, -1 where it is not there."""
    if np.array_equal(ids, wanted):
        return np.arange(len(ids), dtype=np.int64)
    places = {name: row for row, name in enumerate(ids.tolist())}
    return np.array([places.get(name, -1) for name in wanted.tolist()], dtype=np.int64)


def wait(waiting: Waiting, ids: NameArray, sold: Doubles, forecast: Doubles) -> Waiting:
    """One more look of products that are not yet watched; arrays of shape (w,), NaN where there is no look."""
    known = np.isfinite(sold) & np.isfinite(forecast)
    new = known & (rows_of(waiting.ids, ids) < 0)
    unfilled = np.full((int(new.sum()), waiting.sold.shape[1]), np.nan)
    grown = Waiting(
        ids=np.concatenate([waiting.ids, ids[new]]),
        sold=np.vstack([waiting.sold, unfilled]),
        forecast=np.vstack([waiting.forecast, unfilled]),
        looks=np.hstack([waiting.looks, np.zeros(len(unfilled), dtype=np.int64)]),
    )
    rows = rows_of(grown.ids, ids[known])
    grown.sold[rows, grown.looks[rows]] = sold[known]
    grown.forecast[rows, grown.looks[rows]] = forecast[known]
    grown.looks[rows] += 1
    return grown


def admit(state: LossState, *, tolerance: float) -> LossState:
    """Products that have waited long enough are watched from the next look on, with pooled calibration at least.

    Their own few looks are their reference, without the fleet's days taken out.
    """
    waiting = state.waiting
    ready = waiting.looks >= waiting.sold.shape[1]
    if not ready.any():
        return state
    sold, forecast = waiting.sold[ready], waiting.forecast[ready]
    mae = np.maximum(np.abs(forecast - sold).mean(axis=1), state.scale.least_mae)
    joining = watch_products(
        np.abs(forecast - sold) / mae[:, None],
        (forecast - sold) / mae[:, None],
        first=state.last - sold.shape[1] + 1,
        frequency=state.frequency,
        tolerance=tolerance,
        bets=state.products.bets,
        lags=state.products.residuals.lags,
    )
    unsure = _UNSURE / np.sqrt(sold.shape[1])
    joining = replace(joining, tolerance=np.maximum(joining.tolerance, unsure))
    if len(state.ids):
        joining = _pooled(joining, state.products)
    none = np.empty((len(sold), 0))  # newcomers have too few looks for the width of their errors to be known
    return replace(
        state,
        ids=np.concatenate([state.ids, waiting.ids[ready]]),
        products=state.products.joined(joining),
        spread=state.spread.joined(Spread.start(none, least=1, next_period=state.last + 1)),
        counts=state.counts.joined(Dispersion.start(none, none, least=1, next_period=state.last + 1)),
        mae=np.hstack([state.mae, mae]),
        bias=np.hstack([state.bias, (forecast - sold).mean(axis=1) / mae]),
        base=np.hstack([state.base, sold.mean(axis=1)]),
        level=np.hstack([state.level, sold.mean(axis=1)]),
        seen=np.hstack([state.seen, np.full(len(mae), state.last)]),
        listed=np.hstack([state.listed, np.full(len(mae), -1)]),
        waiting=_left(waiting, ~ready),
    )


def queue(ids: NameArray, sold: Doubles, forecast: Doubles, *, room: int) -> Waiting:
    """Products of a reference that have too few looks of their own, with those they have."""
    waiting = Waiting(
        ids=np.empty(0, dtype=object),
        sold=np.empty((0, room)),
        forecast=np.empty((0, room)),
        looks=np.empty(0, dtype=np.int64),
    )
    for column in range(sold.shape[1]):
        waiting = wait(waiting, ids, sold[:, column], forecast[:, column])
    return waiting


def _left(waiting: Waiting, keep: BoolArray) -> Waiting:
    return Waiting(
        ids=waiting.ids[keep], sold=waiting.sold[keep], forecast=waiting.forecast[keep], looks=waiting.looks[keep]
    )


def _pooled(joining: Watch, known: Watch) -> Watch:
    """Raise the normalisers of newcomers to the median of the products watched before."""

    def floor(pick: Callable[[Watch], Doubles]) -> Doubles:
        kinds = pick(known).reshape(-1, 3, len(known.bets.sizes))
        usual = np.tile(np.median(kinds, axis=0), (len(joining.source) // 3, 1))
        return np.maximum(pick(joining), usual)

    calibration = replace(
        joining.calibration,
        log_norm=floor(lambda watch: watch.calibration.log_norm),
        log_pay=floor(lambda watch: watch.calibration.log_pay),
    )
    return replace(joining, calibration=calibration)
