"""Which lake segments exist: one ledger row each, and a segment is visible when its row is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update

from finalmile.adapters.local.tables import segments


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One immutable Parquet file of a table.

    Parameters
    ----------
    path
        Relative to the lake's folder.
    columns
        Names and types, as text; segments with the same text are read together.
    position
        Place among the table's segments; a merged one takes the place of its first part.
    """

    table: str
    writer: str
    sequence: int
    path: str
    rows: int
    first_ds: date | datetime | None
    last_ds: date | datetime | None
    bytes: int
    sha256: str
    columns: str
    tags: Mapping[str, str]
    revises: bool
    position: int = -1
    id: int = -1

    def carries(self, tags: Mapping[str, str]) -> bool:
        """Whether it has all of these tags."""
        return tags.items() <= self.tags.items()


_FIELDS = tuple(field.name for field in fields(Segment))
_STORED = tuple(name for name in _FIELDS if name not in ("id", "position"))


def add(connection: Connection, segment: Segment, *, position: int | None = None) -> int:
    """Make a segment visible; its id."""
    newest = connection.execute(select(func.max(segments.c.id))).scalar() or 0
    row: dict[str, Any] = {name: getattr(segment, name) for name in _STORED}
    row["position"] = newest + 1 if position is None else position
    connection.execute(insert(segments).values(id=newest + 1, **row))
    return int(newest) + 1


def live(connection: Connection, table: str | None = None) -> list[Segment]:
    """Visible segments by position."""
    query = _columns().where(segments.c.replaced_by.is_(None)).order_by(segments.c.position, segments.c.id)
    if table is not None:
        query = query.where(segments.c.table == table)
    return [Segment(**{name: row[name] for name in _FIELDS}) for row in connection.execute(query).mappings()]


def has(connection: Connection, table: str, writer: str, *, sequence: int) -> bool:
    """Whether a writer's segment was ever committed."""
    mine = (segments.c.table == table) & (segments.c.writer == writer) & (segments.c.sequence == sequence)
    return connection.execute(select(segments.c.id).where(mine)).scalar() is not None


def last_sequence(connection: Connection, table: str, writer: str) -> int:
    """Highest committed sequence of a writer, -1 before the first."""
    mine = (segments.c.table == table) & (segments.c.writer == writer)
    highest = connection.execute(select(func.max(segments.c.sequence)).where(mine)).scalar()
    return -1 if highest is None else int(highest)


def replace(connection: Connection, parts: Sequence[Segment], merged: Segment) -> None:
    """Put one segment in the place of several; they stay on record, so that their writers are not repeated."""
    merged_id = add(connection, merged, position=min(part.position for part in parts))
    for part in parts:
        connection.execute(update(segments).where(segments.c.id == part.id).values(replaced_by=merged_id))


def _columns() -> Select[Any]:
    return select(*(segments.c[name] for name in _FIELDS))
