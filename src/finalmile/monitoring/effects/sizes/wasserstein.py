"""Wasserstein: how far values moved on average, in their own unit or in standard deviations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from finalmile.monitoring.effects.effect import Effect, Scale, empty_side
from finalmile.monitoring.effects.pairs import Counted, Ordered
from finalmile.monitoring.effects.registry import effects
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.profile.table import Table

_IN_SD = Scale(name="wasserstein", unit="reference sd", cuts=(0.2, 0.5, 0.8))
_OWN_UNIT = Scale(name="wasserstein", unit="", cuts=(math.inf, math.inf, math.inf))


@effects.add("wasserstein")
@dataclass(frozen=True, slots=True, kw_only=True)
class Wasserstein:
    r"""Mean distance that values would have to move to turn one sample into the other.

    In standard deviations of the reference it reads like Cohen's d. A few wild values weigh what they weigh: one row
    in a thousand at a thousand standard deviations is 1. A constant reference has no such unit; ask for
    ``in_sd=False`` there.

    .. math:: W_1 = \int |F_n(x) - G_m(x)| \, dx

    Exact from rows; from tables exact but where the two functions cross within a gap, which ``error`` bounds.

    Parameters
    ----------
    in_sd
        In standard deviations of the reference; otherwise in the column's own unit.

    Examples
    --------
    >>> from finalmile.monitoring.effects import ordered
    >>> Wasserstein(in_sd=False)(ordered(np.array([0.0, 1.0]), np.array([5.0, 6.0]))).value
    5.0
    """

    ordered_only: ClassVar[bool] = True
    in_sd: bool = True
    threshold: float | None = None

    def __call__(self, pair: Ordered | Counted, /) -> Effect:
        """The distance; undefined for categories, where a side is empty, and in units of a constant's deviation."""
        scale = _IN_SD if self.in_sd else _OWN_UNIT
        why = empty_side(pair.n) if isinstance(pair, Ordered) else "categories have no distance"
        if not why and self.in_sd and isinstance(pair, Ordered) and pair.sd <= 0:
            why = "the reference is constant, so its standard deviation is no unit; ask for in_sd=False"
        if why or isinstance(pair, Counted):
            return scale.undefined(why, n=pair.n, threshold=self.threshold)
        unit = pair.sd if self.in_sd else 1.0
        with np.errstate(over="ignore", invalid="ignore"):
            width, area, inside = pair.gaps()
            value = float(np.abs(area).sum()) / unit
            spread, chance = _chance(pair, width, np.sign(area))
            error = float(np.where(_may_cross(pair), width * inside - np.abs(area), 0.0).sum()) / unit
        if not math.isfinite(value):
            return scale.undefined("the values are too large to be subtracted", n=pair.n, threshold=self.threshold)
        return scale.told(
            value, spread=spread / unit, chance=chance / unit, n=pair.n, threshold=self.threshold, error=error
        )


def _may_cross(pair: Ordered) -> npt.NDArray[np.bool_]:
    """Gaps in which neither function is sure to stay above the other."""
    (low, high), (their_low, their_high) = (
        (t.upto[:-1] / t.n, t.below[1:] / t.n) for t in (pair.reference, pair.current)
    )
    crossing: npt.NDArray[np.bool_] = (low < their_high - 1e-12) & (their_low < high - 1e-12)
    return crossing


def _chance(pair: Ordered, width: Doubles, sign: Doubles) -> tuple[float, float]:
    """Standard error, and what two samples of one population would show."""
    n, m = pair.n
    moved = np.append(np.cumsum((sign * width)[::-1])[::-1], 0.0)
    spread = _variance(pair.reference, moved) / n + _variance(pair.current, moved) / m
    pooled = (pair.reference.upto + pair.current.upto)[:-1] / (n + m)
    chance = math.sqrt(2 / math.pi) * (width * np.sqrt(pooled * (1 - pooled).clip(0) * (1 / n + 1 / m))).sum()
    return math.sqrt(max(spread, 0.0)), float(chance)


def _variance(table: Table, influence: Doubles) -> float:
    """Variance of a function that is given at the knots, straight between them."""
    weighted = influence * table.at
    total, squares = float(weighted.sum()), float((weighted * influence).sum())
    inner = table.between[1:-1]
    if inner.any():
        middle = (influence[1:] + influence[:-1]) / 2
        weighted = middle * inner
        total, squares = total + float(weighted.sum()), squares + float((weighted * middle).sum())
    mean = total / table.n
    return squares / table.n - mean * mean
