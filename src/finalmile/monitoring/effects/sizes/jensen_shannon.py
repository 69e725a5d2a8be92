"""Jensen-Shannon distance of shares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from finalmile.monitoring.effects.effect import Effect, Scale
from finalmile.monitoring.effects.pairs import Counted, Ordered
from finalmile.monitoring.effects.registry import effects
from finalmile.monitoring.effects.shares import on_shares
from finalmile.monitoring.engine.design import Doubles

_SCALE = Scale(name="jensen_shannon", unit="", cuts=(0.085, 0.21, 0.33), most=1.0)


@effects.add("jensen_shannon")
@dataclass(frozen=True, slots=True, kw_only=True)
class JensenShannon:
    r"""Root of the mean relative entropy (base 2) to the mixture of both: 0 the same, 1 nothing in common.

    Defined for empty cells. It is a root, so chance alone shows sqrt(cells / 8 ln 2 (1/n + 1/m)): 0.1 is nothing at
    100 rows.

    .. math:: \sqrt{\tfrac12 KL(p \| r) + \tfrac12 KL(q \| r)}, \quad r = (p + q) / 2

    Parameters
    ----------
    bins
        Ranges of a number, of about equal counts of the reference; categories are taken as they are.

    Examples
    --------
    >>> JensenShannon()(Counted(reference=np.array([9.0, 0.0]), current=np.array([0.0, 9.0]))).value
    1.0
    """

    ordered_only: ClassVar[bool] = False
    bins: int = 10
    threshold: float | None = None

    def __call__(self, pair: Ordered | Counted, /) -> Effect:
        """The distance; undefined where a side is empty."""
        return on_shares(
            pair,
            bins=self.bins,
            scale=_SCALE,
            value=lambda p, q: math.sqrt(max((_entropy(p, q) + _entropy(q, p)) / 2, 0.0)),
            gradient=_gradient,
            chance=lambda _, rows, cells: math.sqrt((cells - 1) * rows / (8 * math.log(2))),
            threshold=self.threshold,
        )


def _entropy(p: Doubles, q: Doubles) -> float:
    """Relative entropy of p to the mixture, in bits; a cell that p has not adds nothing."""
    return float((p * np.log2(np.where(p > 0, 2 * p / (p + q), 1.0))).sum())


def _gradient(p: Doubles, q: Doubles, value: float) -> tuple[Doubles, Doubles]:
    by_p, by_q = (np.log2(np.where(x > 0, 2 * x / (p + q), 1.0)) for x in (p, q))
    return by_p / (4 * value), by_q / (4 * value)
