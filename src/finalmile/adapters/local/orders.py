"""Purchase order lines and the states they move through."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, bindparam, func, insert, select, update

from finalmile.adapters.local import audit
from finalmile.adapters.local.codec import dumps
from finalmile.adapters.local.tables import orders
from finalmile.errors import ConflictError, MissingInputError
from finalmile.records import ORDER_MOVES, LineChange, OrderLine, OrderState

_CHUNK = 500
_SUPERSEDED = "superseded"
_OVERRIDE = "override"
_FIELDS = tuple(field.name for field in dataclasses.fields(OrderLine))


def put(connection: Connection, lines: Sequence[OrderLine], *, at: datetime, actor: str) -> int:
    """Record lines that are not there yet; how many were new."""
    wanted = {line.line_id: line for line in lines}
    for part in _chunks(list(wanted)):
        there = connection.execute(select(orders.c.line_id).where(orders.c.line_id.in_(part))).scalars()
        for line_id in there:
            del wanted[line_id]
    if not wanted:
        return 0
    rows = [_row(line) for line in wanted.values()]
    connection.execute(insert(orders), rows)
    body = {
        "lines": len(rows),
        "orders": sorted({line.order_id for line in wanted.values()}),
        "sha256": hashlib.sha256(dumps(list(wanted.values())).encode()).hexdigest(),
    }
    audit.append(connection, at=at, actor=actor, verb="orders.put", subject="orders", body=body)
    return len(rows)


def propose(
    connection: Connection, lines: Sequence[OrderLine], *, reviewed: Collection[str], at: datetime, actor: str
) -> list[OrderLine]:
    """Bring the proposals up to date: new and changed lines are written, what they replace is cancelled, and told.

    Lines that somebody approved, sent or cancelled by hand are left alone, and so is a proposal that somebody edited
    while its item is still wanted in the same order.
    """
    wanted = {line.line_id: line for line in lines}
    open_ones = {line.line_id: line for line in listed(connection, Wanted(states=("proposed",)))}
    looked_at = frozenset(reviewed)
    stale = [line for line in open_ones.values() if line.line_id not in wanted and line.unique_id in looked_at]
    edited = {line.line_id for line in open_ones.values() if _OVERRIDE in line.reason}
    changed = [
        line for line in wanted.values() if line.line_id not in edited and _differs(line, open_ones.get(line.line_id))
    ]
    _change(
        connection,
        [_row(replace(line, state="cancelled", reason={**line.reason, _SUPERSEDED: True})) for line in stale],
    )
    written = _write(connection, changed)
    if stale or written:
        told = {"written": written, "superseded": len(stale), "orders": sorted({line.order_id for line in changed})}
        audit.append(connection, at=at, actor=actor, verb="orders.propose", subject="orders", body=told)
    return stale


def _write(connection: Connection, lines: Sequence[OrderLine]) -> int:
    """Insert lines that are new, replace proposals and superseded ones; how many."""
    there: dict[str, tuple[str, bool]] = {}
    for part in _chunks([line.line_id for line in lines]):
        found = connection.execute(
            select(orders.c.line_id, orders.c.state, orders.c.reason).where(orders.c.line_id.in_(part))
        )
        there |= {row.line_id: (row.state, _SUPERSEDED in row.reason) for row in found}
    fresh = [line for line in lines if line.line_id not in there]
    again = [
        line
        for line in lines
        if line.line_id in there
        and (there[line.line_id][0] == "proposed" or there[line.line_id] == ("cancelled", True))
    ]
    if fresh:
        connection.execute(insert(orders), [_row(line) for line in fresh])
    _change(connection, [_row(line) for line in again])
    return len(fresh) + len(again)


def _differs(line: OrderLine, known: OrderLine | None) -> bool:
    return known is None or dumps(line) != dumps(known)


def _change(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Write lines over those of the same id, all in one statement."""
    if rows:
        mine = orders.c.line_id == bindparam("mine")
        connection.execute(update(orders).where(mine), [{**row, "mine": row["line_id"]} for row in rows])


