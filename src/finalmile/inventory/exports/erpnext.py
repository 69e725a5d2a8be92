"""Purchase orders as a file for ERPNext's data import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from finalmile.inventory.exports.csv_table import csv_files
from finalmile.inventory.exports.purchase_orders import PurchaseLine, PurchaseOrder, day_of, plain
from finalmile.inventory.exports.registry import OrderFile, exports


@exports.add("erpnext")
@dataclass(frozen=True, kw_only=True)
class ErpNext:
    """A CSV file for Data Import of the DocType Purchase Order, in ERPNext 15 and 16.

    Columns are field names, those of the table ``items`` as ``items.field``: ``name, supplier, transaction_date,
    schedule_date, currency, items.item_code, items.qty, items.rate, items.schedule_date`` and, where they are set,
    ``company`` and ``items.warehouse``. Fields of the order stand in its first row alone. ``name`` is our id of the
    order; where the naming rules of the site keep it, *Update Existing Records* finds the order again by it.

    Parameters
    ----------
    company
        Name of the buying company; ERPNext's default one where empty.
    warehouse
        Where everything is delivered; each item's own default where empty.

    Examples
    --------
    >>> from finalmile.inventory.exports import purchase_orders
    >>> from finalmile.records import OrderLine
    >>> tea = OrderLine(order_id="PO-1", line_id="PO-1-a", supplier="Acme", unique_id="tea", quantity=3,
    ...     unit_cost=0.1, currency="EUR", ordered_at=date(2024, 5, 1), due=date(2024, 5, 3))
    >>> print(ErpNext()(purchase_orders([tea]))[0].content.decode().splitlines()[1])
    PO-1,Acme,2024-05-01,2024-05-03,EUR,tea,3,0.1,2024-05-03
    """

    company: str = ""
    warehouse: str = ""

    def __call__(self, orders: Sequence[PurchaseOrder], /) -> list[OrderFile]:
        """One file of all orders."""
        last = {order.order_id: max(day_of(line.due) for line in order.lines) for order in orders}
        rows = [self._row(order, line, last=last[order.order_id]) for order in orders for line in order.lines]
        return csv_files("erpnext-purchase-orders.csv", rows, orders)

    def _row(self, order: PurchaseOrder, line: PurchaseLine, *, last: date) -> dict[str, str | int | None]:
        first = line.number == 1
        row: dict[str, str | int | None] = {
            "name": order.order_id if first else None,
            "supplier": order.supplier if first else None,
            "transaction_date": day_of(order.ordered_at).isoformat() if first else None,
            "schedule_date": last.isoformat() if first else None,
            "currency": order.currency if first else None,
            "items.item_code": line.product,
            "items.qty": line.quantity,
            "items.rate": None if line.price is None else plain(line.price),
            "items.schedule_date": day_of(line.due).isoformat(),
        }
        if self.company:
            row["company"] = self.company if first else None
        return {**row, "items.warehouse": self.warehouse} if self.warehouse else row
