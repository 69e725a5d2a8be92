"""Rows of a CSV file that no spreadsheet runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from finalmile.frames.spreadsheets import guarded
from finalmile.inventory.exports.purchase_orders import PurchaseOrder
from finalmile.inventory.exports.registry import OrderFile


def csv_files(
    name: str, rows: Sequence[Mapping[str, str | int | None]], orders: Sequence[PurchaseOrder]
) -> list[OrderFile]:
    """A UTF-8 CSV file with a header, none where there are no orders.

    Text that a spreadsheet would run as a formula has an apostrophe in front.
    """
    if not orders:
        return []
    frame = pl.DataFrame(rows, infer_schema_length=None)
    notes = [note for order in orders for note in order.notes]
    safe = guarded(frame)
    if not safe.equals(frame):
        notes.append("text that a spreadsheet would run as a formula has an apostrophe in front")
    ids = tuple(order.order_id for order in orders)
    return [OrderFile(name=name, content=safe.write_csv().encode(), orders=ids, notes=tuple(notes))]
