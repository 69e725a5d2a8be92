"""A change in how customers buy, of known day, kind and size: what a monitor should find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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

    Raises
    ------
    ValueError
        For an unknown kind, a day below 0, or a size or share outside its range.
    """

    day: int
    kind: RegimeKind = "level"
    size: float = 1.5
    share: float = 1.0
    category: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no regime change is called {self.kind!r}. Known: {', '.join(KINDS)}.")
        if self.day < 0 or self.size < 0 or not 0 <= self.share <= 1:
            raise ValueError(f"day and size must be at least 0 and share in [0, 1], got {self}")
        if self.kind == "weekday" and self.size > 1:
            raise ValueError(f"the size of a weekday change is a share in [0, 1], got {self.size}")

    def touches(self, product: str, category: str, *, seed: int) -> bool:
        """Whether this product is one of those that change."""
        if self.category is not None and category != self.category:
            return False
        return bool(generator(seed, "regime", self.kind, product).random() < self.share)
