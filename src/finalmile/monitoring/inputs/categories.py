"""The rows of a categorical column in one look, reduced to shares of its most frequent values."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.inputs.reference import CategoricalReference, Names

EXTRA = ("other", "unseen", "null", "distinct")
"""Scalars of a categorical column after the shares of its most frequent values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Categories:
    """What turns rows into shares.

    Parameters
    ----------
    top : array of shape (k,)
        Values whose shares are watched one by one.
    known : array of shape (m,)
        Every value that the reference held.
    complete
        Whether that is all of them; else no value is called unseen.
    mass : array of shape (m,)
        Share of each known value.
    """

    top: Names
    known: Names
    complete: bool
    mass: Doubles

    @classmethod
    def of(cls, reference: CategoricalReference, *, most: int) -> Categories:
        """From reference counts; the ``most`` most frequent values are watched one by one."""
        mass = reference.counts / max(reference.rows, 1)
        return cls(top=reference.names[:most], known=reference.names, complete=reference.complete, mass=mass)

    @property
    def names(self) -> tuple[str, ...]:
        """What the scalars are called."""
        return (*(f"share of {name}" for name in self.top.tolist()), *EXTRA)

    def reduce(self, rows: pl.Series) -> tuple[Doubles, int]:
        """Scalars in the order of :attr:`names`, shape (k + 4,), and a digest; nulls count in ``null`` alone."""
        told = np.full(len(self.top) + len(EXTRA), np.nan)
        counts = rows.drop_nulls().value_counts(sort=False)
        values = counts.get_column(rows.name).to_list()
        found: dict[str, int] = dict(zip(values, counts.get_column("count").to_list(), strict=True))
        n = sum(found.values())
        if len(rows):
            told[-2] = 1.0 - n / len(rows)
        if n:
            shares = np.array([found.get(name, 0) for name in self.top.tolist()], dtype=np.float64) / n
            unseen = self._unseen(found) / n
            told[: len(shares)] = shares
            told[-4], told[-3] = max(1.0 - shares.sum() - unseen, 0.0), unseen
            told[-1] = np.log(len(found))
        return told, _digest(found)

    def unseen(self, rows: pl.Series) -> Sequence[str]:
        """Values that the reference never held, most frequent first."""
        if not self.complete:
            return []
        known = set(self.known.tolist())
        counts = rows.drop_nulls().value_counts(sort=True).get_column(rows.name).to_list()
        return [value for value in counts if value not in known]

    def _unseen(self, found: dict[str, int]) -> int:
        if not self.complete:
            return 0
        known = set(self.known.tolist())
        return sum(count for name, count in found.items() if name not in known)


def text(values: pl.Series | npt.NDArray[Any], *, name: str = "value") -> pl.Series:
    """Any column as text, nulls kept; what is not text is written out.

    Examples
    --------
    >>> text(np.array(["a", None], dtype=object)).to_list(), text(pl.Series([1, 2])).to_list()
    (['a', None], ['1', '2'])
    """
    if isinstance(values, pl.Series):
        series = values
    elif values.dtype.kind == "O":
        told = [None if value is None or value != value else str(value) for value in values.tolist()]
        series = pl.Series(name, told, dtype=pl.String)
    else:
        series = pl.Series(name, values)
    return series.cast(pl.String, strict=False).alias(name)


def _digest(found: dict[str, int]) -> int:
    return zlib.crc32(repr(sorted(found.items())).encode()) if found else 0
