"""Frames that are in memory: Polars, Arrow tables, a mapping of arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from finalmile.monitoring.profile.slices import Slice


@dataclass(frozen=True, slots=True)
class FrameSource:
    """A frame, which is its own only slice."""

    frame: pl.DataFrame

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        """Type of each column."""
        return self.frame.schema

    @property
    def rows(self) -> int:
        """Its height."""
        return self.frame.height

    @property
    def whole(self) -> bool:
        """It is in memory."""
        return True

    def slices(self) -> Iterator[Slice]:
        """All of it."""
        yield self

    def columns(self, names: Sequence[str], /) -> Iterator[pl.Series]:
        """Columns by name."""
        for name in names:
            yield self.frame[name]


def from_mapping(arrays: Mapping[str, object]) -> FrameSource:
    """One column for each array; all must be of one length."""
    return FrameSource(pl.DataFrame(dict(arrays), strict=False, nan_to_null=False))
