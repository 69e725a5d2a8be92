"""Stock over time, vectorised over items."""

from finalmile.simulation.chance import keys_of
from finalmile.simulation.engine import run
from finalmile.simulation.rules import Rule, base_stock, fixed_lots, min_max
from finalmile.simulation.scene import Scene, bootstrapped, drawn, fixed_leads, given, random_leads
from finalmile.simulation.search import Costs, Found, search
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
from finalmile.simulation.totals import Totals

__all__ = [
    "Costs",
    "Decide",
    "Flow",
    "Found",
    "Rule",
    "Scene",
    "Stock",
    "Totals",
    "Traded",
    "UnitsArray",
    "base_stock",
    "bootstrapped",
    "drawn",
    "fixed_leads",
    "fixed_lots",
    "follow",
    "given",
    "keys_of",
    "min_max",
    "opening",
    "order_up_to",
    "place",
    "random_leads",
    "run",
    "search",
    "simulate",
    "trade",
]
