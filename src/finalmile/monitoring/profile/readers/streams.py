"""Data that flows past once: Arrow readers, DuckDB relations, lazy frames."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import polars as pl

from finalmile.errors import MissingInputError
from finalmile.monitoring.profile.readers.frames import FrameSource
from finalmile.monitoring.profile.slices import Slice

BATCH_ROWS = 1_000_000
_FOREIGN = re.compile("decimal256|month_day_nano")


@dataclass(frozen=True, slots=True)
class StreamSource:
    """Batches of a stream, gathered to slices of about a million rows."""

    schema: Mapping[str, pl.DataType]
    batches: Callable[[], Iterator[pl.DataFrame]]

    @property
    def rows(self) -> None:
        """Only reading tells."""
        return None

    @property
    def whole(self) -> bool:
        """It flows."""
        return False

    def slices(self) -> Iterator[Slice]:
        """Batches, gathered."""
        held: list[pl.DataFrame] = []
        for batch in self.batches():
            held.append(batch)
            if sum(frame.height for frame in held) >= BATCH_ROWS:
                yield FrameSource(pl.concat(held))
                held = []
        yield FrameSource(pl.concat(held) if held else pl.DataFrame(schema=dict(self.schema)))


def from_reader(reader: Any) -> StreamSource:
    """An Arrow record batch reader; it can be read once."""
    empty = _frame(reader.schema.empty_table())
    return StreamSource(empty.schema, lambda: (_frame(batch) for batch in reader))


def from_lazy(frame: pl.LazyFrame) -> StreamSource | FrameSource:
    """A lazy frame, in batches where this version of Polars can, otherwise collected."""
    collect_batches: Any = getattr(frame, "collect_batches", None)
    if collect_batches is None:
        return FrameSource(frame.collect())
    return StreamSource(frame.collect_schema(), lambda: iter(collect_batches(chunk_size=BATCH_ROWS)))


def from_csv(path: str) -> StreamSource | FrameSource:
    """A CSV file, its types told by all of its rows; short rows end in nulls.

    Raises
    ------
    MissingInputError
        It is not there, or it is no CSV.
    """
    with _told_as_csv(path):
        source = from_lazy(pl.scan_csv(path, try_parse_dates=True, infer_schema_length=None))
    if isinstance(source, FrameSource):
        return source
    return StreamSource(source.schema, lambda: _guarded(source.batches(), path))


def _guarded(batches: Iterator[pl.DataFrame], path: str) -> Iterator[pl.DataFrame]:
    with _told_as_csv(path):
        yield from batches


@contextmanager
def _told_as_csv(path: str) -> Generator[None]:
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as fault:
        raise MissingInputError(
            f"{path} cannot be read as CSV ({fault}); give a file with a line of names, and no row longer than that"
        ) from fault


def from_relation(relation: Any) -> StreamSource | FrameSource:
    """A DuckDB relation, in batches where pyarrow is there, otherwise at once."""
    if find_spec("pyarrow") is None:
        return FrameSource(pl.DataFrame(relation))
    empty = _frame(_batches(relation.limit(0)).schema.empty_table())
    return StreamSource(empty.schema, lambda: (_frame(batch) for batch in _batches(relation)))


def _batches(relation: Any) -> Any:
    """A reader of the relation's rows, under the name this version of DuckDB has for it."""
    read = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
    return read(BATCH_ROWS)


def from_arrow(table: Any) -> FrameSource:
    """A table of Arrow's kind that is in memory."""
    return FrameSource(_frame(table))


def _frame(batch: Any) -> pl.DataFrame:
    """An Arrow batch as a frame, without copying numbers; types that Polars has not got become text."""
    odd = [at for at, kind in enumerate(_types(batch)) if _FOREIGN.search(str(kind))]
    if not odd:
        return pl.DataFrame(batch)
    for at in odd:
        texts = [None if one is None else str(one) for one in batch.column(at).to_pylist()]
        batch = batch.set_column(at, batch.schema.field(at).name, _text_array(texts))
    return pl.DataFrame(batch)


def _types(batch: Any) -> list[Any]:
    """Types of the columns, of a batch of pyarrow's; nobody else's tell."""
    return list(getattr(getattr(batch, "schema", None), "types", ()))


def _text_array(texts: list[str | None]) -> Any:
    from importlib import import_module

    pyarrow: Any = import_module("pyarrow")
    return pyarrow.array(texts, pyarrow.string())
