"""The columns that are watched, and how a look at them becomes scalars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from finalmile.frames import FloatArray
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.inputs.categories import EXTRA, Categories, text
from finalmile.monitoring.inputs.reference import CategoricalReference, NumericReference, Reference
from finalmile.monitoring.inputs.scalars import NUMERIC, Scorer

_NO_ROWS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The rows that a model was asked about, or answered, in one period.

    Parameters
    ----------
    period
        Period number.
    columns
        Values of each column, one per row: numbers with NaN for missing, or text with ``None`` for missing.
    rows
        How many rows there are; by default the length of the longest column.
    calendar : array of shape (k,)
        Regressors of the period that the reference knew too: shares of series on holiday, on promotion.
    """

    period: int
    columns: Mapping[str, FloatArray | pl.Series]
    rows: int | None = None
    calendar: Doubles | None = None

    @property
    def size(self) -> int:
        """Rows in the look."""
        if self.rows is not None:
            return self.rows
        return max((len(values) for values in self.columns.values()), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One watched column: a name, and what turns its rows into scalars.

    Parameters
    ----------
    numeric
        Whether ``scorer`` does; else ``categories`` do.
    """

    name: str
    numeric: bool
    scorer: Scorer
    categories: Categories

    @classmethod
    def of(cls, name: str, reference: Reference, *, most_categories: int = 20) -> Column:
        """From what the column was like; at most ``most_categories`` values are watched one by one."""
        nothing = np.array([], dtype=object)
        counts = CategoricalReference(names=nothing, counts=np.zeros(0, dtype=np.int64), rows=0)
        if isinstance(reference, CategoricalReference):
            scorer = Scorer.of(NumericReference.of(np.zeros(0)))
            return cls(
                name=name,
                numeric=False,
                scorer=scorer,
                categories=Categories.of(reference, most=most_categories),
            )
        return cls(name=name, numeric=True, scorer=Scorer.of(reference), categories=Categories.of(counts, most=0))

    @property
    def scalars(self) -> tuple[str, ...]:
        """What its scalars are called."""
        return NUMERIC if self.numeric else self.categories.names

    def reduce(self, values: FloatArray | pl.Series | None) -> tuple[Doubles, int]:
        """Scalars, shape (s,), and a digest of the values; all missing where the column is gone or of another type."""
        if values is None or not len(values):
            return np.full(len(self.scalars), np.nan), 0
        if not self.numeric:
            return self.categories.reduce(text(values, name=self.name))
        try:
            return self.scorer.reduce(numbers(values))
        except (ValueError, TypeError, pl.exceptions.PolarsError):
            return np.full(len(self.scalars), np.nan), 0


def numbers(values: FloatArray | pl.Series) -> Doubles:
    """Values as doubles, missing ones as NaN.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.PolarsError
        They are not numbers.
    """
    if isinstance(values, pl.Series):
        return values.cast(pl.Float64).to_numpy()
    return np.asarray(values, dtype=np.float64)


def reduce(look: Look, columns: Sequence[Column]) -> tuple[Doubles, list[int]]:
    """Log of the rows of a look, then the scalars of each column, shape (1 + sum of s,); digests of the columns."""
    told, digests = [np.array([np.log(max(look.size, _NO_ROWS))])], list[int]()
    for column in columns:
        scalars, digest = column.reduce(look.columns.get(column.name))
        told.append(scalars)
        digests.append(digest)
    return np.concatenate(told), digests


def offsets(columns: Sequence[Column]) -> list[int]:
    """Where the scalars of each column begin in those of a look."""
    sizes = [1, *(len(column.scalars) for column in columns)]
    starts: list[int] = np.cumsum(sizes)[: len(columns)].tolist()
    return starts


__all__ = ["EXTRA", "NUMERIC", "Column", "Look", "numbers", "offsets", "reduce"]
