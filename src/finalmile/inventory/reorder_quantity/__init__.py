"""Reorder point and order quantity, (r, Q): exact for whole units, and the textbooks' approximations."""

from finalmile.inventory.reorder_quantity.approximate import (
    eoq_with_backorders,
    eoq_with_safety_stock,
    hadley_whitin,
    loss_function,
)
from finalmile.inventory.reorder_quantity.cost import Costs, ReorderQuantity, best_reorder_point, expected_cost
from finalmile.inventory.reorder_quantity.exact import exact

__all__ = [
    "Costs",
    "ReorderQuantity",
    "best_reorder_point",
    "eoq_with_backorders",
    "eoq_with_safety_stock",
    "exact",
    "expected_cost",
    "hadley_whitin",
    "loss_function",
]
