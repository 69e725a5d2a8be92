"""Answers to orders as a plain table."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from finalmile.errors import SchemaError, printable
from finalmile.inventory.answers.registry import Answers, LineAnswer, OrderAnswer, Outcome, answers, told_twice
from finalmile.inventory.answers.text import (
    MOST_PARTS,
    OF_SPREADSHEETS,
    PLAIN,
    Notation,
    decoded,
    iso_day,
    price_of,
    refuse,
    units_of,
)

_COLUMNS = ("order_id", "unique_id", "line", "status", "quantity", "due", "unit_cost")
_STATUSES: dict[str, Outcome] = {
    **dict.fromkeys(("", "accepted", "changed"), "accepted"),
    "rejected": "rejected",
    "open": "open",
}
_GUARD = re.compile(r"'('*[=+\-@\t\r])")
_LONGEST_CELL = 10_000


@answers.add("answers_csv")
@dataclass(frozen=True, kw_only=True)
class AnswersCsv:
    r"""One row a line: ``order_id``, ``unique_id`` or ``line``, and where wanted ``status``, ``quantity``, ``due``.

    ``status`` is ``accepted`` (also where empty), ``changed``, ``rejected`` or ``open``; ``quantity`` is what will come
    in all, 0 is a no, empty is as asked; ``due`` is ISO 8601; ``unit_cost`` is compared with ours. Columns of other
    names are left aside, which ``notes`` say. The file is UTF-8, or UTF-16 with a byte order mark; cells are parted by
    commas, semicolons or tabs, whichever the header holds. Where commas part cells, a point parts decimals; elsewhere
    a comma or a point does, and a number such as 1.000, which may be a thousand, is refused.

    Examples
    --------
    >>> rows = b"order_id,unique_id,quantity,due\nPO-1,tea,5,2024-05-09\n"
    >>> (order,) = AnswersCsv()(rows, name="answer.csv").orders
    >>> order.lines[0].quantity, order.lines[0].place
    (5, 'line 2')
    """

    def __call__(self, content: bytes, /, *, name: str) -> Answers:
        """What the file says."""
        rows, notation, ended = _rows(content, name)
        header = [cell.strip().lower() for cell in rows[0][1]]
        faults = _faults_of_header(header)
        by_order: dict[str, list[LineAnswer]] = {}
        for number, cells in rows[1:] if not faults else []:
            if len(cells) != len(header):
                faults.append(f"line {number}: has {len(cells)} cells, and the header has {len(header)}")
                continue
            row = dict(zip(header, (_GUARD.sub(r"\1", cell) for cell in cells), strict=True))
            _take(row, number, by_order, faults, notation=notation)
        orders = tuple(
            OrderAnswer(place=lines[0].place, order=order, lines=tuple(lines)) for order, lines in by_order.items()
        )
        faults += told_twice(orders)
        if not orders and not faults:
            faults.append("holds a header and no row")
        refuse(name, faults)
        aside = sorted(set(header) - set(_COLUMNS))
        notes = [f"columns left aside: {printable(', '.join(aside))}"] if aside else []
        if not ended:
            notes.append("the last line has no end: compare it with what the supplier wrote, the file may be cut short")
        return Answers(orders=orders, notes=tuple(notes))


def _rows(content: bytes, name: str) -> tuple[list[tuple[int, list[str]]], Notation, bool]:
    """Cells of each row that holds anything, with its line; how numbers are written; whether the last line is ended."""
    text = decoded(content, name=name, utf16=True).removeprefix("\ufeff")
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((begins, cells))
            if len(rows) > MOST_PARTS:
                raise SchemaError(name, [f"line {begins}: there are more than {MOST_PARTS:,} rows; divide the file"])
            begins = reader.line_num + 1
    except csv.Error as error:
        raise SchemaError(name, [f"line {begins}: {error}"]) from None
    if not rows:
        raise SchemaError(name, ["is empty"])
    return rows, PLAIN if delimiter == "," else OF_SPREADSHEETS, text.endswith(("\n", "\r"))


def _faults_of_header(header: Sequence[str]) -> list[str]:
    known = f"columns are {', '.join(_COLUMNS)}"
    faults = [f"line 1: column {printable(name)!r} is there twice" for name in _COLUMNS if header.count(name) > 1]
    if "order_id" not in header:
        faults.append(f"line 1: there is no column order_id; {known}")
    if not {"unique_id", "line"} & set(header):
        faults.append(f"line 1: there is neither unique_id nor line; {known}")
    return faults


def _take(
    row: Mapping[str, str],
    number: int,
    by_order: dict[str, list[LineAnswer]],
    faults: list[str],
    *,
    notation: Notation,
) -> None:
    place, before = f"line {number}", len(faults)
    order, product, line = (row.get(name, "") for name in ("order_id", "unique_id", "line"))
    if not order or not (product or line):
        faults.append(f"{place}: names no order, or no product and no line")
    if max(len(cell) for cell in row.values()) > _LONGEST_CELL:
        faults.append(f"{place}: a cell is longer than {_LONGEST_CELL:,} characters")
    if line and not (line.isascii() and line.isdigit() and len(line) < 10):
        faults.append(f"{place}: the line {printable(line[:20])!r} is not a number from 1")
    status = row.get("status", "").strip().lower()
    if status not in _STATUSES:
        known = ", ".join(filter(None, _STATUSES))
        faults.append(f"{place}: the status {printable(status[:20])!r} is not known; known are {known}")
    quantity, due, cost = (row.get(name, "") for name in ("quantity", "due", "unit_cost"))
    units = units_of(quantity, place, faults, notation) if quantity.strip() else None
    day = iso_day(due, place, faults) if due.strip() else None
    price = price_of(cost, place, faults, notation) if cost.strip() else None
    if len(faults) > before:
        return
    told = LineAnswer(
        place=place,
        outcome=_STATUSES[status],
        product=product or None,
        number=int(line) if line else None,
        quantity=units,
        due=day,
        price=price,
    )
    by_order.setdefault(order, []).append(told)
