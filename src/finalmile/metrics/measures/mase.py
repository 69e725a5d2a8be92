"""Absolute error against a naive forecast's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from finalmile.metrics.registry import metrics
from finalmile.metrics.scored import Scored
from finalmile.metrics.series import mean_over_series


@metrics.add("mase")
@dataclass(frozen=True, slots=True)
class MASE:
    r"""Mean over series of the absolute error divided by the in-sample error of a naive forecast.

    Below 1 is better than repeating the past was. Series that were constant, never sold or have no scale are left out.

    .. math:: \mathrm{mean}_i\; \mathrm{MAE}_i / \mathrm{MAE}^{naive}_i

    References
    ----------
    Hyndman & Koehler (2006), Another look at measures of forecast accuracy.

    Examples
    --------
    >>> import numpy as np
    >>> MASE()(Scored(actual=np.array([[4.0]]), forecast=np.array([[3.0]]), naive_mae=np.array([2.0])))
    0.5
    """

    undefined: ClassVar[str] = "no series has both a period that counts and a naive error above zero"

    def __call__(self, scored: Scored, /) -> float | None:
        """Mean scaled error of the series that have one."""
        return mean_over_series(scored.errors_by_series(power=1), scored.naive_mae)
