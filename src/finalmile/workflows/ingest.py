"""Take in a table: look at all of it first, then keep what is new, and say what happened."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import polars as pl

from finalmile.errors import UnknownNameError
from finalmile.frames.casting import Cast
from finalmile.frames.dialects import Kind
from finalmile.frames.periods import Frequency
from finalmile.frames.roles import Role
from finalmile.frames.schema import Cleaned, clean
from finalmile.ports import Added, HistoryTable
from finalmile.wording import number_of
from finalmile.workflows.joining import OWN, frequency_so_far, known_ahead, strangers, unknown_attributes, with_closed

_ARRIVALS = timedelta(days=60)
_PERIODIC: tuple[Kind, ...] = ("sales", "future", "forecasts")
_NEVER = date(9999, 1, 1)
_TIMES: Mapping[Kind, str] = {
    "sales": "ds", "stock": "at", "receipts": "received_at", "forecasts": "cutoff",
    "adjustments": "at", "transfers": "shipped_at",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What became of an arrival.

    Parameters
    ----------
    rows
        Rows given that were kept or known already, repeats left out.
    new, revised, unchanged
        Of these: never seen, saying something else than before, known already.
    items
        Items whose attributes were new with these sales.
    series
        Distinct ids.
    first, last
        First and last period, for tables with periods.
    digest
        sha256 of the content: the same for the same rows in any order.
    backfill
        Whether the rows count as known when they happened, rather than when they arrived.
    """

    kind: Kind
    source: str
    rows: int
    new: int
    revised: int
    unchanged: int
    series: int
    digest: str
    backfill: bool
    items: int = 0
    frequency: str | None = None
    first: date | datetime | None = None
    last: date | datetime | None = None
    covariates: tuple[str, ...] = ()
    hierarchy: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    breached: bool = field(default=False, init=False)

    def lines(self) -> list[str]:
        """The report for people, one sentence each."""
        span = "" if self.first is None else f", {self.first} to {self.last}"
        every = "" if self.frequency is None else f", frequency {self.frequency}"
        head = (
            f"{self.source}: {number_of(self.rows, 'row')} of {self.kind}, {number_of(self.series, 'id')}{span}{every}"
        )
        if self.new or self.revised:
            told = f"{self.new:,} new, {self.revised:,} revised, {self.unchanged:,} known already"
            since = "known when they happened (history)" if self.backfill else "known since they arrived"
            body = [f"{told}; {since}"]
        else:
            body = ["already known: nothing changed"]
        if self.items:
            body.append(f"attributes of {number_of(self.items, 'item')}: {', '.join(self.hierarchy)}")
        return [head, *body, *(f"note: {note}" for note in self.notes)]

    def to_dict(self) -> dict[str, object]:
        """The report for machines."""
        return {
            "kind": self.kind,
            "source": self.source,
            "rows": self.rows,
            "new": self.new,
            "revised": self.revised,
            "unchanged": self.unchanged,
            "changed": bool(self.new or self.revised or self.items),
            "series": self.series,
            "items": self.items,
            "frequency": self.frequency,
            "first": None if self.first is None else self.first.isoformat(),
            "last": None if self.last is None else self.last.isoformat(),
            "covariates": list(self.covariates),
            "hierarchy": list(self.hierarchy),
            "backfill": self.backfill,
            "digest": self.digest,
            "notes": list(self.notes),
        }


def content_digest(frame: pl.DataFrame) -> str:
    """sha256 of the rows of a frame in their order, its column names and its types."""
    frame = frame.select(sorted(frame.columns))
    told = hashlib.sha256(repr(list(frame.schema.items())).encode())
    told.update(frame.hash_rows(seed=1).to_numpy().tobytes())
    return told.hexdigest()


