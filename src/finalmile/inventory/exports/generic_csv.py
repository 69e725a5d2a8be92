"""Purchase orders as a plain table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from finalmile.inventory.exports.csv_table import csv_files
from finalmile.inventory.exports.purchase_orders import PurchaseOrder, plain
from finalmile.inventory.exports.registry import OrderFile, exports


@exports.add("generic_csv")
@dataclass(frozen=True, kw_only=True)
class GenericCsv:
    """One row a line: ``order_id, line_id, line, supplier, unique_id, quantity, unit_cost, currency, ordered_at, due``.

    Times are ISO 8601, prices plain decimals, empty where unknown. ``line_id`` is the same whenever the same line is
    written, so a system that keeps it takes in nothing twice.

    Examples
    --------
    >>> from datetime import date
    >>> from finalmile.inventory.exports import purchase_orders
    >>> from finalmile.records import OrderLine
    >>> tea = OrderLine(order_id="PO-1", line_id="PO-1-a", supplier="Acme", unique_id="tea", quantity=3,
    ...     unit_cost=0.1, currency="EUR", ordered_at=date(2024, 5, 1), due=date(2024, 5, 3))
    >>> print(GenericCsv()(purchase_orders([tea]))[0].content.decode().splitlines()[1])
    PO-1,PO-1-a,1,Acme,tea,3,0.1,EUR,2024-05-01,2024-05-03
    """

    def __call__(self, orders: Sequence[PurchaseOrder], /) -> list[OrderFile]:
        """One file of all orders."""
        rows: list[dict[str, str | int | None]] = [
            {
                "order_id": order.order_id,
                "line_id": line.line_id,
                "line": line.number,
                "supplier": order.supplier,
                "unique_id": line.product,
                "quantity": line.quantity,
                "unit_cost": None if line.price is None else plain(line.price),
                "currency": order.currency,
                "ordered_at": order.ordered_at.isoformat(),
                "due": line.due.isoformat(),
            }
            for order in orders
            for line in order.lines
        ]
        return csv_files("orders.csv", rows, orders)
