"""Total variation: the share of rows that sits in other cells."""

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

_SCALE = Scale(name="total_variation", unit="share of rows", cuts=(0.08, 0.197, 0.311), most=1.0)


@effects.add("total_variation")
@dataclass(frozen=True, slots=True, kw_only=True)
class TotalVariation:
    r"""Share of rows that would have to change their cell to make both samples the same: 0 to 1.

    The easiest one to say aloud.

    .. math:: \tfrac12 \sum_i |p_i - q_i|

    Parameters
    ----------
    bins
        Ranges of a number, of about equal counts of the reference; categories are taken as they are.

    Examples
    --------
    >>> TotalVariation()(Counted(reference=np.array([5.0, 5.0]), current=np.array([8.0, 2.0]))).value.__round__(6)
    0.3
    """

    ordered_only: ClassVar[bool] = False
    bins: int = 10
    threshold: float | None = None

    def __call__(self, pair: Ordered | Counted, /) -> Effect:
        """The share; undefined where a side is empty."""
        return on_shares(
            pair,
            bins=self.bins,
            scale=_SCALE,
            value=lambda p, q: float(np.abs(p - q).sum()) / 2,
            gradient=lambda p, q, _: (np.sign(p - q) / 2, np.sign(q - p) / 2),
            chance=_chance,
            threshold=self.threshold,
        )


def _chance(pooled: Doubles, rows: float, cells: int) -> float:
    del cells
    return float(np.sqrt(pooled * (1 - pooled) * rows / (2 * math.pi)).sum())
