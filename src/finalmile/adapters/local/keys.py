"""API keys: who holds one, what it may do, until when."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from finalmile.adapters.local import audit
from finalmile.adapters.local.tables import keys
from finalmile.errors import UnknownNameError
from finalmile.records import ApiKey

_NOTED_EVERY = timedelta(minutes=1)


def add(connection: Connection, key: ApiKey, *, actor: str) -> None:
    """Keep a new key; its hash stays out of the audit trail."""
    facts = asdict(key)
    connection.execute(insert(keys).values(**facts))
    told = {name: facts[name] for name in ("role", "name", "models", "expires_at")}
    audit.append(connection, at=key.created_at, actor=actor, verb="key.new", subject=key.prefix, body=told)


def listed(connection: Connection) -> list[ApiKey]:
    """Every key, oldest first."""
    query = select(keys).order_by(keys.c.created_at, keys.c.prefix)
    return [_key(row) for row in connection.execute(query).mappings()]


def get(connection: Connection, prefix: str) -> ApiKey:
    """One key; ``UnknownNameError`` where there is none."""
    row = connection.execute(select(keys).where(keys.c.prefix == prefix)).mappings().one_or_none()
    if row is None:
        raise UnknownNameError("key", prefix, [key.prefix for key in listed(connection)])
    return _key(row)


def revoke(connection: Connection, prefix: str, *, at: datetime, actor: str) -> ApiKey:
    """End a key; one that was revoked before keeps its instant."""
    key = get(connection, prefix)
    if key.revoked_at is not None:
        return key
    connection.execute(update(keys).where(keys.c.prefix == prefix).values(revoked_at=at))
    audit.append(connection, at=at, actor=actor, verb="key.revoked", subject=prefix, body={"name": key.name})
    return replace(key, revoked_at=at)


def worth_noting(connection: Connection, prefix: str, *, at: datetime) -> bool:
    """Whether a use is more than a minute after the last one that was noted."""
    row = connection.execute(select(keys.c.last_used_at).where(keys.c.prefix == prefix)).one_or_none()
    return row is not None and (row.last_used_at is None or at - row.last_used_at >= _NOTED_EVERY)


def used(connection: Connection, prefix: str, *, at: datetime) -> None:
    """Note a use; an older one than the noted changes nothing."""
    older = keys.c.last_used_at.is_(None) | (keys.c.last_used_at < at)
    connection.execute(update(keys).where(keys.c.prefix == prefix, older).values(last_used_at=at))


def _key(row: RowMapping) -> ApiKey:
    facts: dict[str, Any] = {str(name): value for name, value in row.items()}
    facts["models"] = tuple(facts["models"])
    return ApiKey(**facts)
