"""Root mean square error in units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from finalmile.metrics.registry import metrics
from finalmile.metrics.scored import Scored, ratio, total


@metrics.add("rmse")
@dataclass(frozen=True, slots=True)
class RMSE:
    """Root mean square error, in units per period: the mean is the best forecast under it, large misses dominate.

    Examples
    --------
    >>> RMSE()(Scored(actual=np.array([[0.0, 0.0]]), forecast=np.array([[1.0, 7.0]])))
    5.0
    """

    undefined: ClassVar[str] = "no period counts"

    def __call__(self, scored: Scored, /) -> float | None:
        """RMSE over every cell that counts."""
        actual, forecast = scored.pairs()
        with np.errstate(over="ignore"):
            mean = ratio(total((forecast - actual) ** 2), len(actual))
        return None if mean is None else mean**0.5
