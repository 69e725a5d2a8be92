"""Parquet files, read by row groups and a few columns at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path

import polars as pl

from finalmile.errors import MissingInputError
from finalmile.monitoring.profile.slices import SLICE_ROWS, Slice

_CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class ParquetSlice:
    """Rows ``start`` to ``start + rows`` of files."""

    scan: pl.LazyFrame
    start: int
    rows: int
    told: str

    def columns(self, names: Sequence[str], /) -> Iterator[pl.Series]:
        """Columns by name, as many at once as are cheap to hold."""
        at_once = max(_CELLS_AT_ONCE // max(self.rows, 1), 1)
        for first in range(0, len(names), at_once):
            yield from self._read(names[first : first + at_once]).get_columns()

    def _read(self, names: Sequence[str]) -> pl.DataFrame:
        try:
            return self.scan.select(names).slice(self.start, self.rows).collect()
        except (OSError, pl.exceptions.PolarsError) as fault:
            raise _unreadable(f"column {', '.join(names[:5])} of {self.told}", fault) from fault


@dataclass(frozen=True, slots=True)
class ParquetSource:
    """One or several Parquet files, in bounded memory however many rows they have."""

    scan: pl.LazyFrame
    schema: Mapping[str, pl.DataType]
    rows: int
    told: str

    @property
    def whole(self) -> bool:
        """It is on disk."""
        return False

    def slices(self) -> Iterator[Slice]:
        """A few million rows at a time."""
        for start in range(0, max(self.rows, 1), SLICE_ROWS):
            yield ParquetSlice(self.scan, start, min(SLICE_ROWS, self.rows - start), self.told)


def from_parquet(paths: str | Path | Sequence[str | Path]) -> ParquetSource:
    """A path, a glob, a folder of files, or several paths.

    Files need not have the same columns: one that lacks a column has nulls there, and a column of several types has
    the narrowest type that holds them all.

    Raises
    ------
    MissingInputError
        Nothing is there, or it is no Parquet.
    """
    told = str(paths)
    try:
        scan = _scanned(_files(paths))
        rows = scan.select(pl.len()).collect().item()
        return ParquetSource(scan=scan, schema=scan.collect_schema(), rows=int(rows), told=told)
    except (OSError, pl.exceptions.PolarsError) as fault:
        raise _unreadable(told, fault) from fault


def _unreadable(told: str, fault: Exception) -> MissingInputError:
    return MissingInputError(f"{told} cannot be read as Parquet ({fault}); give a path, a glob or a folder")


def _scanned(files: Sequence[str]) -> pl.LazyFrame:
    if len(files) == 1:
        return pl.scan_parquet(files[0])
    schemas = [pl.read_parquet_schema(file) for file in files]
    if all(list(one.items()) == list(schemas[0].items()) for one in schemas):
        return pl.scan_parquet(list(files))
    return pl.concat([pl.scan_parquet(file) for file in files], how="diagonal_relaxed")


def _files(paths: str | Path | Sequence[str | Path]) -> list[str]:
    """Files, one by one; what is no local file or folder, an address for example, as it is spelled."""
    if not isinstance(paths, (str, Path)):
        return [str(path) for path in paths]
    pattern = str(Path(paths) / "**" / "*.parquet") if Path(paths).is_dir() else str(paths)
    return sorted(glob(pattern, recursive=True)) or [pattern]  # noqa: PTH207  # absolute patterns too
