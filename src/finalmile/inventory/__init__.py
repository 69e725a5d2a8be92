"""From demand over the protection interval to order lines."""

from finalmile.inventory.constraints import orderable
from finalmile.inventory.demand import Demand, NegativeBinomialPaths, PathDemand, PointDemand
from finalmile.inventory.orders import order_lines
from finalmile.inventory.position import Position, position, protection_windows
from finalmile.inventory.proposal import Policy, Proposal
from finalmile.inventory.safety_stock import safety_factor, safety_stock

__all__ = [
    "Demand",
    "NegativeBinomialPaths",
    "PathDemand",
    "PointDemand",
    "Policy",
    "Position",
    "Proposal",
    "order_lines",
    "orderable",
    "position",
    "protection_windows",
    "safety_factor",
    "safety_stock",
]
