"""Products of the loss check: fitted on a reference, stepped, joined by newcomers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from finalmile.frames import Frequency, IntArray, NameArray
from finalmile.monitoring.engine import Bets, Watch
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.loss.state import LossState, Waiting

_LEAST_SD = 0.25  # of the mean absolute error; errors of demand vary by more
_BLOCK = 4096


def watch_products(
    errors: Doubles,
    signed: Doubles,
    mae: Doubles,
    *,
    first: int,
    frequency: Frequency,
    tolerance: float,
    bets: Bets,
    lags: tuple[int, ...] | None = None,
) -> Watch:
    """A watch of three channels per product from reference streams of shape (n, T) in units, block by block."""
    periods = np.arange(first, first + errors.shape[1], dtype=np.int64)
    blocks = [slice(at, at + _BLOCK) for at in range(0, max(len(mae), 1), _BLOCK)]
    parts = [
        _watch(
            np.stack([errors[rows], signed[rows]], axis=1) / mae[rows, None, None],
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


def wait(waiting: Waiting, ids: NameArray, errors: Doubles, signed: Doubles) -> Waiting:
    """One more look of products that are not yet watched; arrays of shape (w,), NaN where there is no look."""
    known = np.isfinite(errors)
    new = known & (rows_of(waiting.ids, ids) < 0)
    added, room = int(new.sum()), waiting.errors.shape[1]
    grown = Waiting(
        ids=np.concatenate([waiting.ids, ids[new]]),
        errors=np.vstack([waiting.errors, np.full((added, room), np.nan)]),
        signed=np.vstack([waiting.signed, np.full((added, room), np.nan)]),
        looks=np.hstack([waiting.looks, np.zeros(added, dtype=np.int64)]),
    )
    rows = rows_of(grown.ids, ids[known])
    grown.errors[rows, grown.looks[rows]] = errors[known]
    grown.signed[rows, grown.looks[rows]] = signed[known]
    grown.looks[rows] += 1
    return grown


def admit(state: LossState, *, tolerance: float) -> LossState:
    """Products that have waited long enough are watched from the next look on, with pooled calibration at least."""
    waiting = state.waiting
    ready = waiting.looks >= waiting.errors.shape[1]
    if not ready.any():
        return state
    errors, signed = waiting.errors[ready], waiting.signed[ready]
    mae = np.maximum(np.nanmean(errors, axis=1), state.scale.least_mae)
    lags = state.products.residuals.lags
    joining = watch_products(
        errors,
        signed,
        mae,
        first=state.last - errors.shape[1] + 1,
        frequency=state.frequency,
        tolerance=tolerance,
        bets=state.products.bets,
        lags=lags,
    )
    if len(state.ids):
        joining = _pooled(joining, state.products)
    n = len(mae)
    return replace(
        state,
        ids=np.concatenate([state.ids, waiting.ids[ready]]),
        products=state.products.joined(joining),
        mae=np.hstack([state.mae, mae]),
        seen=np.hstack([state.seen, np.full(n, state.last)]),
        listed=np.hstack([state.listed, np.full(n, -1)]),
        waiting=Waiting(
            ids=waiting.ids[~ready],
            errors=waiting.errors[~ready],
            signed=waiting.signed[~ready],
            looks=waiting.looks[~ready],
        ),
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
