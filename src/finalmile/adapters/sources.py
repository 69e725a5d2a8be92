"""Where tables come from: CSV and Parquet files, globs, frames of other libraries, SQL queries."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from finalmile.adapters.queries import is_url, read_query
from finalmile.errors import SchemaError
from finalmile.frames.spreadsheets import unguarded

_GZIP, _PARQUET, _ARROW, _ZIP, _UTF16 = b"\x1f\x8b", b"PAR1", b"ARROW1", b"PK\x03\x04", (b"\xff\xfe", b"\xfe\xff")


class ArrowTable(Protocol):
    """Any frame that speaks the Arrow PyCapsule interface: pandas, pyarrow, DuckDB, Polars."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Hand out the columns."""
        ...


Source = str | Path | pl.DataFrame | pl.LazyFrame | ArrowTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A table as it was found.

    Parameters
    ----------
    label
        What messages call it; never holds a password.
    parts
        Name and rows of each file, in order.
    untyped
        Every column is text because the file has no types.
    """

    frame: pl.DataFrame
    label: str
    parts: tuple[tuple[str, int], ...] = ()
    untyped: bool = False


def read_source(source: Source, *, query: str | None = None) -> pl.DataFrame:
    """The table as it was found: columns of a CSV file are text.

    Parameters
    ----------
    source
        Path of a CSV file (also gzipped) or a Parquet or Arrow file, a glob, a SQLAlchemy URL, or a frame of any
        library that speaks the Arrow PyCapsule interface.
    query
        SQL, where the source is a URL.

    Raises
    ------
    SchemaError
        Where it is not there, cannot be read, or the files of a glob differ in their columns.
    """
    return load(source, query=query).frame


def load(source: Source, *, query: str | None = None, label: str | None = None) -> Loaded:
    """What :func:`read_source` gives, with the names and row counts of the files behind it."""
    if isinstance(source, (str, Path)):
        if is_url(str(source)):
            name, frame = read_query(str(source), query=query)
            return Loaded(frame=frame, label=label or name)
        return _load_files(str(source), label)
    frame = source.collect() if isinstance(source, pl.LazyFrame) else _from_arrow(source)
    return Loaded(frame=frame, label=label or "frame")


def _from_arrow(source: pl.DataFrame | ArrowTable) -> pl.DataFrame:
    if isinstance(source, pl.DataFrame):
        return source
    if not hasattr(source, "__arrow_c_stream__"):
        what = f"{type(source).__name__} is neither a path nor a frame; give a path, a URL, or a frame of pandas, "
        raise SchemaError("source", [what + "pyarrow, DuckDB or Polars"])
    frame = pl.DataFrame(source)
    return frame.drop([name for name in frame.columns if name.startswith("__index_level_")])


def _load_files(source: str, label: str | None) -> Loaded:
    paths = _paths(source)
    read = [_read_file(path) for path in paths]
    _complain_of_columns(source, paths, [frame for frame, _ in read])
    return Loaded(
        frame=_stacked([frame for frame, _ in read]),
        label=label or (paths[0].name if len(paths) == 1 else source),
        parts=tuple((path.name, len(frame)) for path, (frame, _) in zip(paths, read, strict=True)),
        untyped=any(untyped for _, untyped in read),
    )


def _paths(source: str) -> list[Path]:
    path = Path(source)
    if path.is_dir():
        raise SchemaError(source, [f"is a folder; name files in it, such as {source.rstrip('/')}/*.parquet"])
    if path.exists():
        return [path]
    if any(sign in source for sign in "*?["):
        root = Path(path.anchor) if path.is_absolute() else Path()
        found = sorted(p for p in root.glob(str(path.relative_to(path.anchor) if path.anchor else path)) if p.is_file())
        if found:
            return found
        raise SchemaError(source, ["no file matches; check the folder and the pattern"])
    raise SchemaError(source, ["there is no such file; check the path"])


def _read_file(path: Path) -> tuple[pl.DataFrame, bool]:
    try:
        with path.open("rb") as file:
            magic = file.read(8)
        if not magic:
            raise SchemaError(path.name, ["the file is empty; it needs a header and at least one row"])
        if magic.startswith(_PARQUET):
            return pl.read_parquet(path, glob=False), False
        if magic.startswith(_ARROW):
            return pl.read_ipc(path), False
        if magic.startswith(_ZIP):
            raise SchemaError(path.name, ["is a zip archive or spreadsheet; save it as CSV (UTF-8) or Parquet"])
        return _read_csv(path, magic), True
    except (pl.exceptions.PolarsError, OSError, UnicodeError, csv.Error) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise SchemaError(path.name, [f"cannot be read ({first}); save it again as CSV (UTF-8) or Parquet"]) from error


def _read_csv(path: Path, magic: bytes) -> pl.DataFrame:
    data = path.read_bytes()
    if magic.startswith(_GZIP):
        data = gzip.decompress(data)
    if data.startswith(_UTF16):
        data = data.decode("utf-16").encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    header = data.lstrip(b"\r\n").split(b"\n", 1)[0].decode().rstrip("\r")
    if not header.strip():
        raise SchemaError(path.name, ["the file is empty; it needs a header and at least one row"])
    separator = max(",;\t|", key=header.count)
    names = [name.strip() for name in next(csv.reader([header], delimiter=separator))]
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        raise SchemaError(path.name, [f"{', '.join(map(repr, twice))} heads two columns; rename or remove one"])
    frame = pl.read_csv(data, separator=separator, infer_schema=False)
    return unguarded(_without_blank_end(frame))


def _without_blank_end(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows at the end that hold nothing are line feeds, not data."""
    filled = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series().arg_true()
    return frame.head(int(filled[-1]) + 1 if len(filled) else 0)


def _complain_of_columns(source: str, paths: Sequence[Path], frames: Sequence[pl.DataFrame]) -> None:
    first = set(frames[0].columns)
    faults: list[str] = []
    for path, frame in zip(paths, frames, strict=True):
        lacks, more = sorted(first - set(frame.columns)), sorted(set(frame.columns) - first)
        told = [f"lacks {', '.join(lacks)}"] * bool(lacks) + [f"has also {', '.join(more)}"] * bool(more)
        if told:
            mend = "give all files the same columns, or ingest them one by one"
            faults.append(f"{path.name} {' and '.join(told)}, compared with {paths[0].name}; {mend}")
    if faults:
        raise SchemaError(source, faults)


def _stacked(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    if len(frames) == 1:
        return frames[0]
    ordered = [frame.select(frames[0].columns) for frame in frames]
    mixed = [name for name in frames[0].columns if len({str(frame.schema[name]) for frame in ordered}) > 1]
    try:
        return pl.concat(ordered, how="vertical_relaxed")
    except pl.exceptions.PolarsError:
        return pl.concat([frame.with_columns(pl.col(mixed).cast(pl.String)) for frame in ordered])
