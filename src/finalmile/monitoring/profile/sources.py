"""Whatever a user has, as a source of slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import polars as pl

from finalmile.errors import MissingInputError
from finalmile.monitoring.profile.slices import Source


def source_of(data: Any) -> Source:
    """Parquet paths, Polars, pandas, Arrow, DuckDB or a mapping of arrays, as a source; all give the same numbers.

    Raises
    ------
    MissingInputError
        Nothing is at the path, or the object is nothing that can be read.
    """
    if isinstance(data, (str, Path)) or _all_paths(data):
        return _from_paths(data)
    if isinstance(data, pl.DataFrame):
        from finalmile.monitoring.profile.readers.frames import FrameSource

        return FrameSource(data)
    if isinstance(data, pl.LazyFrame):
        from finalmile.monitoring.profile.readers.streams import from_lazy

        return from_lazy(data)
    if isinstance(data, Mapping):
        from finalmile.monitoring.profile.readers.frames import from_mapping

        return from_mapping(cast("Mapping[str, object]", data))
    return _from_vendor(data)


def _from_paths(paths: Any) -> Source:
    if isinstance(paths, (str, Path)) and str(paths).endswith((".csv", ".csv.gz")):
        from finalmile.monitoring.profile.readers.streams import from_csv

        return from_csv(str(paths))
    from finalmile.monitoring.profile.readers.parquet import from_parquet

    return from_parquet(paths)


def _from_vendor(data: Any) -> Source:
    from finalmile.monitoring.profile.readers.pandas_frames import from_pandas
    from finalmile.monitoring.profile.readers.streams import from_arrow, from_reader, from_relation

    home = type(data).__module__.partition(".")[0]
    if home == "pandas":
        return from_pandas(data)
    if hasattr(data, "read_next_batch"):
        return from_reader(data)
    if home in ("duckdb", "_duckdb"):
        return from_relation(data)
    if hasattr(data, "__arrow_c_stream__"):
        return from_arrow(data)
    raise MissingInputError(
        f"a {type(data).__name__} cannot be read; give a Parquet path, a Polars or pandas frame, an Arrow table, a "
        "DuckDB relation or a mapping of column names to arrays"
    )


def _all_paths(data: Any) -> bool:
    if not isinstance(data, Sequence) or not data:
        return False
    return all(isinstance(one, (str, Path)) for one in cast("Sequence[object]", data))
