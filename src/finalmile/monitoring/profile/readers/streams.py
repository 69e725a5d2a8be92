"""Data that flows past once: Arrow readers, DuckDB relations, lazy frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import polars as pl

from finalmile.monitoring.profile.readers.frames import FrameSource
from finalmile.monitoring.profile.slices import Slice

BATCH_ROWS = 1_000_000


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


def from_relation(relation: Any) -> StreamSource | FrameSource:
    """A DuckDB relation, in batches where pyarrow is there, otherwise at once."""
    if find_spec("pyarrow") is None:
        return FrameSource(pl.DataFrame(relation))
    empty = pl.DataFrame(relation.limit(0))
    return StreamSource(empty.schema, lambda: (_frame(batch) for batch in _batches(relation)))


def _batches(relation: Any) -> Any:
    """A reader of the relation's rows, under the name this version of DuckDB has for it."""
    read = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
    return read(BATCH_ROWS)


def _frame(batch: Any) -> pl.DataFrame:
    """An Arrow batch as a frame, without copying numbers."""
    return pl.DataFrame(batch)
