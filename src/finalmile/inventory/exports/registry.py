"""What every format of purchase orders offers, and where it is found by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from finalmile.inventory.exports.purchase_orders import PurchaseOrder
from finalmile.plugins import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFile:
    """One file for another system: its bytes follow from the orders and the settings alone.

    Parameters
    ----------
    name
        File name without a folder, of letters, digits, ``-`` and ``_``.
    orders
        Ids of the orders in it.
    notes
        What had to be written otherwise than it was given, one sentence each.
    """

    name: str
    content: bytes
    orders: tuple[str, ...]
    notes: tuple[str, ...] = ()


class OrderFormat(Protocol):
    """A format of purchase orders; a frozen dataclass whose fields are its settings."""

    def __call__(self, orders: Sequence[PurchaseOrder], /) -> list[OrderFile]:
        """Files that hold each order once.

        Raises
        ------
        SchemaError
            Where an order holds what the format cannot carry; every fault at once.
        """
        ...


exports: Registry[OrderFormat] = Registry("export", "finalmile.inventory.exports")
