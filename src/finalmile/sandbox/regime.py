"""A change in how customers buy, of known day, kind and size: what a monitor should find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from finalmile.sandbox.chance import generator

RegimeKind = Literal["level", "promotion", "price", "weekday", "variance"]
KINDS: tuple[RegimeKind, ...] = ("level", "promotion", "price", "weekday", "variance")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeChange:
    """From ``day`` on, some products are bought in another way.

    Parameters
    ----------
    day
        First day of the new regime, counted from 0 at the retailer's start.
    kind
        ``"level"`` multiplies expected demand by ``size``; ``"promotion"`` multiplies what a promotion adds;
        ``"price"`` multiplies the elasticity; ``"weekday"`` moves the share ``size`` of the weekday pattern by
        three days; ``"variance"`` multiplies overdispersion.
    size
        Factor, at least 0; for ``"weekday"`` a share in [0, 1].
    share
        Share of products touched, in [0, 1]; each product decides by its own luck.
    category
        Only products of this category; ``None`` for all.
    rise_days
        Days over which the change grows to its full size, and over which it fades where it ends; 0 for a step.
    lasts_days
        Days until it is over, growth and fading included; for ever where ``None``.

    Raises
    ------
    ValueError
        For an unknown kind, a day below 0, a size or share outside its range, or a change that is over before it began.
    """

    day: int
    kind: RegimeKind = "level"
    size: float = 1.5
    share: float = 1.0
    category: str | None = None
    rise_days: int = 0
    lasts_days: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no regime change is called {self.kind!r}. Known: {', '.join(KINDS)}.")
        if self.day < 0 or self.size < 0 or not 0 <= self.share <= 1:
            raise ValueError(f"day and size must be at least 0 and share in [0, 1], got {self}")
        if self.kind == "weekday" and self.size > 1:
            raise ValueError(f"the size of a weekday change is a share in [0, 1], got {self.size}")
        if self.rise_days < 0 or (self.lasts_days is not None and self.lasts_days < 1):
            raise ValueError(f"rise_days must be at least 0 and lasts_days at least 1, got {self}")

    def strength(self, days: int, /) -> npt.NDArray[np.float64]:
        """How much of the change holds on each of the first ``days`` days, shape (days,), in [0, 1].

        Examples
        --------
        >>> RegimeChange(day=1, rise_days=2, lasts_days=4).strength(7).tolist()
        [0.0, 0.5, 1.0, 1.0, 0.5, 0.0, 0.0]
        """
        day, slope = np.arange(days, dtype=np.float64), max(self.rise_days, 1)
        grown = np.clip((day - self.day + 1) / slope, 0.0, 1.0)
        if self.lasts_days is None:
            return grown
        return np.minimum(grown, np.clip((self.day + self.lasts_days - day) / slope, 0.0, 1.0))

    def touches(self, product: str, category: str, *, seed: int) -> bool:
        """Whether this product is one of those that change."""
        if self.category is not None and category != self.category:
            return False
        return bool(generator(seed, "regime", self.kind, product).random() < self.share)
