"""Hellinger distance of shares."""

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

_SCALE = Scale(name="hellinger", unit="", cuts=(0.0706, 0.175, 0.277), most=1.0)


@effects.add("hellinger")
@dataclass(frozen=True, slots=True, kw_only=True)
class Hellinger:
    r"""Distance between the roots of the shares: 0 the same, 1 nothing in common.

    Defined for empty cells, and quick to notice a cell that was empty before.

    .. math:: \sqrt{1 - \sum_i \sqrt{p_i q_i}}

    Parameters
    ----------
    bins
        Ranges of a number, of about equal counts of the reference; categories are taken as they are.

    Examples
    --------
    >>> Hellinger()(Counted(reference=np.array([4.0, 0.0]), current=np.array([1.0, 3.0]))).value.__round__(6)
    0.707107
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
            value=lambda p, q: math.sqrt(max(float(((np.sqrt(p) - np.sqrt(q)) ** 2).sum()) / 2, 0.0)),
            gradient=_gradient,
            chance=lambda _, rows, cells: math.sqrt((cells - 1) * rows / 8),
            threshold=self.threshold,
        )


def _gradient(p: Doubles, q: Doubles, value: float) -> tuple[Doubles, Doubles]:
    by_p, by_q = (np.sqrt(np.where(a > 0, b / np.where(a > 0, a, 1.0), 0.0)) for a, b in ((p, q), (q, p)))
    return -by_p / (4 * value), -by_q / (4 * value)
