"""Frames that are in memory: Polars, Arrow tables, a mapping of arrays."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
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
    kept = {name: _stored(values) for name, values in arrays.items()}
    return FrameSource(pl.DataFrame(kept, strict=False, nan_to_null=False))


def _stored(values: object) -> object:
    return storable(cast("npt.NDArray[Any]", values)) if isinstance(values, np.ndarray) else values


def storable(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array, with times in microseconds where Polars has not got their unit: hours and seconds, for example."""
    if values.dtype.kind not in "mM" or np.datetime_data(values.dtype)[0] in ("D", "ms", "us", "ns"):
        return values
    return values.astype(f"{values.dtype.kind}8[us]")


def distinct(names: Sequence[str]) -> list[str]:
    """The names, with a number behind those that were there before.

    Examples
    --------
    >>> distinct(["price", "price", "size"])
    ['price', 'price (2)', 'size']
    """
    told: dict[str, None] = {}
    for name in names:
        numbered = (f"{name} ({number})" for number in itertools.count(2))
        told[name if name not in told else next(one for one in numbered if one not in told)] = None
    return list(told)
