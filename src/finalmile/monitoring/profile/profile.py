"""The reference profile: what data was like when a version was certified, saved once and reused by every run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from finalmile.errors import MissingInputError
from finalmile.monitoring.profile.columns import CategoryColumn, Column, NumberColumn, OtherColumn
from finalmile.monitoring.profile.measuring import added, exactly, held_against, kind_of, measured
from finalmile.monitoring.profile.slices import Slice, Source
from finalmile.monitoring.profile.sources import source_of
from finalmile.monitoring.profile.storing import from_bytes, to_bytes
from finalmile.monitoring.profile.table import KNOTS

NAMES = 1000
_FINER = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Every column of a table in a few kilobytes: types and order, counts, range, quantile table or named counts.

    Parameters
    ----------
    rows
        Rows of the table.
    columns
        In the order of the table.
    """

    rows: int
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, data: Any, *, columns: Sequence[str] | None = None, knots: int = KNOTS, names: int = NAMES) -> Profile:
        """Profile Parquet files, a frame of any kind, or arrays, slice by slice.

        Up to four million rows (one million of a stream) ranks are exact. Beyond, slices are merged, and the
        ``error`` of each table says by how many rows a rank may be off; about one in eight thousand for each
        doubling of the slices.

        Parameters
        ----------
        data
            Parquet path, glob, folder or several paths; Polars, pandas or lazy frame; Arrow table or reader; DuckDB
            relation; mapping of names to arrays.
        columns
            Those to profile; all where ``None``.
        knots
            Quantiles kept of a number.
        names
            Values kept by name of a category.

        Raises
        ------
        MissingInputError
            The data cannot be read, or a column that was asked for is not in it.

        Examples
        --------
        >>> profile = Profile.of({"price": [1.0, 2.0, 2.0, None], "city": ["Ulm", "Ulm", "Bonn", None]})
        >>> price, city = profile.columns
        >>> price.mean.__round__(2), price.missing, city.names
        (1.67, 1, ('Ulm', 'Bonn'))
        """
        source = source_of(data)
        wanted = _wanted(source, columns)
        tree = _Tree(knots=knots, names=names)
        for part in source.slices():
            tree.add(_profiled(part, wanted, knots=knots if _is_one_slice(source) else _FINER * knots, names=names))
        return tree.whole()

    def observe(self, data: Any) -> Profile:
        """Other data, counted at the knots and by the names of this profile, in one pass and bounded memory.

        Tables of both then share their knots, so that comparing them is exact at every knot. Columns that this
        profile does not know are profiled by themselves; those that are gone are left out.
        """
        return self.observe_source(source_of(data))

    def observe_source(self, source: Source) -> Profile:
        """The same from a source."""
        known = {column.name: column for column in self.columns}
        parts: list[Column] = []
        rows = 0
        for part in source.slices():
            rows += part.rows
            seen = [
                held_against(known[c.name], c) if c.name in known else measured(c, knots=100, names=100)
                for c in part.columns(list(source.schema))
            ]
            parts = [_added(one, other) for one, other in zip(parts, seen, strict=True)] if parts else seen
        return Profile(rows=rows, columns=tuple(parts))

    def merged(self, other: Profile, *, knots: int = KNOTS, names: int = NAMES) -> Profile:
        """Both parts in one: counts and sums exact, ranks to within the stated error of each table.

        Columns must be the same, by name and kind.

        Raises
        ------
        MissingInputError
            One part has a column that the other has not, or has it in another kind.
        """
        theirs = {column.name: column for column in other.columns}
        mine = {column.name: column for column in self.columns}
        odd = [c.name for c in (*self.columns, *other.columns) if not _same_kind(mine.get(c.name), theirs.get(c.name))]
        if odd:
            raise MissingInputError(
                f"profiles of different columns cannot be merged: {', '.join(sorted(set(odd)))}; profile the same "
                "columns of both parts"
            )
        merged = (_merged(one, theirs[one.name], knots=knots, names=names) for one in self.columns)
        return Profile(rows=self.rows + other.rows, columns=tuple(merged))

    def column(self, name: str) -> Column | None:
        """The column of that name, if it is there."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def digest(self) -> str:
        """SHA-256 of what is saved: equal profiles, equal digests."""
        return hashlib.sha256(to_bytes(self.rows, self.columns)).hexdigest()

    def to_bytes(self) -> bytes:
        """As one compressed array file, without pickle."""
        return to_bytes(self.rows, self.columns)

    @classmethod
    def from_bytes(cls, blob: bytes) -> Profile:
        """The inverse of :meth:`to_bytes`.

        Raises
        ------
        CorruptError
            The bytes are no profile, or one of another layout.
        """
        rows, columns = from_bytes(blob)
        return cls(rows=rows, columns=columns)

    def save(self, path: str | Path) -> Path:
        """Write one file, ``*.npz``; gives its path."""
        Path(path).write_bytes(self.to_bytes())
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> Profile:
        """The inverse of :meth:`save`."""
        return cls.from_bytes(Path(path).read_bytes())


def exact_columns(data: Source, names: Sequence[str]) -> Iterator[Column]:
    """Columns of data in memory with every distinct value kept, one after another."""
    for part in data.slices():
        yield from (exactly(column) for column in part.columns(names))


def series_of(data: Any, names: Sequence[str]) -> pl.DataFrame:
    """Columns of a source that fits into memory, as a frame."""
    return pl.concat([pl.DataFrame(list(part.columns(names))) for part in source_of(data).slices()])


class _Tree:
    """Profiles of slices merged like a binary counter, so that ranks lose little however many there are."""

    def __init__(self, *, knots: int, names: int) -> None:
        self._knots, self._names = knots, names
        self._levels: list[Profile | None] = []

    def add(self, profile: Profile) -> None:
        for level, held in enumerate(self._levels):
            if held is None:
                self._levels[level] = profile
                return
            profile = held.merged(profile, knots=_FINER * self._knots, names=_FINER * self._names)
            self._levels[level] = None
        self._levels.append(profile)

    def whole(self) -> Profile:
        parts = [part for part in self._levels if part is not None]
        whole = parts[0]
        for part in parts[1:]:
            whole = part.merged(whole, knots=_FINER * self._knots, names=_FINER * self._names)
        return replace(whole, columns=tuple(_thinned(c, knots=self._knots, names=self._names) for c in whole.columns))


def _profiled(part: Slice, wanted: Sequence[str], *, knots: int, names: int) -> Profile:
    columns = (measured(column, knots=knots, names=_FINER * names) for column in part.columns(wanted))
    return Profile(rows=part.rows, columns=tuple(columns))


def _is_one_slice(source: Source) -> bool:
    from finalmile.monitoring.profile.slices import SLICE_ROWS

    return source.whole or (source.rows is not None and source.rows <= SLICE_ROWS)


def _wanted(source: Source, columns: Sequence[str] | None) -> list[str]:
    missing = sorted(set(columns or ()) - set(source.schema))
    if missing:
        raise MissingInputError(f"no column {', '.join(missing)}; there are {', '.join(source.schema)}")
    return list(source.schema if columns is None else columns)


def _same_kind(one: Column | None, other: Column | None) -> bool:
    return one is not None and other is not None and one.kind == other.kind


def _added(one: Column, other: Column) -> Column:
    if (
        isinstance(one, NumberColumn)
        and isinstance(other, NumberColumn)
        and len(one.table.knots) != len(other.table.knots)
    ):
        return _merged(one, other, knots=KNOTS, names=NAMES)
    return added(one, other)


@np.errstate(over="ignore", invalid="ignore")
def _merged(one: Column, other: Column, *, knots: int, names: int) -> Column:
    if isinstance(one, NumberColumn) and isinstance(other, NumberColumn):
        return one.joined(other, one.table.merged(other.table, knots=knots))
    if isinstance(one, CategoryColumn) and isinstance(other, CategoryColumn):
        return one.joined(other, names=names)
    assert isinstance(one, OtherColumn)
    assert isinstance(other, OtherColumn)
    return one.joined(other)


@np.errstate(over="ignore", invalid="ignore")
def _thinned(column: Column, *, knots: int, names: int) -> Column:
    if isinstance(column, NumberColumn):
        return replace(column, table=column.table.thinned(knots))
    if isinstance(column, CategoryColumn) and len(column.names) > names:
        dropped = int(column.counts[names:].sum())
        return replace(column, names=column.names[:names], counts=column.counts[:names], other=column.other + dropped)
    return column


__all__ = ["Profile", "exact_columns", "kind_of", "series_of"]
