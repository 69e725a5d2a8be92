"""Mean percentage error where something was sold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from finalmile.metrics.registry import metrics
from finalmile.metrics.scored import Scored, ratio, total


@metrics.add("mape")
@dataclass(frozen=True, slots=True)
class MAPE:
    """Mean of absolute error over actual where something was sold, as a ratio; read it beside ``mape_rows``.

    Blind to everything forecast where nothing was sold, and kind to forecasts that are too low: prefer WAPE.

    Examples
    --------
    >>> MAPE()(Scored(actual=np.array([[0.0, 4.0]]), forecast=np.array([[9.0, 3.0]])))
    0.25
    """

    undefined: ClassVar[str] = "nothing was sold in the periods that count"

    def __call__(self, scored: Scored, /) -> float | None:
        """MAPE over the cells that count and have an actual above zero."""
        actual, forecast = scored.pairs()
        sold = actual > 0
        with np.errstate(over="ignore"):
            return ratio(total(np.abs(forecast[sold] - actual[sold]) / actual[sold]), int(sold.sum()))
