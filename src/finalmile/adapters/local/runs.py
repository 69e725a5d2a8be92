"""Finished pieces of work, and the saved states of detectors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from finalmile.adapters.local import audit
from finalmile.adapters.local.codec import dumps, loads
from finalmile.adapters.local.tables import runs, states
from finalmile.records import Json

_AT_ONCE = 500
"""Keys in one statement; engines bound how many they take."""


def done(connection: Connection, kind: str, key: str) -> Json | None:
    """What a finished piece of work recorded."""
    query = select(runs.c.body).where(runs.c.kind == kind, runs.c.key == key)
    body: Json | None = connection.execute(query).scalar()
    return body


def finish(connection: Connection, kind: str, key: str, body: Json, *, at: datetime) -> None:
    """Record a piece of work as finished; doing it again with another result replaces the record."""
    before = done(connection, kind, key)
    told = loads(dumps(body))
    if before == told:
        return
    if before is None:
        connection.execute(insert(runs).values(kind=kind, key=key, at=at, body=told))
    else:
        mine = (runs.c.kind == kind) & (runs.c.key == key)
        connection.execute(update(runs).where(mine).values(at=at, body=told))
    audit.append(connection, at=at, actor="run", verb="run.finish", subject=f"{kind} {key}", body=body)


def load_state(connection: Connection, key: str) -> bytes | None:
    """A detector's saved state."""
    blob: bytes | None = connection.execute(select(states.c.blob).where(states.c.key == key)).scalar()
    return blob


def save_state(connection: Connection, key: str, blob: bytes) -> None:
    """Keep a detector's state, in place of the one before."""
    changed = connection.execute(update(states).where(states.c.key == key).values(blob=blob))
    if changed.rowcount == 0:
        connection.execute(insert(states).values(key=key, blob=blob))


def forget_states(connection: Connection, keys: Sequence[str]) -> None:
    """Give up saved states; those that are not there are passed over."""
    for at in range(0, len(keys), _AT_ONCE):
        connection.execute(delete(states).where(states.c.key.in_(keys[at : at + _AT_ONCE])))
