"""What came of what was ordered: which lines are complete, which are late, and how suppliers deliver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import cast

import polars as pl

from finalmile.errors import ConflictError, MissingInputError
from finalmile.inventory.scorecards import Delivery
from finalmile.records import LineChange, OrderLine, OrderState

AWAITED: tuple[OrderState, ...] = ("approved", "sent", "acknowledged", "late")
_PROMISED = frozenset(("sent", "acknowledged"))

Came = Mapping[tuple[str, str], float]


def units_that_came(receipts: pl.DataFrame) -> Came:
    """Units received by order and item, over all deliveries; empty for no receipts."""
    if receipts.is_empty():
        return {}
    summed = receipts.group_by("order_id", "unique_id").agg(pl.col("quantity").sum())
    return {(str(order), str(item)): float(units) for order, item, units in summed.iter_rows()}


def changes_due(lines: Sequence[OrderLine], came: Came, *, today: date) -> list[LineChange]:
    """What receipts and the calendar make of lines.

    A line is received once all its units came, late once its day is over and some are missing, and open again where a
    receipt was corrected so that some are missing after all.
    """
    return [one for line in lines if (one := _change_due(line, came, today=today)) is not None]


def as_they_stand(lines: Sequence[OrderLine], came: Came, *, today: date) -> list[OrderLine]:
    """The lines with the states that :func:`changes_due` gives them; nothing is recorded."""
    states = {one.line_id: one.state for one in changes_due(lines, came, today=today)}
    return [replace(line, state=states.get(line.line_id) or line.state) for line in lines]


def _change_due(line: OrderLine, came: Came, *, today: date) -> LineChange | None:
    complete = came.get((line.order_id, line.unique_id), 0.0) >= line.quantity
    if line.state in AWAITED and complete:
        return LineChange(line_id=line.line_id, allowed=AWAITED, state="received")
    if line.state == "received" and not complete:
        return LineChange(line_id=line.line_id, allowed=("received",), state="sent")
    if line.state in _PROMISED and day_of(line.due) < today:
        return LineChange(line_id=line.line_id, allowed=("sent", "acknowledged"), state="late")
    return None


def receivable(lines: Sequence[OrderLine], *, at: date, quantity: float | None) -> list[OrderLine]:
    """The lines of which units may be noted as come; of a whole order those of which units are still awaited.

    Raises
    ------
    MissingInputError
        Where the quantity is below 0.
    ConflictError
        Where none of them was approved yet, or none was ordered by that day: what nobody ordered does not come.
    """
    if quantity is not None and not 0 <= quantity < float("inf"):
        raise MissingInputError(
            f"quantity is {_figure(quantity)}; tell how many units came on {at} in all, 0 where it was none after all"
        )
    asked = [line for line in lines if line.state != "proposed"]
    if not asked:
        order = lines[0].order_id
        raise ConflictError(
            f"{order} is only proposed, so nothing of it was ordered; nothing was noted. If it was ordered by other "
            f"means: finalmile orders approve {order}, finalmile orders send {order} --by-hand, and then receive it"
        )
    ordered = min(day_of(line.ordered_at) for line in asked)
    if at < ordered:
        raise ConflictError(
            f"{asked[0].order_id} was ordered on {ordered}, so nothing of it came on {at}; nothing was noted. Tell the "
            "day it came with --at"
        )
    return [line for line in asked if line.state in AWAITED] if quantity is None else asked


def told_of(
    line: OrderLine, *, at: date, before: pl.DataFrame, after: pl.DataFrame, counted: Mapping[str, date]
) -> list[str]:
    """What is known of a line by now that units were noted for a day: what came, what is to come, what is too much.

    ``counted`` tells the day of each item's newest count, which holds whatever came by then.
    """
    last = counted.get(line.unique_id)
    held = [f"  The count of {last} holds what came by then: stock stays as it is."] if last and at <= last else []
    return [*_noted(line, at=at, before=before, after=after), *held]


def newest_counts(counts: pl.DataFrame) -> dict[str, date]:
    """Day of the newest stock count of each item."""
    if counts.is_empty():
        return {}
    newest = counts.group_by("unique_id").agg(pl.col("at").max().cast(pl.Date))
    return {str(name): day for name, day in newest.iter_rows()}


def _noted(line: OrderLine, *, at: date, before: pl.DataFrame, after: pl.DataFrame) -> list[str]:
    key = (line.order_id, line.unique_id)
    was, is_now = (units_that_came(_of_day(known, at)).get(key, 0.0) for known in (before, after))
    came = units_that_came(after).get(key, 0.0)
    noted = f"{line.unique_id}: {_units_of(is_now)} on {at}"
    if was == is_now:
        noted += ", as noted before"
    elif was:
        noted += f", corrected from {_figure(was)}"
    if came == line.quantity:
        return [f"{noted}; all {line.quantity:,} of {line.order_id} came."]
    if came < line.quantity:
        rest = "still to come" if line.state in AWAITED or line.state == "received" else "not coming any more"
        return [f"{noted}; {_figure(came)} of {line.quantity:,} came, {_figure(line.quantity - came)} {rest}."]
    return [
        f"{noted}; {_figure(came)} came, {_figure(came - line.quantity)} more than the {line.quantity:,} ordered.",
        "  If that is a slip, tell the right number of that day: finalmile orders receive "
        f"{line.order_id} --product {line.unique_id} --quantity N --at {at}",
    ]


def _units_of(units: float) -> str:
    return "1 unit" if units == 1 else f"{_figure(units)} units"


def _figure(units: float) -> str:
    return f"{units:,.12g}"


def receipt_rows(lines: Sequence[OrderLine], known: pl.DataFrame, *, at: date, quantity: float | None) -> pl.DataFrame:
    """Receipts of lines on a day: ``quantity`` units of each that whole day, or all that are still to come.

    A row tells all units of a day: what is still to come is added to what came on that day already.
    """
    came, that_day = units_that_came(known), units_that_came(_of_day(known, at))
    rows: list[dict[str, object]] = []
    for line in lines:
        key = (line.order_id, line.unique_id)
        missing = line.quantity - came.get(key, 0.0)
        if quantity is not None:
            rows.append(_receipt(line, quantity, at=at))
        elif missing > 0:
            rows.append(_receipt(line, that_day.get(key, 0.0) + missing, at=at))
    return pl.DataFrame(rows)


def _of_day(receipts: pl.DataFrame, at: date) -> pl.DataFrame:
    return receipts if receipts.is_empty() else receipts.filter(pl.col("received_at").cast(pl.Date) == at)


def _receipt(line: OrderLine, units: float, *, at: date) -> dict[str, object]:
    return {
        "order_id": line.order_id,
        "unique_id": line.unique_id,
        "supplier": line.supplier,
        "quantity": float(units),
        "ordered_at": day_of(line.ordered_at),
        "due": day_of(line.due),
        "received_at": at,
    }


def deliveries(lines: Sequence[OrderLine], receipts: pl.DataFrame, *, today: date) -> list[Delivery]:
    """How every line was delivered: ours, and those of other systems of which receipts tell when they were ordered.

    Proposals, and what was cancelled before anything came, say nothing of a supplier and are left out.
    """
    parts = _parts(receipts)
    ours = {(line.order_id, line.unique_id): line for line in lines if line.state != "proposed"}
    told = [one for key, line in ours.items() if (one := _ours(line, parts.get(key, []), today=today)) is not None]
    others = [one for key, rows in parts.items() if key not in ours and (one := _other(rows, today)) is not None]
    return [*told, *others]


def _ours(line: OrderLine, parts: Sequence[Mapping[str, object]], *, today: date) -> Delivery | None:
    received = sum(_units(part) for part in parts)
    closed = line.state == "cancelled"
    if (line.state == "approved" and not parts) or (closed and not received):
        return None
    last = max((_day(part["received_at"]) for part in parts), default=None)
    return Delivery(
        supplier=line.supplier,
        ordered_at=day_of(line.ordered_at),
        due=_first_promise(line),
        arrived=last if received >= line.quantity else None,
        seen_until=today,
        ordered=float(line.quantity),
        received=received,
        closed=closed,
    )


def _first_promise(line: OrderLine) -> date:
    """The day that was asked for: a supplier is not on time by postponing."""
    note = line.reason.get("acknowledged")
    asked = cast("Mapping[str, object]", note).get("asked_due") if isinstance(note, Mapping) else None
    return date.fromisoformat(asked[:10]) if isinstance(asked, str) else day_of(line.due)


def _other(parts: Sequence[Mapping[str, object]], today: date) -> Delivery | None:
    first = parts[0]
    if first.get("ordered_at") is None:
        return None
    return Delivery(
        supplier=str(first.get("supplier") or ""),
        ordered_at=_day(first["ordered_at"]),
        due=None if first.get("due") is None else _day(first["due"]),
        arrived=max(_day(part["received_at"]) for part in parts),
        seen_until=today,
        ordered=None,
        received=sum(_units(part) for part in parts),
    )


def _parts(receipts: pl.DataFrame) -> dict[tuple[str, str], list[Mapping[str, object]]]:
    parts: dict[tuple[str, str], list[Mapping[str, object]]] = {}
    for row in receipts.iter_rows(named=True):
        parts.setdefault((str(row["order_id"]), str(row["unique_id"])), []).append(row)
    return parts


def _units(part: Mapping[str, object]) -> float:
    return float(str(part["quantity"]))


def _day(value: object) -> date:
    if not isinstance(value, date):
        raise TypeError(f"{value!r} is no day")
    return day_of(value)


def day_of(at: date | datetime) -> date:
    """The day of a day or an hour."""
    return at.date() if isinstance(at, datetime) else at
