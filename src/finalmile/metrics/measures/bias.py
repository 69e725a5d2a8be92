"""Whether forecasts are too high or too low on the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from finalmile.metrics.registry import metrics
from finalmile.metrics.scored import Scored, ratio, total


@metrics.add("bias")
@dataclass(frozen=True, slots=True)
class Bias:
    r"""Forecast minus actual over what was sold: above 0 too much was forecast, below 0 too little.

    .. math:: \sum (f - a) / \sum a

    Examples
    --------
    >>> Bias()(Scored(actual=np.array([[1.0, 3.0]]), forecast=np.array([[2.0, 3.0]])))
    0.25
    """

    undefined: ClassVar[str] = "sales less returns are not above zero in the periods that count"

    def __call__(self, scored: Scored, /) -> float | None:
        """Relative bias over every cell that counts."""
        actual, forecast = scored.pairs()
        sold = total(actual)
        with np.errstate(over="ignore"):
            return ratio(total(forecast - actual), sold) if sold > 0 else None
