"""Energy distance: squared gaps between two distribution functions, added up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from finalmile.monitoring.effects.effect import Effect, Scale, empty_side
from finalmile.monitoring.effects.pairs import Counted, Ordered
from finalmile.monitoring.effects.registry import effects

_SCALE = Scale(name="energy", unit="root of reference sd", cuts=(0.151, 0.374, 0.592))
_OWN_UNIT = Scale(name="energy", unit="", cuts=(math.inf, math.inf, math.inf))


@effects.add("energy")
@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    r"""Root of twice the area under the squared gap between the distribution functions.

    Gentler than Wasserstein on a few wild values. In units of the reference's standard deviation by default.

    .. math:: \sqrt{2 \int (F_n(x) - G_m(x))^2 \, dx}

    Exact from rows. From tables it takes the mean gap between two knots, which is never too large; ``error`` bounds
    what is missing. It is a norm of the difference, so noise moves it by no more than the norm of the noise: the
    interval is twice what chance shows to either side.

    Parameters
    ----------
    in_sd
        Of values divided by the reference's standard deviation.

    References
    ----------
    Székely & Rizzo (2013), Energy statistics, Journal of Statistical Planning and Inference 143.

    Examples
    --------
    >>> from finalmile.monitoring.effects import ordered
    >>> Energy(in_sd=False)(ordered(np.array([0.0]), np.array([2.0]))).value
    2.0
    """

    ordered_only: ClassVar[bool] = True
    in_sd: bool = True
    threshold: float | None = None

    def __call__(self, pair: Ordered | Counted, /) -> Effect:
        """The distance; undefined for categories, where a side is empty, and in units of a constant's deviation."""
        scale = _SCALE if self.in_sd else _OWN_UNIT
        why = empty_side(pair.n) if isinstance(pair, Ordered) else "categories have no distance"
        if not why and self.in_sd and isinstance(pair, Ordered) and pair.sd <= 0:
            why = "the reference is constant, so its standard deviation is no unit; ask for in_sd=False"
        if why or isinstance(pair, Counted):
            return scale.undefined(why, n=pair.n, threshold=self.threshold)
        return self._told(pair, scale)

    def _told(self, pair: Ordered, scale: Scale) -> Effect:
        (n, m), unit = pair.n, pair.sd if self.in_sd else 1.0
        with np.errstate(over="ignore", invalid="ignore"):
            width, area, inside = pair.gaps()
            square = float((area**2 / width).sum())
            most = float((width * inside**2).sum())
            value = math.sqrt(2 * square / unit)
            pooled = (pair.reference.upto + pair.current.upto)[:-1] / (n + m)
            by_chance = float((width * pooled * (1 - pooled).clip(0)).sum()) * (1 / n + 1 / m)
        if not math.isfinite(value):
            return scale.undefined("the values are too large to be subtracted", n=pair.n, threshold=self.threshold)
        chance = math.sqrt(2 * by_chance / unit)
        return scale.within(
            value,
            low=value - 2 * chance,
            high=value + 2 * chance,
            chance=chance,
            n=pair.n,
            threshold=self.threshold,
            error=max(math.sqrt(2 * max(most, square) / unit) - value, 0.0) if most > square * (1 + 1e-9) else 0.0,
        )
