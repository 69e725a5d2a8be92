"""Stock over time, vectorised over items."""

from finalmile.simulation.stock import (
    Decide,
    Flow,
    Stock,
    Traded,
    UnitsArray,
    follow,
    opening,
    order_up_to,
    place,
    simulate,
    trade,
)

__all__ = [
    "Decide",
    "Flow",
    "Stock",
    "Traded",
    "UnitsArray",
    "follow",
    "opening",
    "order_up_to",
    "place",
    "simulate",
    "trade",
]
