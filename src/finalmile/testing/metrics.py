"""What every metric promises."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from finalmile.metrics import Metric, Scored, metrics

_SHAPE = (3, 8)

AWKWARD_DEMAND: Mapping[str, npt.NDArray[np.float64]] = MappingProxyType(
    {
        "empty": np.empty((0, 0)),
        "no periods": np.empty((3, 0)),
        "all zero": np.zeros(_SHAPE),
        "all missing": np.full(_SHAPE, np.nan),
        "constant": np.full(_SHAPE, 4.0),
        "returns": np.full(_SHAPE, -2.0),
        "infinite": np.full(_SHAPE, np.inf),
        "enormous": np.full(_SHAPE, 1e308),
        "one gap": np.where(np.eye(*_SHAPE) > 0, np.nan, 1.0),
    }
)
"""Demand that breaks careless arithmetic, by what is awkward about it; arrays of shape (series, periods)."""


def check_metric(name: str, /) -> None:
    """Hold a registered metric to what all of them promise, with its default settings.

    Raises
    ------
    AssertionError
        It raised on awkward demand, gave a number that is not finite or no number at all, changed with the order of the
        series, or does not say when it is undefined.
    UnknownNameError
        Nothing of that name is registered.

    Examples
    --------
    >>> check_metric("wape")
    """
    metric = metrics.make(name)
    assert metric.undefined, f"{name} must say in `undefined` when it gives None"
    for kind, actual in AWKWARD_DEMAND.items():
        for forecast in (actual, np.zeros_like(actual), np.ones_like(actual)):
            value = _value(metric, name, kind, _scored(actual, forecast))
            again = _value(metric, name, kind, _scored(actual[::-1], forecast[::-1]))
            assert _same(value, again), f"{name} of {kind} demand depends on the order of the series: {value}, {again}"


def _scored(actual: npt.NDArray[np.float64], forecast: npt.NDArray[np.float64]) -> Scored:
    ones = np.ones(len(actual))
    return Scored(
        actual=actual,
        forecast=forecast,
        quantiles={0.98: forecast},
        naive_mae=ones,
        naive_rmse=ones,
        weights=ones,
        baseline=np.ones_like(actual),
    )


def _value(metric: Metric, name: str, kind: str, scored: Scored) -> float | None:
    try:
        value = metric(scored)
    except Exception as error:
        raise AssertionError(f"{name} raised on {kind} demand: {error!r}") from error
    finite = value is None or (isinstance(value, float) and math.isfinite(value))  # pyright: ignore[reportUnnecessaryIsInstance]  # a promise under test
    assert finite, f"{name} of {kind} demand is {value!r}; it must be a finite float or None"
    return value


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
