"""The audit trail: rows that are only ever added, each sealed with the digest of everything before it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from finalmile.adapters.local.codec import dumps, instant, loads
from finalmile.adapters.local.tables import audit, audit_head
from finalmile.errors import CorruptError
from finalmile.records import Audit, Json


def append(connection: Connection, *, at: datetime, actor: str, verb: str, subject: str, body: Json) -> None:
    """Add a row after the newest one."""
    head = connection.execute(select(audit_head.c.sequence, audit_head.c.digest)).one()
    row: dict[str, Any] = {
        "sequence": head.sequence + 1,
        "at": instant(at),
        "actor": actor,
        "verb": verb,
        "subject": subject,
        "body": dumps(body),
    }
    row["digest"] = seal(head.digest, row)
    connection.execute(insert(audit).values(**row))
    connection.execute(update(audit_head).values(sequence=row["sequence"], digest=row["digest"]))


def seal(previous: str, row: Mapping[str, Any]) -> str:
    """Digest of a row: sha256 over the previous digest and the row's canonical JSON."""
    content = dumps({name: row[name] for name in ("sequence", "at", "actor", "verb", "subject", "body")})
    return hashlib.sha256(f"{previous}\n{content}".encode()).hexdigest()


def rows(connection: Connection, *, last: int | None = None) -> list[Audit]:
    """Audit rows, oldest first."""
    query = select(audit).order_by(audit.c.sequence.desc()).limit(last)
    found = connection.execute(query).mappings().all()
    return [Audit(**{**_named(row), "body": loads(row["body"])}) for row in reversed(found)]


def verify(connection: Connection) -> None:
    """Recompute every digest; ``CorruptError`` names the first row that does not fit."""
    previous, count = "", 0
    for found in connection.execute(select(audit).order_by(audit.c.sequence)).mappings():
        count, row = count + 1, _named(found)
        if row["sequence"] != count or row["digest"] != seal(previous, row):
            raise CorruptError(
                f"audit row {count} does not fit the chain: it, or the row before it, was changed or removed "
                "after it was written. Compare with a backup."
            )
        previous = row["digest"]
    head = connection.execute(select(audit_head.c.sequence, audit_head.c.digest)).one()
    if (head.sequence, head.digest) != (count, previous):
        raise CorruptError(
            f"audit rows after {count} are missing: {head.sequence} were written. Compare with a backup."
        )


def _named(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}