def _row(line: OrderLine) -> dict[str, object]:
    return {name: getattr(line, name) for name in _FIELDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which order lines; all where nothing is asked for. ``limit`` of them from the ``offset``-th on."""

    states: Sequence[OrderState] = ()
    since: date | None = None
    order: str | None = None
    supplier: str | None = None
    product: str | None = None
    lines: Sequence[str] = ()
    limit: int | None = None
    offset: int = 0
    newest_first: bool = False


def listed(connection: Connection, wanted: Wanted) -> list[OrderLine]:
    """Order lines by date, order and line."""
    if not wanted.lines:
        return [_line(row) for row in connection.execute(_query(wanted)).mappings()]
    parts = (replace(wanted, lines=part) for part in _chunks(list(wanted.lines)))
    return [_line(row) for part in parts for row in connection.execute(_query(part)).mappings()]


def _query(wanted: Wanted) -> Select[tuple[Any, ...]]:
    by = (orders.c.ordered_at, orders.c.order_id, orders.c.line_id)
    query = select(orders).order_by(*((column.desc() for column in by) if wanted.newest_first else by))
    asked = {"order_id": wanted.order, "supplier": wanted.supplier, "unique_id": wanted.product}
    query = query.where(*(orders.c[name] == value for name, value in asked.items() if value is not None))
    if wanted.states:
        query = query.where(orders.c.state.in_(wanted.states))
    if wanted.since is not None:
        query = query.where(orders.c.ordered_at >= wanted.since)
    if wanted.lines:
        query = query.where(orders.c.line_id.in_(wanted.lines))
    return query.limit(wanted.limit).offset(wanted.offset or None)


def counted(connection: Connection, *, product: str | None) -> dict[tuple[OrderState, str], int]:
    """How many lines there are, by state and supplier."""
    query = select(orders.c.state, orders.c.supplier, func.count()).group_by(orders.c.state, orders.c.supplier)
    if product is not None:
        query = query.where(orders.c.unique_id == product)
    return {(state, supplier): number for state, supplier, number in connection.execute(query)}


def set_state(connection: Connection, order_id: str, state: OrderState, *, at: datetime, actor: str, why: str) -> None:
    """Move all lines of an order to a state; ``ConflictError`` where one of them cannot go there."""
    mine = connection.execute(select(orders.c.line_id).where(orders.c.order_id == order_id)).scalars().all()
    if not mine:
        raise MissingInputError(f"no order is called {order_id!r}; list the orders to see their ids")
    allowed: tuple[OrderState, ...] = tuple(before for before, after in ORDER_MOVES.items() if state in after)
    moves = [LineChange(line_id=line_id, allowed=allowed, state=state) for line_id in mine]
    change(connection, moves, verb="order.state", at=at, actor=actor, why=why)


def change(
    connection: Connection, changes: Sequence[LineChange], *, verb: str, at: datetime, actor: str, why: str
) -> list[OrderLine]:
    """Make all changes, or none; the lines that changed, as they are now.

    A line that already is what the change would make of it is left alone, and no audit row tells of it.
    """
    there = _found(connection, [one.line_id for one in changes])
    faults = [fault for one in changes if (fault := _refusal(one, there.get(one.line_id)))]
    often = Counter(one.line_id for one in changes)
    faults += [f"line {name!r} is changed {n} times at once; ask for one change" for name, n in often.items() if n > 1]
    if faults:
        raise ConflictError("; ".join(faults[:5]) + (f"; and {len(faults) - 5} more" if len(faults) > 5 else ""))
    before = {one.line_id: there[one.line_id] for one in changes if not _is_so(one, there[one.line_id])}
    after = {one.line_id: _changed(one, there[one.line_id]) for one in changes if one.line_id in before}
    _change(connection, [_row(line) for line in after.values()])
    for order_id in sorted({line.order_id for line in after.values()}):
        told = [_told(before[line.line_id], line) for line in after.values() if line.order_id == order_id]
        audit.append(connection, at=at, actor=actor, verb=verb, subject=order_id, body={"why": why, "lines": told})
    return list(after.values())


def _found(connection: Connection, line_ids: list[str]) -> dict[str, OrderLine]:
    there: dict[str, OrderLine] = {}
    for part in _chunks(line_ids):
        found = connection.execute(select(orders).where(orders.c.line_id.in_(part))).mappings()
        there |= {row["line_id"]: _line(row) for row in found}
    return there


def _refusal(wanted: LineChange, line: OrderLine | None) -> str | None:
    """Why a change cannot be made, and what would be right; ``None`` where it can."""
    if line is None:
        return f"no order line is called {wanted.line_id!r}; list the orders to see them"
    if line.state in wanted.allowed or _is_so(wanted, line):
        return None
    onwards = " or ".join(ORDER_MOVES[line.state]) or "nowhere"
    what = f"become {wanted.state}" if wanted.state else "be changed so"
    return (
        f"{line.unique_id} of {line.order_id} is {line.state} and cannot {what}: only lines that are "
        f"{' or '.join(wanted.allowed)} can; from {line.state} it can go to {onwards}"
    )


def _is_so(wanted: LineChange, line: OrderLine) -> bool:
    return (
        wanted.state in {None, line.state}
        and wanted.quantity in {None, line.quantity}
        and wanted.due in {None, line.due}
        and wanted.note.items() <= line.reason.items()
    )


def _changed(wanted: LineChange, line: OrderLine) -> OrderLine:
    return replace(
        line,
        state=wanted.state or line.state,
        quantity=line.quantity if wanted.quantity is None else wanted.quantity,
        due=wanted.due or line.due,
        reason={**line.reason, **wanted.note},
    )


def _told(before: OrderLine, after: OrderLine) -> dict[str, object]:
    names = ("state", "quantity", "due")
    moved = {name: [getattr(before, name), getattr(after, name)] for name in names}
    return {"line": after.line_id, **{name: pair for name, pair in moved.items() if pair[0] != pair[1]}}


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while part := list(islice(rest, _CHUNK)):
        yield part


def _line(row: RowMapping) -> OrderLine:
    return OrderLine(**{name: row[name] for name in _FIELDS})
