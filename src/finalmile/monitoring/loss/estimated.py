"""What a forecast's loss will be, told before its actuals arrive: from its spread, by volume class."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.frames import Frequency
from finalmile.metrics.scored import Floats
from finalmile.metrics.volume import VolumeClasses
from finalmile.monitoring import packing
from finalmile.monitoring.engine.design import Doubles

_LAYOUT = 1
_LEAST_LOOKS = 20
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

    Raises
    ------
    MissingInputError
        Fewer than 20 periods have forecasts that came true.
    """
    actual, forecast = reference.actual.astype(np.float64), reference.forecast.astype(np.float64)
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
    total, scales = (np.bincount(number, weights=one[known], minlength=count) for one in (error, scale))
    typical = max(float(scale[known].mean()), _FLOOR)
    usual = float(error[known].mean()) / typical
    state = EstimatedState(
        frequency=reference.frequency,
        last=reference.first - 1,
        edges=edges,
        factors=(total + _PRIOR * usual * typical) / (scales + _PRIOR * typical),
        off=np.empty(0),
        wape=float(error[known].sum()) / max(float(np.maximum(actual[known], 0.0).sum()), _FLOOR),
        by_spread=reference.spread is not None,
    )
    spread = reference.spread
    for t in range(actual.shape[1]):
        state = arrived(
            state, reference.first + t, actual[:, t], forecast[:, t], None if spread is None else spread[:, t]
        )
    return replace(state, last=reference.first + actual.shape[1] - 1)


def arrived(
    state: EstimatedState, period: int, actual: Floats, forecast: Floats, spread: Floats | None
) -> EstimatedState:
    """The state after a period came true: the estimate of it is held against what happened."""
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
    mean = forecast.astype(np.float64)
    scale = scale_of(mean, spread if state.by_spread else None)
    number = np.searchsorted(state.edges, np.nan_to_num(mean), side="left")
    return state.factors[number] * scale


def scale_of(forecast: Floats, spread: Floats | None) -> Doubles:
    """What errors are in proportion to: the spread, or without quantiles the mean to the power of 0.75."""
    if spread is None:
        positive = np.where(np.isfinite(forecast), np.maximum(forecast, 0.0), np.nan)
        return np.asarray(positive**_POWER, dtype=np.float64)
    finite: Doubles = np.where(np.isfinite(spread) & np.isfinite(forecast), np.maximum(spread, 0.0), np.nan)
    return finite
