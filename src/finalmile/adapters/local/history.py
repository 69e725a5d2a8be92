"""Tables that remember what was known when: late, repeated and revised rows are versions, and the past can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from finalmile.adapters.local.arrivals import FLAG, FRESH, KNOWN, prepared, sort_out
from finalmile.errors import ConflictError
from finalmile.ports import Lake

_TIMES = ("ds", "at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What became of the rows that were handed in.

    Parameters
    ----------
    new
        Rows of keys never seen before.
    revised
        Rows that say something else than was known.
    unchanged
        Rows that say what was known already, repeats inside the frame included.
    """

    new: int
    revised: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class History:
    """A bitemporal table on a lake: one row per key and version, stamped with when it was known.

    Two columns are its own. ``known_at`` (UTC) is when a row could first have been seen. ``backfilled`` marks first
    versions that were loaded as history: their ``known_at`` says only when the file came.

    Parameters
    ----------
    lake, table
        Where the rows live.
    keys
        Columns that name a row: ``("unique_id", "ds")`` for sales, ``("unique_id",)`` for items.

    Notes
    -----
    Versions are ordered by ``known_at``, backfilled ones first; of two that became known at the same instant, the
    later arrival counts. First versions are kept apart from later ones, so that only keys which were ever revised
    cost anything to resolve.
    """

    lake: Lake
    table: str
    keys: Sequence[str] = ("unique_id", "ds")

    def add(self, frame: pl.DataFrame, *, known_at: datetime, backfill: bool, writer: str) -> Added:
        """Keep what is new in a frame; the same frame again changes nothing, and a crash leaves all of it or none.

        A row is dropped where the version known at its own ``known_at`` already says the same. Rows that bring a
        ``known_at`` of their own are kept even then, unless that version has the very same instant, so that the
        past reads the same in whatever order files arrive. Columns the frame lacks keep what was known.

        Parameters
        ----------
        frame
            Keys and values; an optional ``known_at`` column (aware, or naive UTC), null where not known. An empty
            frame adds nothing.
        known_at
            Instant for rows without one; aware.
        backfill
            Whether rows without a ``known_at`` are history that was known as it happened.
        writer
            Who adds, for the lake's record.

        Raises
        ------
        SchemaError
            For missing or null keys, types that do not fit what is stored, or two different rows of one key and
            instant; all faults at once, and nothing is kept.
        ConflictError
            Where another process added to the table meanwhile.
        """
        sequence = self.lake.sequence(self.table, writer) + 1
        schema = self.lake.scan(self.table).collect_schema()
        order = sorted(self.keys, key=lambda key: key not in _TIMES)
        rows = prepared(
            frame, self.table, keys=order, known_at=known_at.astimezone(UTC), backfill=backfill, schema=schema
        )
        told = sort_out(rows, self._versions_of(rows), keys=order)
        parts = [(part, revises) for part, revises in ((told.first, False), (told.later, True)) if part.height]
        if parts and not self.lake.append_parts(self.table, parts, writer=writer, sequence=sequence):
            raise ConflictError(f"{self.table}: {writer} added rows in another process meanwhile; add them again")
        return Added(
            new=told.first.height,
            revised=told.revised,
            unchanged=frame.height - told.first.height - told.revised,
        )

    def read(
        self,
        *,
        as_of: datetime | None = None,
        ds_from: date | datetime | None = None,
        columns: Sequence[str] | None = None,
        ids: Sequence[str] | None = None,
        backfill_known: bool = True,
    ) -> pl.DataFrame:
        """Newest version of every key, in no particular order; no columns where nothing was ever added.

        Parameters
        ----------
        as_of
            See only versions known at this instant; everything by default.
        ds_from
            See only rows from this period on (for tables with ``ds``, or else ``at``).
        columns
            Columns to give back; all, with ``known_at`` and ``backfilled``, by default. One that was never stored
            comes back null.
        ids
            See only rows of these ``unique_id``; of all by default.
        backfill_known
            Take backfilled first versions as known all along, so that a replay can look at a past that was loaded
            in one go; the caller then keeps to periods before its cutoff. False takes their ``known_at`` literally.
        """
        first = self._stored(revises=False, ds_from=ds_from, ids=ids)
        later = self._stored(revises=True, ds_from=ds_from, ids=ids).collect()
        if not first.collect_schema():
            return pl.DataFrame()
        visible = _visible(as_of, backfill_known=backfill_known)
        if later.is_empty():
            return self._chosen(first.filter(visible), columns).collect()
        touched = later.lazy().select(self.keys).unique()
        again = first.join(touched, on=self.keys, how="semi", nulls_equal=True)
        versions = pl.concat([again, later.lazy()], how="diagonal_relaxed").filter(visible)
        resolved = versions.sort(FRESH, maintain_order=True).unique(self.keys, keep="last", maintain_order=True)
        rest = first.join(touched, on=self.keys, how="anti", nulls_equal=True).filter(visible)
        united = pl.concat([rest, resolved], how="diagonal_relaxed")
        return self._chosen(united, columns).collect()

    def versions(self) -> pl.DataFrame:
        """Every version of every key with ``known_at`` and ``backfilled``, in the order in which they became known."""
        rows = self._stored(revises=None, ds_from=None).collect()
        return rows.sort(FRESH, maintain_order=True) if rows.width else rows

    def _versions_of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Stored versions of the keys in a frame, oldest arrival first."""
        if rows.is_empty():
            return pl.DataFrame()
        time = self._time(rows.columns)
        stored = self._stored(revises=None, ds_from=None if time is None else rows[time].min())
        if not stored.collect_schema():
            return pl.DataFrame()
        if time is not None:
            stored = stored.filter(pl.col(time) <= pl.lit(rows[time].max()))
        return stored.join(rows.lazy().select(self.keys), on=self.keys, how="semi", maintain_order="left").collect()

    def _stored(self, *, revises: bool | None, ds_from: object, ids: Sequence[str] | None = None) -> pl.LazyFrame:
        since = ds_from if isinstance(ds_from, date) else None
        rows = self.lake.scan(self.table, ds_from=since, revises=revises)
        if ids is not None and "unique_id" in rows.collect_schema():
            rows = rows.filter(pl.col("unique_id").is_in(list(ids)))
        time = self._time(rows.collect_schema().names())
        return rows if time is None or since is None else rows.filter(pl.col(time) >= since)

    def _time(self, columns: Sequence[str]) -> str | None:
        return next((name for name in _TIMES if name in self.keys and name in columns), None)

    @staticmethod
    def _chosen(rows: pl.LazyFrame, columns: Sequence[str] | None) -> pl.LazyFrame:
        if columns is None:
            return rows
        stored = rows.collect_schema().names()
        return rows.select(
            pl.col(name) if name in stored else pl.lit(None).alias(name) for name in dict.fromkeys(columns)
        )


def _visible(as_of: datetime | None, *, backfill_known: bool) -> pl.Expr:
    if as_of is None:
        return pl.lit(value=True)
    known = pl.col(KNOWN) <= as_of
    return known | pl.col(FLAG) if backfill_known else known
