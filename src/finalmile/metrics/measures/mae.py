"""Mean absolute error in units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from finalmile.metrics.registry import metrics
from finalmile.metrics.scored import Scored, ratio, total


@metrics.add("mae")
@dataclass(frozen=True, slots=True)
class MAE:
    """Mean absolute error, in units per period.

    Comparable only between forecasts of the same series and periods.

    Examples
    --------
    >>> MAE()(Scored(actual=np.array([[1.0, 3.0]]), forecast=np.array([[2.0, 6.0]])))
    2.0
    """

    undefined: ClassVar[str] = "no period counts"

    def __call__(self, scored: Scored, /) -> float | None:
        """MAE over every cell that counts."""
        actual, forecast = scored.pairs()
        with np.errstate(over="ignore"):
            return ratio(total(np.abs(forecast - actual)), len(actual))
