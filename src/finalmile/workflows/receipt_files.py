"""Receipts of our orders from a file: each row matched with a line that was ordered, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from finalmile.errors import printable
from finalmile.inventory.answers.text import MOST_TOLD, refuse
from finalmile.inventory.exports.purchase_orders import fit
from finalmile.records import Json, OrderLine
from finalmile.workflows.answers import by_document, unknown
from finalmile.workflows.ingest import IngestReport
from finalmile.workflows.order_reports import Moved
from finalmile.workflows.receipts import day_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptsTaken:
    """What a file of receipts brought, and the orders that it completed."""

    taken: IngestReport
    settled: Moved
    notes: tuple[str, ...] = ()
    breached: bool = False

    def lines(self) -> list[str]:
        """What came, which lines are complete, what somebody should look at."""
        settled = self.settled.lines() if self.settled.rows else ["No further line is complete or late by now."]
        return [*self.taken.lines(), *settled, *(f"note: {note}" for note in self.notes)]

    def to_dict(self) -> Json:
        """Both, and the notes."""
        return {"ingest": self.taken.to_dict(), "settled": self.settled.to_dict(), "notes": list(self.notes)}


def of_our_orders(
    rows: pl.DataFrame, given: pl.DataFrame, lines: Sequence[OrderLine], *, source: str, supplier: str | None = None
) -> tuple[pl.DataFrame, list[str]]:
    """Receipts under the ids of our orders, also where they name a later document of one; and what to look at.

    Parameters
    ----------
    rows
        Receipts as :func:`finalmile.frames.schema.clean` leaves them.
    given
        The table as it was read, to say in which row a fault is.
    supplier
        Whose receipts they are; those of anybody else's orders are faults then.

    Raises
    ------
    SchemaError
        With each row that names an order or product that is not known, was never approved, or came before it was
        ordered.
    """
    documents = by_document(lines)
    known = {(name, fit(line.unique_id)): line for name, mine in documents.items() for line in mine}
    faults: list[str] = []
    orders: list[str] = []
    notes: list[str] = []
    for row in rows.select("order_id", "unique_id", "quantity", "received_at").iter_rows():
        order, product, quantity, at = row
        found = known.get((fit(order), fit(product)))
        said = list(_faults(found, order, product, at, documents, supplier))
        faults += [f"row {_row(given, order, product)}: {fault}" for fault in said]
        orders.append(order if found is None else found.order_id)
        if found is not None and quantity > found.quantity:
            notes.append(f"{printable(product)!r} of {order}: {quantity:g} came, {found.quantity:,} were ordered")
        if len(faults) > MOST_TOLD:
            break
    refuse(source, faults)
    return rows.with_columns(pl.Series("order_id", orders, dtype=pl.String)), notes


def _faults(
    found: OrderLine | None,
    order: str,
    product: str,
    at: date,
    documents: Mapping[str, Sequence[OrderLine]],
    supplier: str | None,
) -> Iterator[str]:
    lines = documents.get(fit(order))
    if lines is None:
        told = unknown("order", order, documents)
        yield f"{told}; receipts of another system's orders: finalmile ingest receipts"
    elif found is None:
        yield f"in order {printable(order)} {unknown('product', product, {line.unique_id: line for line in lines})}"
    elif found.state == "proposed":
        yield f"{printable(product)!r} of {printable(order)} is only proposed: finalmile orders approve {order}"
    elif supplier is not None and found.supplier != supplier:
        yield f"order {printable(order)} is one of {printable(found.supplier)!r}, not of {supplier!r}"
    elif day_of(at) < day_of(found.ordered_at):
        yield f"{printable(product)!r} of {printable(order)} came on {at}, before it was ordered on {found.ordered_at}"


def _row(given: pl.DataFrame, order: str, product: str) -> int:
    """The row of the table, counting from 1 below the header, that holds both."""
    cells = pl.all().cast(pl.String)
    both = pl.any_horizontal(cells == order) & pl.any_horizontal(cells == product)
    found = given.select(both.arg_true().first().alias("row"))["row"][0]
    return 0 if found is None else int(found) + 1
