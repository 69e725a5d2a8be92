"""What simulated years came to: of one product now and then, and of all at each service level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from finalmile.records import Json

FUTURES = 50
"""Years that one product is simulated in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A year of one product, or of all, on some terms: means over simulated futures.

    Parameters
    ----------
    order_up_to
        Level in units, of one product; ``None`` for all.
    fill_rate
        Share of units served from the shelf.
    cycle_service
        Share of order cycles without a stock-out.
    stock_units, stock_value
        On the shelf at the end of a period; at cost, ``None`` where costs are unknown.
    lost_units, orders
        A year.
    """

    terms: Mapping[str, float]
    order_up_to: int | None
    fill_rate: float
    cycle_service: float
    stock_units: float
    stock_value: float | None
    lost_units: float
    orders: float

    def line(self, name: str, *, currency: str) -> str:
        """One sentence."""
        value = "" if self.stock_value is None else f" ({self.stock_value:,.2f} {currency})"
        level = "" if self.order_up_to is None else f"order up to {self.order_up_to:,}: "
        return (
            f"{name}: {level}fill rate {self.fill_rate:.1%}, cycle service {self.cycle_service:.1%}, "
            f"{self.stock_units:,.1f} units on the shelf{value}, {self.lost_units:,.1f} lost and {self.orders:,.1f} "
            "orders a year."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """One product now and on other terms, in the same futures; ``note`` says what now is where plans do not."""

    unique_id: str
    now: Outcome
    then: Outcome
    currency: str
    assumed: bool
    note: str = ""
    breached: bool = False

    def lines(self) -> list[str]:
        """Both, and what they rest on."""
        now, changed = _terms(self.now.terms), _terms(self.then.terms)
        return [
            f"{self.unique_id}, ordered at every review, unmet demand lost:",
            self.now.line(f"  now ({now})", currency=self.currency),
            self.then.line(f"  then ({changed})", currency=self.currency),
            f"{FUTURES} years drawn from the last one, four weeks at a time; a trend is not in them."
            + (" Costs or lead times are assumed." if self.assumed else ""),
            *([f"Note: {self.note}."] if self.note else []),
        ]

    def to_dict(self) -> Json:
        """Both outcomes."""
        return {**asdict(self), "futures": FUTURES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """What each service level takes in stock, over all products; ``present`` is nearest to what plans promise."""

    points: tuple[Outcome, ...]
    items: int
    currency: str
    assumed: bool
    present: float | None = None
    breached: bool = False

    def lines(self) -> list[str]:
        """One line per level."""
        return [
            f"{self.items:,} products, each ordered up to the quantile of its own demand over review and lead time:",
            *(p.line(f"  {p.terms['cycle_service']:.1%} asked", currency=self.currency) for p in self.points),
            "A year drawn from the last one, four weeks at a time, unmet demand lost; a trend is not in it."
            + (" Costs or lead times are assumed." if self.assumed else ""),
        ]

    def to_dict(self) -> Json:
        """Every point."""
        return asdict(self)


def _terms(terms: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {round(value, 3):.10g}" for name, value in terms.items())
