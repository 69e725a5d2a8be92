"""What the model adds over a cheap forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from finalmile.metrics.registry import metrics
from finalmile.metrics.scored import Scored, ratio, total


@metrics.add("fva")
@dataclass(frozen=True, slots=True)
class ForecastValueAdded:
    r"""Share of the baseline's absolute error that the forecast takes away: 0.13 is 13 % better, below 0 is worse.

    Counted on the cells where both forecasts can be judged.

    .. math:: 1 - \sum |f - a| / \sum |b - a|

    References
    ----------
    Gilliland (2010), The Business Forecasting Deal.

    Examples
    --------
    >>> seen = Scored(actual=np.array([[4.0]]), forecast=np.array([[3.0]]), baseline=np.array([[2.0]]))
    >>> ForecastValueAdded()(seen)
    0.5
    """

    undefined: ClassVar[str] = "no baseline, or a baseline without any error"

    def __call__(self, scored: Scored, /) -> float | None:
        """Value added over the baseline of ``scored``."""
        if scored.baseline is None:
            return None
        keep = scored.usable & np.isfinite(scored.baseline)
        actual = scored.actual[keep].astype(np.float64)
        with np.errstate(over="ignore"):
            ours = total(np.abs(scored.forecast[keep] - actual))
            left = ratio(ours, total(np.abs(scored.baseline[keep] - actual)))
        return None if left is None else 1.0 - left
