"""Parquet files, read by row groups and a few columns at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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

    def columns(self, names: Sequence[str], /) -> Iterator[pl.Series]:
        """Columns by name, as many at once as are cheap to hold."""
        at_once = max(_CELLS_AT_ONCE // max(self.rows, 1), 1)
        for first in range(0, len(names), at_once):
            part = self.scan.select(names[first : first + at_once]).slice(self.start, self.rows).collect()
            yield from part.get_columns()


@dataclass(frozen=True, slots=True)
class ParquetSource:
    """One or several Parquet files of the same columns, in bounded memory however many rows they have."""

    scan: pl.LazyFrame
    schema: Mapping[str, pl.DataType]
    rows: int

    @property
    def whole(self) -> bool:
        """It is on disk."""
        return False

    def slices(self) -> Iterator[Slice]:
        """A few million rows at a time."""
        for start in range(0, max(self.rows, 1), SLICE_ROWS):
            yield ParquetSlice(self.scan, start, min(SLICE_ROWS, self.rows - start))


def from_parquet(paths: str | Path | Sequence[str | Path]) -> ParquetSource:
    """A path, a glob, a folder of files, or several paths.

    Raises
    ------
    MissingInputError
        Nothing is there, or it is no Parquet.
    """
    try:
        scan = pl.scan_parquet(_spelled(paths))
        rows = scan.select(pl.len()).collect().item()
        return ParquetSource(scan=scan, schema=scan.collect_schema(), rows=int(rows))
    except (OSError, pl.exceptions.PolarsError) as fault:
        raise MissingInputError(
            f"{paths} cannot be read as Parquet ({fault}); give a path, a glob or a folder"
        ) from fault


def _spelled(paths: str | Path | Sequence[str | Path]) -> str | list[str]:
    if isinstance(paths, (str, Path)):
        return str(Path(paths) / "**" / "*.parquet") if Path(paths).is_dir() else str(paths)
    return [str(path) for path in paths]
