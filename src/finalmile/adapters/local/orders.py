"""Purchase order lines and the states they move through."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import islice

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from finalmile.adapters.local import audit
from finalmile.adapters.local.codec import dumps
from finalmile.adapters.local.tables import orders
from finalmile.errors import MissingInputError
from finalmile.records import OrderLine, OrderState

_CHUNK = 500
_SUPERSEDED = "superseded"
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
) -> int:
    """Bring the proposals up to date: new and changed lines are written, what they replace is cancelled.

    Lines that somebody approved, sent or cancelled by hand are left alone.
    """
    wanted = {line.line_id: line for line in lines}
    open_ones = {line.line_id: line for line in listed(connection, states=("proposed",), since=None)}
    looked_at = frozenset(reviewed)
    stale = [line for line in open_ones.values() if line.line_id not in wanted and line.unique_id in looked_at]
    changed = [line for line in wanted.values() if _differs(line, open_ones.get(line.line_id))]
    _change(
        connection,
        [_row(replace(line, state="cancelled", reason={**line.reason, _SUPERSEDED: True})) for line in stale],
    )
    written = _write(connection, changed)
    if stale or written:
        told = {"written": written, "superseded": len(stale), "orders": sorted({line.order_id for line in changed})}
        audit.append(connection, at=at, actor=actor, verb="orders.propose", subject="orders", body=told)
    return written


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


def listed(connection: Connection, *, states: Sequence[OrderState], since: date | None) -> list[OrderLine]:
    """Order lines by date, order and line."""
    query = select(orders).order_by(orders.c.ordered_at, orders.c.order_id, orders.c.line_id)
    if states:
        query = query.where(orders.c.state.in_(states))
    if since is not None:
        query = query.where(orders.c.ordered_at >= since)
    return [_line(row) for row in connection.execute(query).mappings()]


def set_state(connection: Connection, order_id: str, state: OrderState, *, at: datetime, actor: str, why: str) -> None:
    """Move all lines of an order to a state."""
    mine = orders.c.order_id == order_id
    before = connection.execute(select(orders.c.state).where(mine).distinct()).scalars().all()
    if not before:
        raise MissingInputError(f"no order is called {order_id!r}; list the orders to see their ids")
    if list(before) == [state]:
        return
    connection.execute(update(orders).where(mine).values(state=state))
    body = {"from": sorted(before), "to": state, "why": why}
    audit.append(connection, at=at, actor=actor, verb="order.state", subject=order_id, body=body)


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while part := list(islice(rest, _CHUNK)):
        yield part


def _line(row: RowMapping) -> OrderLine:
    return OrderLine(**{name: row[name] for name in _FIELDS})
