"""Absolute error of the sum over all series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from finalmile.metrics.registry import metrics
from finalmile.metrics.scored import Scored, ratio, total


@metrics.add("wape_total")
@dataclass(frozen=True, slots=True)
class WAPETotal:
    r"""WAPE of the total of every period: how wrong warehouse space or transport planned from it would be.

    Errors of single series cancel here, so it is far below WAPE. Only cells that count enter both totals.

    .. math:: \sum_t |\sum_i f_{it} - \sum_i a_{it}| / \sum_t |\sum_i a_{it}|

    Examples
    --------
    >>> WAPETotal()(Scored(actual=np.array([[0.0], [4.0]]), forecast=np.array([[1.0], [2.0]])))
    0.25
    """

    undefined: ClassVar[str] = "nothing was sold in the periods that count"

    def __call__(self, scored: Scored, /) -> float | None:
        """WAPE of the period totals."""
        keep = scored.usable
        with np.errstate(over="ignore", invalid="ignore"):
            actual = np.where(keep, scored.actual, 0.0).sum(axis=0, dtype=np.float64)
            forecast = np.where(keep, scored.forecast, 0.0).sum(axis=0, dtype=np.float64)
            return ratio(total(np.abs(forecast - actual)), total(np.abs(actual)))
