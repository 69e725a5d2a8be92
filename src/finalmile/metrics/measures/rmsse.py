"""Root mean square error against a naive forecast's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from finalmile.metrics.registry import metrics
from finalmile.metrics.scored import Scored
from finalmile.metrics.series import mean_over_series


@metrics.add("rmsse")
@dataclass(frozen=True, slots=True)
class RMSSE:
    """Mean over series of the root mean square error divided by the in-sample one of a naive forecast.

    Series that were constant, never sold or have no scale are left out. All series weigh the same; see ``wrmsse``.

    References
    ----------
    Makridakis, Spiliotis & Assimakopoulos (2022), M5 accuracy competition.

    Examples
    --------
    >>> RMSSE()(Scored(actual=np.array([[0.0, 0.0]]), forecast=np.array([[1.0, 7.0]]), naive_rmse=np.array([10.0])))
    0.5
    """

    undefined: ClassVar[str] = "no series has both a period that counts and a naive error above zero"

    def __call__(self, scored: Scored, /) -> float | None:
        """Mean scaled error of the series that have one."""
        return mean_over_series(np.sqrt(scored.errors_by_series(power=2)), scored.naive_rmse)
