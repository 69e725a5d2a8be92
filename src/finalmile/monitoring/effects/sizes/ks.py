"""Kolmogorov-Smirnov: the widest gap between two distribution functions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from finalmile.monitoring.effects.effect import Effect, Scale, empty_side
from finalmile.monitoring.effects.pairs import Counted, Ordered
from finalmile.monitoring.effects.registry import effects

_SCALE = Scale(name="ks", unit="share of rows", cuts=(0.08, 0.197, 0.311), most=1.0)
_MEAN_OF_KOLMOGOROV = math.sqrt(math.pi / 2) * math.log(2)


@effects.add("ks")
@dataclass(frozen=True, slots=True, kw_only=True)
class KS:
    r"""Largest share of rows by which the two samples differ at any cut: 0 the same, 1 apart.

    Needs no bins and does not change when the values are rescaled; says little about tails.

    .. math:: D = \sup_x |F_n(x) - G_m(x)|

    The interval is distribution-free (Dvoretzky-Kiefer-Wolfowitz with Massart's constant, half of 5 % on each side):
    it holds at any number of rows, if rows are independent. From tables, ``error`` bounds what lies between knots.

    Examples
    --------
    >>> from finalmile.monitoring.effects import ordered
    >>> KS()(ordered(np.array([1.0, 2.0]), np.array([2.0, 3.0]))).value
    0.5
    """

    ordered_only: ClassVar[bool] = True
    threshold: float | None = None

    def __call__(self, pair: Ordered | Counted, /) -> Effect:
        """The statistic; undefined for categories and where a side is empty."""
        why = empty_side(pair.n) if isinstance(pair, Ordered) else "categories have no order"
        if why or isinstance(pair, Counted):
            return _SCALE.undefined(why, n=pair.n, threshold=self.threshold)
        n, m = pair.n
        below, upto = pair.distances()
        value = float(max(np.abs(below).max(), np.abs(upto).max()))
        _, _, inside = pair.gaps()
        error = max(float(inside.max(initial=0.0)) - value, 0.0) + pair.reference.error / n + pair.current.error / m
        band = math.sqrt(math.log(80.0) / (2 * n)) + math.sqrt(math.log(80.0) / (2 * m))
        return _SCALE.within(
            value,
            low=value - band,
            high=value + band,
            chance=_MEAN_OF_KOLMOGOROV * math.sqrt(1 / n + 1 / m),
            n=pair.n,
            threshold=self.threshold,
            error=error if error > 1e-12 else 0.0,
        )
