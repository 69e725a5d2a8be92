"""Absolute error as a share of what was sold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from finalmile.metrics.registry import metrics
from finalmile.metrics.scored import Scored, ratio, total


@metrics.add("wape")
@dataclass(frozen=True, slots=True)
class WAPE:
    r"""Sum of absolute errors over the sum of what was sold: the headline figure.

    Weighs units, so slow sellers cannot blow it up and zeros do no harm. 0 is perfect; forecasting nothing gives 1.

    .. math:: \sum |f - a| / \sum |a|

    Examples
    --------
    >>> WAPE()(Scored(actual=np.array([[0.0, 4.0]]), forecast=np.array([[1.0, 3.0]])))
    0.5
    """

    undefined: ClassVar[str] = "nothing was sold in the periods that count"

    def __call__(self, scored: Scored, /) -> float | None:
        """WAPE over every cell that counts."""
        actual, forecast = scored.pairs()
        with np.errstate(over="ignore"):
            return ratio(total(np.abs(forecast - actual)), total(np.abs(actual)))
