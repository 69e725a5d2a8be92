"""Big tables on a folder: immutable Parquet files that exist once their ledger row does."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import polars as pl

from finalmile.adapters.local import manifest, segments
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.adapters.local.manifest import Segment
from finalmile.errors import FinalMileError

_SMALL_ROWS = 2_000_000
_COMPACTOR = "compact"


class FolderLake:
    """:class:`finalmile.ports.Lake` on a folder, with its manifest in a ledger.

    A file is written under a passing name, synced, renamed, its folder synced, and then its manifest row committed:
    readers see all of an append or none of it, and what was acknowledged survives a crash at any point.

    Parameters
    ----------
    folder
        One folder per table is made in it.
    ledger
        Holds the manifest.
    """

    def __init__(self, folder: Path, ledger: SqlLedger) -> None:
        self._folder = folder
        self._database = ledger.database
        folder.mkdir(parents=True, exist_ok=True)

    def append(
        self,
        table: str,
        frame: pl.DataFrame,
        *,
        writer: str,
        sequence: int,
        tags: Mapping[str, str] | None = None,
        revises: bool = False,
    ) -> bool:
        """Write a segment and make it visible, once per ``(table, writer, sequence)``; False if it already was.

        Raises
        ------
        TransientError
            Where the disk refused, for example because it is full; nothing is visible then.
        """
        return self.append_parts(table, [(frame, revises)], writer=writer, sequence=sequence, tags=tags)

    def append_parts(
        self,
        table: str,
        parts: Sequence[tuple[pl.DataFrame, bool]],
        *,
        writer: str,
        sequence: int,
        tags: Mapping[str, str] | None = None,
    ) -> bool:
        """Write several segments, each a frame and whether it revises, that become visible together or not at all.

        They take the sequences from ``sequence`` on; False if the first of them already was there.
        """
        _check_name(table)
        with self._database.reading() as connection:
            if manifest.has(connection, table, writer, sequence=sequence):
                return False
        made: list[Segment] = []
        with self._undone(made):
            for number, (frame, revises) in enumerate(parts, start=sequence):
                made.append(self._write(table, frame.lazy(), writer, number, tags=tags or {}, revises=revises))
            with self._database.writing() as connection:
                fresh = not manifest.has(connection, table, writer, sequence=sequence)
                for segment in made if fresh else ():
                    manifest.add(connection, segment)
        if not fresh:
            self._discard(made)
        return fresh

    def scan(
        self,
        table: str,
        *,
        tags: Mapping[str, str] | None = None,
        ds_from: date | datetime | None = None,
        revises: bool | None = None,
    ) -> pl.LazyFrame:
        """Every visible row of every version; segments without the tags, or wholly before ``ds_from``, left out.

        Rows come in the order they were appended. Columns that a segment lacks are null in it, and types widen to
        hold all segments. An empty table gives a frame without columns.

        Parameters
        ----------
        revises
            Only segments that revise, or only those that do not; all by default.

        Raises
        ------
        CorruptError
            Where a segment's file is missing or has not its recorded size.
        """
        wanted = [
            part
            for part in self.segments(table)
            if part.carries(tags or {})
            and revises in (None, part.revises)
            and (ds_from is None or segments.reaches(part, ds_from))
        ]
        return segments.scan(self._folder, wanted)

    def newest(self, table: str) -> Iterator[tuple[datetime, int, Callable[[], pl.LazyFrame]]]:
        """Every segment, the one written last first: when that was, how many rows it has, and what opens it."""
        parts = self.segments(table)
        for part in parts:
            segments.check(self._folder, part)
        written = [(self._folder / part.path).stat().st_mtime for part in parts]
        for at, part in sorted(zip(written, parts, strict=True), key=lambda one: one[0], reverse=True):
            yield datetime.fromtimestamp(at, UTC), part.rows, partial(segments.scan, self._folder, [part])

    def segments(self, table: str) -> list[Segment]:
        """Visible segments of a table, oldest first."""
        _check_name(table)
        with self._database.reading() as connection:
            return manifest.live(connection, table)

    def sequence(self, table: str, writer: str) -> int:
        """Highest committed sequence of a writer, -1 before the first."""
        with self._database.reading() as connection:
            return manifest.last_sequence(connection, table, writer)

    def compact(self, table: str, *, small_rows: int = _SMALL_ROWS) -> int:
        """Merge small segments of the same tags into one; how many were merged away.

        Segments that revise are merged whatever their size, so that their order stays. The old files go at the next
        :meth:`sweep`, so that whoever is reading them can finish. Call it holding the project lock.
        """
        groups: dict[tuple[str, bool], list[Segment]] = {}
        for part in self.segments(table):
            if part.revises or part.rows < small_rows:
                groups.setdefault((str(sorted(part.tags.items())), part.revises), []).append(part)
        return sum(self._merge(table, parts) for parts in groups.values() if len(parts) > 1)

    def sweep(self) -> list[Path]:
        """Remove files no manifest row speaks for; call it holding the project lock. What was removed."""
        with self._database.reading() as connection:
            known = {self._folder / part.path for part in manifest.live(connection)}
        left = sorted(path for path in self._folder.rglob("*") if path.is_file() and path not in known)
        for path in left:
            path.unlink()
        return left

    def verify(self, table: str) -> int:
        """Read every segment again; how many are sound, or ``CorruptError`` for the first that is not."""
        found = self.segments(table)
        for part in found:
            segments.check(self._folder, part, content=True)
        return len(found)

    def _merge(self, table: str, parts: list[Segment]) -> int:
        rows, number = segments.scan(self._folder, parts), self.sequence(table, _COMPACTOR) + 1
        made: list[Segment] = []
        with self._undone(made):
            merged = self._write(table, rows, _COMPACTOR, number, tags=parts[0].tags, revises=parts[0].revises)
            made.append(merged)
            with self._database.writing() as connection:
                manifest.replace(connection, parts, merged)
        return len(parts)

    def _write(
        self, table: str, rows: pl.LazyFrame, writer: str, sequence: int, *, tags: Mapping[str, str], revises: bool
    ) -> Segment:
        return segments.write(
            self._folder, table, rows, writer=writer, sequence=sequence, tags=dict(tags), revises=revises
        )

    @contextmanager
    def _undone(self, made: list[Segment]) -> Generator[None]:
        """Remove the files made inside the block if it fails and none of them was committed after all."""
        try:
            yield
        except FinalMileError:
            if made and not self._committed(made[0]):
                self._discard(made)
            raise

    def _committed(self, part: Segment) -> bool:
        with self._database.reading() as connection:
            return manifest.has(connection, part.table, part.writer, sequence=part.sequence)

    def _discard(self, made: Sequence[Segment]) -> None:
        for part in made:
            (self._folder / part.path).unlink(missing_ok=True)


def _check_name(table: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", table):
        raise ValueError(f"no table can be called {table!r}: lower-case letters, digits and _ only, a letter first")