def ingest(
    kind: Kind,
    frame: pl.DataFrame,
    *,
    source: str,
    tables: Mapping[Kind, HistoryTable],
    now: datetime,
    known_at: datetime | None = None,
    backfill: bool | None = None,
    known_days_ahead: float | None = None,
    columns: Mapping[str, str] | None = None,
    roles: Mapping[str, Role] | None = None,
    frequency: Frequency | None = None,
    cast: Cast | None = None,
    untyped: bool = False,
    sparse: bool = False,
    complete: bool = True,
    parts: Sequence[tuple[str, int]] = (),
    stamp: Mapping[str, str | int] | None = None,
) -> IngestReport:
    """Keep a table after all of it was looked at; the same again changes nothing.

    Parameters
    ----------
    tables
        Where each kind is kept. Sales also bring what they say of items.
    now
        Current instant, aware: nothing that has happened may lie after it.
    known_at
        When the rows became known; ``now`` by default. A column ``known_at`` in the frame goes before.
    backfill
        Whether rows count as known when they happened. By default so where ``known_at`` is not given and the
        oldest row is more than 60 days old: then the file is history, not today's arrival.
    known_days_ahead
        For ``future``: each row was known this many days before its period.
    frequency
        Period length; that of the sales so far by default, or else the one the rows show.
    columns, cast, untyped, sparse, parts
        As in :func:`finalmile.frames.schema.clean`.
    roles
        What undeclared columns are: ``number``, ``text`` (both move with the row) or ``hierarchy`` (of the item).
    complete
        For ``open_orders``: the file lists every open order, so one that it leaves out is open no more.
    stamp
        Constant columns to add, such as the model and version of ready-made forecasts.

    Raises
    ------
    SchemaError
        With every fault of the frame, before anything is written.
    UnknownNameError
        For a role that there is not.
    """
    _check_roles(roles or {})
    cleaned = clean(
        kind,
        frame,
        source=source,
        now=now,
        columns=columns,
        frequency=frequency or (frequency_so_far(tables) if kind in _PERIODIC else None),
        known={**_roles_so_far(kind, tables), **(roles or {})},
        cast=cast,
        untyped=untyped,
        sparse=sparse,
        parts=parts,
    )
    notes = list(cleaned.notes)
    rows = known_ahead(cleaned, source, tables, known_days_ahead, notes) if kind == "future" else cleaned.frame
    notes += strangers(kind, rows, tables)
    arrival = _Arrival(
        known_at=known_at or now,
        backfill=_is_history(kind, rows, now=now, known_at=known_at) if backfill is None else backfill,
        digest=content_digest(rows),
    )
    if kind == "open_orders" and complete:
        rows = with_closed(rows, tables[kind], notes)
    if stamp:
        rows = rows.with_columns(pl.lit(value).alias(name) for name, value in stamp.items())
    items = arrival.keep_attributes(cleaned.hierarchy, tables) if kind == "sales" else 0
    added = arrival.keep(kind, rows, tables)
    return _report(replace(cleaned, frame=rows, notes=tuple(notes)), arrival, added, source=source, items=items)


def _check_roles(roles: Mapping[str, str]) -> None:
    known = get_args(Role)
    for column, role in roles.items():
        if role not in known:
            raise UnknownNameError(f"role (of column {column!r})", role, known)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    known_at: datetime
    backfill: bool
    digest: str

    def keep(self, kind: Kind, rows: pl.DataFrame, tables: Mapping[Kind, HistoryTable]) -> Added:
        writer = f"ingest-{kind}-{self.digest[:16]}"
        return tables[kind].add(rows, known_at=self.known_at, backfill=self.backfill, writer=writer)

    def keep_attributes(self, told: pl.DataFrame, tables: Mapping[Kind, HistoryTable]) -> int:
        """Keep what sales say of items where nothing is known yet; how many items were told something new."""
        if told.width < 2 or "items" not in tables:
            return 0
        known = tables["items"].read()
        fresh = told if known.is_empty() else unknown_attributes(told, known)
        if fresh.is_empty():
            return 0
        added = self.keep("items", fresh, tables)
        return added.new + added.revised


def _roles_so_far(kind: Kind, tables: Mapping[Kind, HistoryTable]) -> dict[str, Role]:
    """What the columns kept so far are, so that a file of one day is read as the file of a year was."""
    items = tables["items"].read() if "items" in tables else pl.DataFrame()
    words: Role = "hierarchy"
    roles: dict[str, Role] = {name: words if t == pl.String else "number" for name, t in items.schema.items()}
    if kind != "items" and "sales" in tables:
        rows = tables["sales"].read(ds_from=_NEVER)
        roles |= {name: "text" if t == pl.String else "number" for name, t in rows.schema.items()}
    return {name: role for name, role in roles.items() if name not in OWN}


def _is_history(kind: Kind, rows: pl.DataFrame, *, now: datetime, known_at: datetime | None) -> bool:
    if kind == "items":
        return known_at is None
    time = _TIMES.get(kind)
    if time is None or known_at is not None:
        return False
    oldest = rows[time].cast(pl.Datetime("us")).min()
    return isinstance(oldest, datetime) and oldest.replace(tzinfo=UTC) < now - _ARRIVALS


def _report(cleaned: Cleaned, arrival: _Arrival, added: Added, *, source: str, items: int) -> IngestReport:
    rows = cleaned.frame
    periods = rows["ds"] if "ds" in rows.columns else pl.Series(dtype=pl.Date)
    first, last = periods.min(), periods.max()
    return IngestReport(
        kind=cleaned.kind,
        source=source,
        rows=len(rows),
        new=added.new,
        revised=added.revised,
        unchanged=added.unchanged,
        series=rows["unique_id"].n_unique(),
        digest=arrival.digest,
        backfill=arrival.backfill,
        items=items,
        frequency=None if cleaned.frequency is None else str(cleaned.frequency),
        first=first if isinstance(first, date) else None,
        last=last if isinstance(last, date) else None,
        covariates=cleaned.covariates,
        hierarchy=tuple(name for name in cleaned.hierarchy.columns if name != "unique_id"),
        notes=cleaned.notes,
    )
