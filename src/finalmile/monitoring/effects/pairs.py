"""Two samples side by side: on the same knots, or by the same names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.profile.columns import CategoryColumn, NumberColumn
from finalmile.monitoring.profile.table import Table, finite_sorted


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Rows of the reference and of the current sample in the same cells.

    Parameters
    ----------
    reference, current : arrays of shape (c,)
        Rows in each cell.
    labels
        Of the cells; empty where they are ranges.
    """

    reference: Doubles
    current: Doubles
    labels: tuple[str, ...] = ()

    @property
    def n(self) -> tuple[float, float]:
        """Rows of both."""
        return float(self.reference.sum()), float(self.current.sum())

    def shares(self) -> tuple[Doubles, Doubles]:
        """Shares of both, shape (c,) each; cells that are empty in both are left out."""
        used = (self.reference + self.current) > 0
        p, q = self.reference[used], self.current[used]
        return p / p.sum(), q / q.sum()


@dataclass(frozen=True, kw_only=True)
class Ordered:
    """Two tables on the same knots.

    ``sd`` is the standard deviation of the reference.
    """

    reference: Table
    current: Table
    sd: float

    @property
    def n(self) -> tuple[float, float]:
        """Rows of both."""
        return self.reference.n, self.current.n

    def distances(self) -> tuple[Doubles, Doubles]:
        """Reference less current distribution function just below and at each knot, shape (k,) each."""
        n, m = self.n
        below: Doubles = self.reference.below / n - self.current.below / m
        upto: Doubles = self.reference.upto / n - self.current.upto / m
        return below, upto

    def gaps(self) -> tuple[Doubles, Doubles, Doubles]:
        """Width of each gap between knots, the integral of the distance over it, and the most it may be within it.

        The integral is exact from counts and sums of a gap; shape (k - 1,) each.
        """
        return self._gaps

    @cached_property
    def _gaps(self) -> tuple[Doubles, Doubles, Doubles]:
        width = np.diff(self.reference.knots)
        ours, theirs = (_area(table, width) for table in (self.reference, self.current))
        (low, high), (their_low, their_high) = (_ends(table) for table in (self.reference, self.current))
        return width, ours - theirs, np.maximum(high - their_low, their_high - low)

    def binned(self, bins: int) -> Counted:
        """Rows in ranges of about equal counts of the reference; a value with many rows has its own end of a range.

        Ranges are closed above, at quantiles of the reference by the inverted distribution function.
        """
        upto, n = self.reference.upto, self.reference.n
        ranks = np.ceil(np.arange(1, bins) / bins * n - 1e-9)
        cuts = np.unique(np.searchsorted(upto, ranks - 1e-9))
        cuts = cuts[cuts < len(upto) - 1]
        both = (np.diff(np.concatenate([[0.0], t.upto[cuts], [t.n]])) for t in (self.reference, self.current))
        reference, current = both
        return Counted(reference=reference, current=current)


def ordered(reference: Doubles, current: Doubles) -> Ordered:
    """Two numeric samples in any order; NaN and infinite values are left out.

    Examples
    --------
    >>> ordered(np.array([0.0, 1.0]), np.array([1.0, np.nan])).distances()[1]
    array([0.5, 0. ])
    """
    a, b = (finite_sorted(x[~np.isnan(x)]) for x in (np.asarray(reference, float), np.asarray(current, float)))
    with np.errstate(over="ignore", invalid="ignore"):
        sd = float(np.std(a, ddof=1)) if len(a) > 1 else 0.0
    return _joined(Table.exact(a), Table.exact(b), sd=sd)


def ordered_columns(reference: NumberColumn, current: NumberColumn) -> Ordered:
    """Two profiled columns, on the knots of both; ranges of both are among them."""
    return _joined(_to_ends(reference.table, current), _to_ends(current.table, current), sd=reference.sd)


def counted(reference: CategoryColumn, current: CategoryColumn) -> Counted:
    """Two columns of categories by all names of both.

    Where the reference kept only its most frequent names, rows under any other name are one cell.
    """
    before, now = (dict(zip(c.names, c.counts.tolist(), strict=True)) for c in (reference, current))
    names = list(reference.names) + ([n for n in current.names if n not in before] if reference.complete else [])
    p = np.array([before.get(name, 0.0) for name in names], dtype=np.float64)
    q = np.array([now.get(name, 0.0) for name in names], dtype=np.float64)
    rest = max(reference.n - p.sum(), 0.0), max(current.n - q.sum(), 0.0)
    if not any(rest):
        return Counted(reference=p, current=q, labels=tuple(names))
    return Counted(reference=np.append(p, rest[0]), current=np.append(q, rest[1]), labels=(*names, "(other)"))


def _joined(reference: Table, current: Table, *, sd: float) -> Ordered:
    if np.array_equal(reference.knots, current.knots):
        return Ordered(reference=reference, current=current, sd=sd)
    every = np.union1d(reference.knots, current.knots)
    return Ordered(reference=reference.on(every), current=current.on(every), sd=sd)


def _to_ends(table: Table, current: NumberColumn) -> Table:
    """The table with those ends of the current sample as knots that lie beyond them, so that no row is outside."""
    if not len(table.knots) or not math.isfinite(current.low):
        return table
    if current.high > table.knots[-1]:
        table = _mirrored(_below(_mirrored(table), -current.high))
    return _below(table, current.low) if current.low < table.knots[0] else table


def _below(table: Table, end: float) -> Table:
    """One more knot below all others; of the rows that were below them, one is the knot itself."""
    one = min(float(table.between[0]), 1.0)
    return Table(
        knots=np.append(end, table.knots),
        at=np.append(one, table.at),
        between=np.append([0.0, table.between[0] - one], table.between[1:]),
        sums=np.append([0.0, table.sums[0] - one * end], table.sums[1:]),
        error=table.error,
    )


def _mirrored(table: Table) -> Table:
    """The sample with every sign turned."""
    return Table(
        knots=-table.knots[::-1],
        at=table.at[::-1],
        between=table.between[::-1],
        sums=-table.sums[::-1],
        error=table.error,
    )


def _area(table: Table, width: Doubles) -> Doubles:
    """Integral of the distribution function over each gap between knots, shape (k - 1,)."""
    inner, sums = table.between[1:-1], table.sums[1:-1]
    if not inner.any():
        exact: Doubles = table.upto[:-1] * (width / table.n)
        return exact
    area: Doubles = (table.upto[:-1] * width + inner * table.knots[1:] - sums) / table.n
    return area


def _ends(table: Table) -> tuple[Doubles, Doubles]:
    """Distribution function at the lower end of each gap between knots, and just below its upper end."""
    return table.upto[:-1] / table.n, table.below[1:] / table.n
