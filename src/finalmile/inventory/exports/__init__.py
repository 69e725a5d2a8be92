"""Formats that purchase orders are written in for other systems and for suppliers, one a file."""

from __future__ import annotations

from collections.abc import Callable

from finalmile.inventory.exports.purchase_orders import PurchaseOrder, purchase_orders
from finalmile.inventory.exports.registry import OrderFile, OrderFormat, exports

__all__ = ["OrderFile", "OrderFormat", "PurchaseOrder", "exports", "purchase_orders"]


def __getattr__(name: str) -> Callable[..., OrderFormat]:
    """The registered class of that name, so that code writes what YAML names."""
    return exports.class_named(name)


def __dir__() -> list[str]:
    return [*__all__, *exports.class_names()]
