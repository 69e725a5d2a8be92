"""Purchase order lines and the states they move through."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import islice

from sqlalchemy import Connection, RowMapping, insert, select, update

from finalmile.adapters.local import audit
from finalmile.adapters.local.codec import dumps
from finalmile.adapters.local.tables import orders
from finalmile.errors import MissingInputError
from finalmile.records import OrderLine, OrderState

_CHUNK = 500
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
    rows = [{name: getattr(line, name) for name in _FIELDS} for line in wanted.values()]
    connection.execute(insert(orders), rows)
    body = {
        "lines": len(rows),
        "orders": sorted({line.order_id for line in wanted.values()}),
        "sha256": hashlib.sha256(dumps(list(wanted.values())).encode()).hexdigest(),
    }
    audit.append(connection, at=at, actor=actor, verb="orders.put", subject="orders", body=body)
    return len(rows)


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
