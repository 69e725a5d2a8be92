"""What a profile keeps of a column, by its kind; parts merge."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.inputs.reference import CategoricalReference, NumericReference
from finalmile.monitoring.profile.table import Table

Kind = Literal["number", "category", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberColumn:
    """A numeric column.

    Parameters
    ----------
    missing
        Rows that are null or NaN.
    infinite
        Rows that are infinite; they are in no other figure but ``rows``.
    squares
        Sum of squared deviations from ``mean``.
    low, high
        Smallest and largest finite value; NaN where there is none.
    """

    kind: ClassVar[Kind] = "number"
    name: str
    dtype: str
    rows: int
    missing: int
    infinite: int
    zeros: int
    negative: int
    mean: float
    squares: float
    low: float
    high: float
    table: Table

    @property
    def n(self) -> int:
        """Rows with a finite value."""
        return self.rows - self.missing - self.infinite

    @property
    def sd(self) -> float:
        """Standard deviation with divisor n - 1; 0 for fewer than two values."""
        return math.sqrt(max(self.squares, 0.0) / (self.n - 1)) if self.n > 1 else 0.0

    def reference(self) -> NumericReference:
        """What rows of a look are held against."""
        n = max(self.table.n, 1.0)
        return NumericReference(
            points=self.table.knots, below=self.table.below / n, upto=self.table.upto / n, rows=self.n
        )

    def joined(self, other: NumberColumn, table: Table) -> NumberColumn:
        """Both parts in one, with their merged table."""
        n, gap = self.n + other.n, other.mean - self.mean
        weight = other.n / n if n else 0.0
        return replace(
            self,
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            infinite=self.infinite + other.infinite,
            zeros=self.zeros + other.zeros,
            negative=self.negative + other.negative,
            mean=self.mean + gap * weight,
            squares=self.squares + other.squares + gap * gap * self.n * weight,
            low=float(np.fmin(self.low, other.low)),
            high=float(np.fmax(self.high, other.high)),
            table=table,
        )


def number_column(name: str, dtype: str, values: Doubles, *, rows: int, table: Table) -> NumberColumn:
    """The figures of a column's values, shape (n,), missing ones left out; ``table`` is kept as it is given.

    Infinite values are counted and otherwise left out. Without a finite value, mean is 0 and the range NaN.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        finite = values if np.isfinite(values.sum()) else values[np.isfinite(values)]
        n = len(finite)
        mean = float(finite.mean()) if n else 0.0
        away = finite - mean
        squares = float(np.square(away, out=away).sum())
    return NumberColumn(
        name=name,
        dtype=dtype,
        rows=rows,
        missing=rows - len(values),
        infinite=len(values) - n,
        zeros=n - int(np.count_nonzero(finite)),
        negative=int(np.count_nonzero(finite < 0)),
        mean=mean,
        squares=squares,
        low=float(finite.min()) if n else math.nan,
        high=float(finite.max()) if n else math.nan,
        table=table,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryColumn:
    """A column of text, flags or categories.

    Parameters
    ----------
    names
        Values that are kept, as text, most frequent first.
    counts : array of shape (k,)
        Rows of each.
    other
        Rows of values that are not kept by name.
    distinct
        Distinct values; where ``other`` is not 0, at least that many.
    """

    kind: ClassVar[Kind] = "category"
    name: str
    dtype: str
    rows: int
    missing: int
    names: tuple[str, ...]
    counts: Doubles
    other: int
    distinct: int

    @property
    def n(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def complete(self) -> bool:
        """Whether every value that occurred is kept by name; without it no value can be called unseen."""
        return self.other == 0

    def reference(self) -> CategoricalReference:
        """What rows of a look are held against."""
        return CategoricalReference(
            names=np.array(self.names, dtype=object),
            counts=self.counts.astype(np.int64),
            rows=self.n,
            complete=self.complete,
        )

    def joined(self, other: CategoryColumn, *, names: int) -> CategoryColumn:
        """Both parts in one; at most ``names`` values stay by name."""
        counts = dict(zip(self.names, self.counts.tolist(), strict=True))
        for name, count in zip(other.names, other.counts.tolist(), strict=True):
            counts[name] = counts.get(name, 0.0) + count
        return category_column(
            self.name,
            self.dtype,
            counts,
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            names=names,
            distinct=max(self.distinct, other.distinct),
        )


def category_column(
    name: str, dtype: str, counts: dict[str, float], *, rows: int, missing: int, names: int, distinct: int = 0
) -> CategoryColumn:
    """The ``names`` most frequent values by name, ties by their text; the rest as other rows."""
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    kept = ranked[:names]
    return CategoryColumn(
        name=name,
        dtype=dtype,
        rows=rows,
        missing=missing,
        names=tuple(value for value, _ in kept),
        counts=np.array([count for _, count in kept], dtype=np.float64),
        other=rows - missing - int(sum(count for _, count in kept)),
        distinct=max(distinct, len(counts)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherColumn:
    """A column that is only counted: times move on by themselves, and lists or bytes have no distribution.

    Parameters
    ----------
    low, high
        First and last of a column of times, as text; empty otherwise.
    """

    kind: ClassVar[Kind] = "other"
    name: str
    dtype: str
    rows: int
    missing: int
    low: str
    high: str

    def joined(self, other: OtherColumn) -> OtherColumn:
        """Both parts in one."""
        lows, highs = ([text for text in pair if text] for pair in ((self.low, other.low), (self.high, other.high)))
        return replace(
            self,
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            low=min(lows, default=""),
            high=max(highs, default=""),
        )


Column = NumberColumn | CategoryColumn | OtherColumn
