"""Demand in whole units of which each has a chance of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from finalmile.inventory.distributions.base import chance_in
from finalmile.simulation import UnitsArray


@dataclass(frozen=True, slots=True, eq=False)
class Pmf:
    """Demand of ``k`` whole units with chance ``chances[k]``: a histogram, or anything counted.

    Parameters
    ----------
    chances : array of shape (m,)
        Not negative, adding up to 1.

    Examples
    --------
    >>> lumpy = Pmf.of({0: 0.5, 4: 0.5})
    >>> lumpy.mean, lumpy.quantile(0.6), lumpy.loss(3.0)
    (2.0, 4.0, 0.5)
    """

    chances: UnitsArray

    def __post_init__(self) -> None:
        total = float(np.sum(self.chances))
        if not len(self.chances) or not np.all(self.chances >= 0) or abs(total - 1) > 1e-9:
            raise ValueError(f"the chances add up to {total:g}; they must not be negative and add up to 1")

    @classmethod
    def of(cls, chances: dict[int, float]) -> Pmf:
        """From the chance of each number of units; others have none."""
        low = min(chances, default=-1)
        if low < 0:
            raise ValueError("give the chance of each number of units, none below 0: {units: chance}")
        told = np.zeros(max(chances) + 1)
        told[list(chances)] = list(chances.values())
        return cls(told)

    @property
    def whole(self) -> bool:
        """Yes."""
        return True

    @property
    def mean(self) -> float:
        """Expected demand."""
        return float(np.arange(len(self.chances)) @ self.chances)

    def over(self, periods: float) -> Pmf:
        """The sum of so many independent periods, a whole number of them."""
        if periods < 1 or periods % 1:
            raise ValueError(f"periods is {periods}; the chances of a sum need a whole number of periods, 1 or more")
        total = self.chances
        for _ in range(int(periods) - 1):
            total = np.convolve(total, self.chances)
        return Pmf(total / total.sum())

    def cdf(self, level: float, /) -> float:
        """Chance that demand is at most ``level``."""
        return min(float(self.chances[: math.floor(level) + 1].sum()), 1.0) if level >= 0 else 0.0

    def quantile(self, chance: float, /) -> float:
        """Smallest level that is enough with this chance."""
        reached = np.cumsum(self.chances) >= chance_in(chance) - 1e-12
        return float(reached.argmax()) if reached.any() else float(len(self.chances) - 1)

    def loss(self, level: float, /) -> float:
        """Expected units short of ``level``."""
        return float(np.maximum(np.arange(len(self.chances)) - level, 0.0) @ self.chances)
