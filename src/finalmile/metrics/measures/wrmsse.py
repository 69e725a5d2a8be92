"""RMSSE weighted by what each series is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from finalmile.metrics.registry import metrics
from finalmile.metrics.scored import Scored
from finalmile.metrics.series import mean_over_series


@metrics.add("wrmsse")
@dataclass(frozen=True, slots=True)
class WRMSSE:
    """RMSSE averaged with the weights given, usually each series' recent revenue: the M5 measure on one level.

    Weights are shared out anew among the series that have a scale and a period that counts.

    References
    ----------
    Makridakis, Spiliotis & Assimakopoulos (2022), M5 accuracy competition.

    Examples
    --------
    >>> seen = Scored(actual=np.zeros((2, 1)), forecast=np.array([[1.0], [2.0]]),
    ...               naive_rmse=np.ones(2), weights=np.array([3.0, 1.0]))
    >>> WRMSSE()(seen)
    1.25
    """

    undefined: ClassVar[str] = "no weights, or no weighted series has a period that counts and a naive error above zero"

    def __call__(self, scored: Scored, /) -> float | None:
        """Weighted mean scaled error of the series that have one."""
        if scored.weights is None:
            return None
        errors = np.sqrt(scored.errors_by_series(power=2))
        return mean_over_series(errors, scored.naive_rmse, weights=scored.weights)
