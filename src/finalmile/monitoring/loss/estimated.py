"""What a forecast's loss will be, told before its actuals arrive: from its spread, by volume class."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.frames import Frequency
from finalmile.metrics.scored import Floats
from finalmile.metrics.volume import VolumeClasses
from finalmile.monitoring import packing
from finalmile.monitoring.engine.bounds import bounded
from finalmile.monitoring.engine.design import Doubles

_LAYOUT = 2
_LEAST_LOOKS = 20
_LEAST_BEFORE = 7
_KEPT = 120
_PRIOR = 20.0  # rows of the whole fleet that each class is mixed with
_POWER = 0.75
_FLOOR = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadReference:
    """Forecasts and what came of them, before the version went live; arrays of shape (n, T), NaN where unknown.

    Parameters
    ----------
    spread
        Half the distance between an upper and a lower quantile, the same two levels always; ``None`` without quantiles.
    """

    frequency: Frequency
    first: int
    actual: Floats
    forecast: Floats
    spread: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatedState:
    """What is known of how losses follow from forecasts.

    Parameters
    ----------
    last
        Newest period that has come true.
    edges, factors : arrays of shape (c - 1,) and (c,)
        Volume classes by predicted mean, and expected |error| per unit of scale in each.
    off : array of shape (k,)
        Log of the true loss over the estimate in the last looks.
    wape
        Loss over sales of the reference.
    by_spread
        Whether scale is the spread; otherwise it is the predicted mean to the power of 0.75.
    """

    frequency: Frequency
    last: int
    edges: Doubles
    factors: Doubles
    off: Doubles
    wape: float
    by_spread: bool

    def to_bytes(self) -> bytes:
        """Everything, as a versioned ``npz`` without pickle."""
        return packing.to_bytes(self, version=_LAYOUT)

    @classmethod
    def from_bytes(cls, blob: bytes) -> EstimatedState:
        """The inverse of :meth:`to_bytes`; ``CorruptError`` for anything else."""
        return packing.from_bytes(cls, blob, version=_LAYOUT)


def learn(reference: SpreadReference, *, classes: int) -> EstimatedState:
    r"""How |error| follows from scale in each volume class, each mixed with a little of the whole fleet.

    .. math:: a_c = \frac{\sum_c |e| + 20\,\bar a\,\bar s}{\sum_c s + 20\,\bar s}

    How far estimates are off is taken from the reference period by period, each estimated from those before it alone:
    an estimate of what it was learned from would look better than any to come.

    Raises
    ------
    MissingInputError
        Fewer than 20 periods have forecasts that came true.
    """
    actual, forecast = (bounded(one.astype(np.float64)) for one in (reference.actual, reference.forecast))
    scale = scale_of(forecast, reference.spread)
    known = np.isfinite(actual) & np.isfinite(scale)
    if int(known.any(axis=0).sum()) < _LEAST_LOOKS:
        raise MissingInputError(
            f"estimating the loss needs forecasts that came true in {_LEAST_LOOKS} periods before a version goes live, "
            f"here are {int(known.any(axis=0).sum())}; certify on a longer holdout"
        )
    edges = np.array(VolumeClasses.of_means(forecast[known], count=classes).edges, dtype=np.float64)
    error = np.abs(forecast - actual)
    number = np.searchsorted(edges, forecast[known], side="left")
    count = len(edges) + 1
    place = np.nonzero(known)[1] * count + number
    width = actual.shape[1]
    sums = [
        np.bincount(place, weights=weights, minlength=width * count).reshape(width, count).cumsum(axis=0)
        for weights in (error[known], scale[known], None)
    ]
    factors = _factors(*sums)
    state = EstimatedState(
        frequency=reference.frequency,
        last=reference.first - 1,
        edges=edges,
        factors=factors[-1],
        off=np.empty(0),
        wape=float(error[known].sum()) / max(float(np.maximum(actual[known], 0.0).sum()), _FLOOR),
        by_spread=reference.spread is not None,
    )
    spread = reference.spread
    judged = np.cumsum(known.any(axis=0))
    for t in np.flatnonzero(judged > _LEAST_BEFORE).tolist():
        then, wide = replace(state, factors=factors[t - 1]), None if spread is None else spread[:, t]
        state = arrived(then, reference.first + t, actual[:, t], forecast[:, t], wide)
    return replace(state, factors=factors[-1], last=reference.first + width - 1)


def _factors(error: Doubles, scale: Doubles, rows: Doubles) -> Doubles:
    """Expected |error| per unit of scale by class, after every period, from sums so far of shape (T, c)."""
    total = np.maximum(rows.sum(axis=1, keepdims=True), 1.0)
    typical = np.maximum(scale.sum(axis=1, keepdims=True) / total, _FLOOR)
    usual = error.sum(axis=1, keepdims=True) / total
    factors: Doubles = (error + _PRIOR * usual) / (scale + _PRIOR * typical)
    return factors


def arrived(
    state: EstimatedState, period: int, actual: Floats, forecast: Floats, spread: Floats | None
) -> EstimatedState:
    """The state after a period came true: the estimate of it is held against what happened."""
    actual, forecast = bounded(actual), bounded(forecast)
    expected = expected_errors(state, forecast, spread)
    known = np.isfinite(actual) & np.isfinite(expected)
    if not known.any():
        return replace(state, last=max(period, state.last))
    true, told = float(np.abs(forecast - actual)[known].sum()), float(expected[known].sum())
    floor = max(0.01 * told, _FLOOR)
    off = float(np.log(max(true, floor) / max(told, _FLOOR)))
    return replace(state, last=max(period, state.last), off=np.append(state.off, off)[-_KEPT:])


def expected_errors(state: EstimatedState, forecast: Floats, spread: Floats | None) -> Doubles:
    """Expected |error| of each forecast, in units, of the shape given; NaN where the forecast is."""
    mean = bounded(forecast.astype(np.float64))
    scale = scale_of(mean, spread if state.by_spread else None)
    number = np.searchsorted(state.edges, np.nan_to_num(mean), side="left")
    return state.factors[number] * scale


def scale_of(forecast: Floats, spread: Floats | None) -> Doubles:
    """What errors are in proportion to: the spread, or without quantiles the mean to the power of 0.75."""
    if spread is None:
        positive = np.where(np.isfinite(forecast), np.maximum(forecast, 0.0), np.nan)
        return np.asarray(positive**_POWER, dtype=np.float64)
    spread = bounded(spread)
    finite: Doubles = np.where(np.isfinite(spread) & np.isfinite(forecast), np.maximum(spread, 0.0), np.nan)
    return finite
