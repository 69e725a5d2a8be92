"""Rows gathered by segment, in arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from finalmile.frames import IntArray
from finalmile.monitoring.engine.design import Doubles

_GROWTH = 1.25
_CELLS = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Ragged:
    """Values of ``s`` segments end to end.

    Parameters
    ----------
    starts : array of shape (s + 1,)
        Where each segment begins, and the end of the last one.
    values : array of shape (n,)
    """

    starts: IntArray
    values: Doubles

    @property
    def counts(self) -> IntArray:
        """Values of each segment, shape (s,)."""
        return np.diff(self.starts)

    def padded(self, rows: IntArray, width: int) -> Doubles:
        """Values of some segments as a matrix, shape (r, width), plus infinity after the last one of each."""
        place = np.arange(width)
        at = self.starts[rows][:, None] + place
        if (self.counts[rows] == width).all():
            whole: Doubles = self.values[at]
            return whole
        known = place < self.counts[rows][:, None]
        return np.where(known, self.values[np.minimum(at, len(self.values) - 1)], np.inf)

    def sorted(self) -> Ragged:
        """Every segment ascending."""
        out = np.empty_like(self.values)
        for rows, width in batches(self.counts):
            block = np.sort(self.padded(rows, width), axis=1)
            known = np.arange(width) < self.counts[rows][:, None]
            out[(self.starts[rows][:, None] + np.arange(width))[known]] = block[known]
        return Ragged(starts=self.starts, values=out)


def batches(counts: IntArray) -> Iterator[tuple[IntArray, int]]:
    """Segments of about one size together: their numbers, and the largest size; empty ones are left out."""
    order = np.argsort(counts, kind="stable")
    at = int(np.searchsorted(counts[order], 1))
    while at < len(order):
        least = int(counts[order[at]])
        end = int(np.searchsorted(counts[order], max(least + 1, int(least * _GROWTH))))
        end = max(min(end, at + _CELLS // least), at + 1)
        yield order[at:end], int(counts[order[end - 1]])
        at = end


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """Which rows belong to which segment.

    Parameters
    ----------
    names
        Of the segments, in order of appearance.
    starts : array of shape (s + 1,)
        Where each begins once rows are in order.
    order : array of shape (n,)
        Rows by segment; ``None`` where they already are.
    """

    names: pl.Series
    starts: IntArray
    order: IntArray | None

    @classmethod
    def of(cls, keys: pl.Series) -> Segments:
        """From the segment of each row; a null is a segment of its own."""
        runs = keys.rle().struct.unnest()
        names = runs.get_column("value")
        if names.n_unique() == len(names):
            counts, order = runs.get_column("len").to_numpy(), None
        else:
            names = keys.unique(maintain_order=True)
            numbers = pl.DataFrame({"key": names, "number": np.arange(len(names))})
            rows = pl.DataFrame({"key": keys}).join(
                numbers, on="key", how="left", nulls_equal=True, maintain_order="left"
            )
            codes = rows.get_column("number").to_numpy()
            counts, order = np.bincount(codes, minlength=len(names)), np.argsort(codes, kind="stable")
        return cls(names=names.alias("segment"), starts=np.append(0, np.cumsum(counts, dtype=np.int64)), order=order)

    def gathered(self, column: pl.Series) -> Doubles:
        """A column as numbers, by segment; missing values are NaN."""
        values = column.cast(pl.Float64).to_numpy()
        return values if self.order is None else values[self.order]

    def ragged(self, column: pl.Series) -> Ragged:
        """Finite values of a column by segment."""
        values = self.gathered(column)
        finite = np.isfinite(values)
        if finite.all():
            return Ragged(starts=self.starts, values=values)
        kept = np.append(0, np.cumsum(finite, dtype=np.int64))
        return Ragged(starts=kept[self.starts], values=values[finite])

    def sums(self, values: Doubles) -> Doubles:
        """Sum of values, shape (n,), by segment."""
        codes = np.repeat(np.arange(len(self.names)), np.diff(self.starts))
        sums: Doubles = np.bincount(codes, weights=values, minlength=len(self.names)).astype(np.float64)
        return sums
