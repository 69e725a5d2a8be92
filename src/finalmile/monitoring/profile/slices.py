"""What every reader gives: slices of rows, of which columns are read a few at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import polars as pl

SLICE_ROWS = 4_000_000
"""Rows that are held at once, of the few columns being read."""


class Slice(Protocol):
    """Some rows of a table."""

    @property
    def rows(self) -> int:
        """How many."""
        ...

    def columns(self, names: Sequence[str], /) -> Iterator[pl.Series]:
        """Columns by name, in the order asked for."""
        ...


class Source(Protocol):
    """A table that is read by slices.

    ``rows`` is ``None`` where only reading tells; ``whole`` says whether all of it is in memory already.
    """

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        """Type of each column, in order."""
        ...

    @property
    def rows(self) -> int | None:
        """Rows in all."""
        ...

    @property
    def whole(self) -> bool:
        """Whether it is in memory already."""
        ...

    def slices(self) -> Iterator[Slice]:
        """The rows, each once, in order; a source that flows can be asked once only."""
        ...
