"""Purchase orders as a file for Odoo's import."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from finalmile.inventory.exports.csv_table import csv_files
from finalmile.inventory.exports.purchase_orders import PurchaseLine, PurchaseOrder, plain
from finalmile.inventory.exports.registry import OrderFile, exports


@exports.add("odoo")
@dataclass(frozen=True, kw_only=True)
class Odoo:
    """A CSV file for Purchase, Import records, in Odoo 19: technical field names of ``purchase.order``.

    Columns: ``id, partner_id, date_order, origin, currency_id, order_line/id, order_line/product_id,
    order_line/name, order_line/product_qty, order_line/price_unit, order_line/date_planned``. Fields of the order
    stand in its first row alone. ``id`` and ``order_line/id`` are external ids that follow from ours: importing the
    file again changes the same records instead of making others. Suppliers, products and currencies are found by the
    names that Odoo knows them by, products also by their internal reference.

    Parameters
    ----------
    module
        First part of the external ids.

    Examples
    --------
    >>> from finalmile.inventory.exports import purchase_orders
    >>> from finalmile.records import OrderLine
    >>> tea = OrderLine(order_id="PO-1", line_id="PO-1-a", supplier="Acme", unique_id="tea", quantity=3,
    ...     unit_cost=0.1, currency="EUR", ordered_at=date(2024, 5, 1), due=date(2024, 5, 3))
    >>> print(Odoo()(purchase_orders([tea]))[0].content.decode().splitlines()[1])
    finalmile.PO-1,Acme,2024-05-01 00:00:00,PO-1,EUR,finalmile.PO-1-a,tea,tea,3,0.1,2024-05-03 00:00:00
    """

    module: str = "finalmile"

    def __post_init__(self) -> None:
        if not re.fullmatch("[a-z][a-z0-9_]*", self.module):
            raise ValueError(f"module is {self.module!r}; give small letters, digits and _, such as finalmile")

    def __call__(self, orders: Sequence[PurchaseOrder], /) -> list[OrderFile]:
        """One file of all orders."""
        rows = [self._row(order, line) for order in orders for line in order.lines]
        return csv_files("odoo-purchase-orders.csv", rows, orders)

    def _row(self, order: PurchaseOrder, line: PurchaseLine) -> dict[str, str | int | None]:
        first = line.number == 1
        return {
            "id": self._external(order.order_id) if first else None,
            "partner_id": order.supplier if first else None,
            "date_order": _instant(order.ordered_at) if first else None,
            "origin": order.order_id if first else None,
            "currency_id": order.currency if first else None,
            "order_line/id": self._external(line.line_id),
            "order_line/product_id": line.product,
            "order_line/name": line.product,
            "order_line/product_qty": line.quantity,
            "order_line/price_unit": None if line.price is None else plain(line.price),
            "order_line/date_planned": _instant(line.due),
        }

    def _external(self, name: str) -> str:
        """An external id: one dot, which stands between module and name."""
        return f"{self.module}.{name.replace('.', '_')}"


def _instant(at: date | datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
