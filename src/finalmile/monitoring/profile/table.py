"""A column's distribution in a few hundred numbers: rows at and between knots."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from finalmile.frames import IntArray
from finalmile.monitoring.engine.design import Doubles

KNOTS = 1000
_CHUNK = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Table:
    """How many rows of a sample lie at each knot, and how many strictly between two, with their sum.

    Ranks at the knots are exact unless tables with other knots were merged; ``error`` says by how many rows a rank
    may be off. A table that has every value as a knot holds the sample itself, up to its order.

    Parameters
    ----------
    knots : array of shape (k,)
        Ascending, finite, distinct.
    at : array of shape (k,)
        Rows equal to a knot.
    between, sums : array of shape (k + 1,)
        Rows in each open gap, and the sum of their values; the first gap is below all knots, the last above all.
    error
        Rows by which the rank of a knot may be off.
    """

    knots: Doubles
    at: Doubles
    between: Doubles
    sums: Doubles
    error: float = 0.0

    @classmethod
    def empty(cls) -> Table:
        """The table of a column without a value."""
        none = np.zeros(0)
        return cls(knots=none, at=none, between=np.zeros(1), sums=np.zeros(1))

    @classmethod
    def exact(cls, ordered: Doubles) -> Table:
        """Every distinct value of an ascending finite sample, shape (n,), as a knot.

        Examples
        --------
        >>> Table.exact(np.array([1.0, 1.0, 5.0])).at
        array([2., 1.])
        """
        first = np.flatnonzero(np.append(np.ones(min(len(ordered), 1), dtype=bool), ordered[1:] != ordered[:-1]))
        at = np.diff(first, append=len(ordered)).astype(np.float64)
        gaps = np.zeros(len(first) + 1)
        return cls(knots=ordered[first], at=at, between=gaps, sums=gaps)

    @classmethod
    def of(cls, ordered: Doubles, *, knots: int = KNOTS) -> Table:
        """An ascending finite sample, shape (n,), counted at its own quantiles; ranks and ties are exact.

        Examples
        --------
        >>> table = Table.of(np.arange(9.0), knots=2)
        >>> table.knots, table.between
        (array([0., 4., 8.]), array([0., 3., 3., 0.]))
        """
        if len(ordered) == 0:
            return cls.empty()
        return cls.counted(ordered, quantile_knots(ordered, count=knots))

    @classmethod
    def counted(cls, ordered: Doubles, knots: Doubles) -> Table:
        """An ascending finite sample counted at given knots."""
        left, right = np.searchsorted(ordered, knots, "left"), np.searchsorted(ordered, knots, "right")
        starts, ends = np.append(0, right), np.append(left, len(ordered))
        borders = np.column_stack([starts, ends]).ravel()
        between = (ends - starts).astype(np.float64)
        sums = np.add.reduceat(np.append(ordered, 0.0), borders)[::2]
        return cls(
            knots=knots,
            at=(right - left).astype(np.float64),
            between=between,
            sums=np.where(between > 0, sums, 0.0),
        )

    @cached_property
    def n(self) -> float:
        """Rows in all."""
        return float(self.at.sum() + self.between.sum())

    @cached_property
    def upto(self) -> Doubles:
        """Rows at or below each knot, shape (k,)."""
        ranks: Doubles = np.cumsum(self.at + self.between[:-1])
        return ranks

    @cached_property
    def below(self) -> Doubles:
        """Rows below each knot, shape (k,)."""
        return self.upto - self.at

    @property
    def widest(self) -> float:
        """Rows in the fullest gap: what cannot be told from each other."""
        return float(self.between.max(initial=0.0))

    def plus(self, other: Table) -> Table:
        """Both samples together, of tables with the same knots; nothing is lost."""
        return Table(
            knots=self.knots,
            at=self.at + other.at,
            between=self.between + other.between,
            sums=self.sums + other.sums,
            error=self.error + other.error,
        )

    def merged(self, other: Table, *, knots: int = KNOTS) -> Table:
        """Both samples together, at about ``knots`` knots of their union.

        A rank is off by at most the errors of both plus the rows in the fullest gap of each.
        """
        every = np.union1d(self.knots, other.knots)
        return self.on(every).plus(other.on(every)).thinned(knots)

    def on(self, knots: Doubles) -> Table:
        """The same sample at more knots; a gap that is split gives every part its share of the width.

        ``knots`` must hold those of this table.
        """
        if len(knots) == len(self.knots):
            return self
        own = np.searchsorted(knots, self.knots)
        at = np.zeros(len(knots))
        at[own] = self.at
        if not self.between.any() and not self.sums.any():  # exact: nothing lies between knots
            nothing = np.zeros(len(knots) + 1)
            return Table(knots=knots, at=at, between=nothing, sums=nothing, error=self.error)
        gap = np.searchsorted(self.knots, knots, "left")
        with np.errstate(over="ignore", invalid="ignore"):
            between, sums = _split(self, knots, gap=np.append(gap, len(self.knots)))
        split = np.bincount(np.append(gap, len(self.knots)), minlength=len(self.between)) > 1
        error = self.error + float(self.between[split].max(initial=0.0))
        return Table(knots=knots, at=at, between=between, sums=sums, error=error)

    def thinned(self, count: int) -> Table:
        """At most about ``count`` of the knots, at even ranks; the first and the last stay."""
        if len(self.knots) <= count + 1:
            return self
        targets = np.linspace(0, 1, count + 1) * self.n
        kept = np.unique(np.minimum(np.searchsorted(self.upto, targets - 1e-9 * self.n), len(self.knots) - 1))
        kept[0] = 0
        return self.at_knots(np.unique(np.append(kept, len(self.knots) - 1)))

    def at_knots(self, kept: IntArray) -> Table:
        """Only these of the knots, by their ascending numbers; what was at the others joins the gaps."""
        rows = np.append(0.0, np.cumsum(_interleaved(self.between, self.at)))
        total = np.append(0.0, np.cumsum(_interleaved(self.sums, self.at * self.knots)))
        starts, ends = np.append(0, 2 * kept + 2), np.append(2 * kept + 1, len(rows) - 1)
        return Table(
            knots=self.knots[kept],
            at=self.at[kept],
            between=rows[ends] - rows[starts],
            sums=total[ends] - total[starts],
            error=self.error,
        )


def quantile_knots(ordered: Doubles, *, count: int = KNOTS) -> Doubles:
    """Values of an ascending sample at even ranks, its lowest and highest among them, each once."""
    ranks = np.ceil(np.linspace(0, 1, count + 1) * len(ordered) - 1e-9).astype(np.int64) - 1
    knots: Doubles = np.unique(ordered[np.maximum(ranks, 0)])
    return knots


def finite_sorted(values: Doubles) -> Doubles:
    """Finite values, ascending; there must be no NaN among them."""
    ordered = np.sort(values)
    if len(ordered) and np.isinf(ordered[[0, -1]]).any():
        return ordered[np.searchsorted(ordered, -np.inf, "right") : np.searchsorted(ordered, np.inf, "left")]
    return ordered


def count_in_chunks(values: Doubles, knots: Doubles) -> Table:
    """A sample in any order counted at knots; sorts pieces that fit into a processor's cache."""
    table = Table.counted(finite_sorted(values[:_CHUNK]), knots)
    for start in range(_CHUNK, len(values), _CHUNK):
        table = table.plus(Table.counted(finite_sorted(values[start : start + _CHUNK]), knots))
    return table


def _interleaved(gaps: Doubles, at: Doubles) -> Doubles:
    woven = np.zeros(2 * len(at) + 1)
    woven[::2], woven[1::2] = gaps, at
    return woven


def _split(table: Table, knots: Doubles, *, gap: IntArray) -> tuple[Doubles, Doubles]:
    """Rows and sums of the gaps between ``knots``, each from the gap of ``table`` that it lies in."""
    halves = np.concatenate([knots[:1], knots, knots[-1:]]) / 2  # of the whole a range may overflow
    width, middle = np.diff(halves), halves[1:] + halves[:-1]
    own, parts = (np.bincount(gap, weights=w, minlength=len(table.between)) for w in (width, np.ones(len(gap))))
    share = np.where(own[gap] > 0, width / np.where(own[gap] > 0, own[gap], 1.0), 1.0 / np.maximum(parts[gap], 1))
    mean = table.sums / np.maximum(table.between, 1.0)
    moved = mean - np.bincount(gap, weights=share * middle, minlength=len(table.between))
    rows = table.between[gap] * share
    return rows, rows * (middle + moved[gap])
