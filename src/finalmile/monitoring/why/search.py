"""Beam search over slices: up to three literals, each a value of a dimension or a range of a number."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finalmile.frames import IntArray
from finalmile.monitoring.why.dimensions import Codes, Dimension, Doubles
from finalmile.monitoring.why.expected import Cells
from finalmile.monitoring.why.score import score

Literal = tuple[int, int, int]
"""Dimension, first and last code."""

MOST_LITERALS = 3
"""Conditions that a slice may have."""

_WIDE = 40
_PER_PAIR = 8
_PARENTS = 50
_PER_PARENT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A slice, and what it gains over calling the change everyone's.

    Parameters
    ----------
    literals
        Sorted by dimension; a row is inside where all hold.
    gain
        Logarithm of the likelihood ratio.
    price
        Logarithm of the number of slices with as many literals: what searching costs.
    """

    literals: tuple[Literal, ...]
    gain: float
    price: float

    @property
    def score(self) -> float:
        """Gain less price."""
        return self.gain - self.price


@dataclass(frozen=True, slots=True)
class _Scan:
    """What every step of a search needs."""

    cells: Cells
    dimensions: Sequence[Dimension]
    literals: Sequence[IntArray]
    whole: Doubles
    error_over_loss: float
    prices: Sequence[float]

    def gains(self, table: Doubles) -> Doubles:
        return score(table, whole=self.whole, error_over_loss=self.error_over_loss).gain


def search(cells: Cells, dimensions: Sequence[Dimension], /, *, error_over_loss: float) -> list[Candidate]:
    """Slices whose losses rose unlike the rest, best first; all values and pairs, and triples of the best pairs.

    Dimensions of more than 40 values take part in pairs with their 40 most suspicious ones.
    """
    literals = [_literals(one) for one in dimensions]
    scan = _Scan(cells, dimensions, literals, cells.whole, error_over_loss, _prices([len(one) for one in literals]))
    if not len(cells.sums):
        return []
    tables = [_grouped(one.codes, one.size, cells.sums) for one in _columns(scan)]
    found = list(_singles(scan, tables))
    small = [_narrowed(scan, d, table) for d, table in enumerate(tables)]
    pairs = sorted(_pairs(scan, small), key=lambda one: -one.gain)
    found += pairs + list(_triples(scan, small, pairs[:_PARENTS]))
    return _distinct(one for one in found if one.score > 0)


def inside(cells: Cells, literals: Sequence[Literal]) -> npt.NDArray[np.bool_]:
    """Which cells lie in a slice, shape (m,)."""
    told = np.ones(len(cells.sums), dtype=np.bool_)
    for d, low, high in literals:
        codes = cells.codes[d]
        told &= (codes == low) if low == high else (codes >= low) & (codes <= high)
    return told


@dataclass(frozen=True, slots=True)
class _Column:
    """A dimension's codes, all of them or only those of the values that take part; the last code is the rest."""

    codes: Codes
    literals: IntArray
    first: IntArray
    last: IntArray
    size: int


def _columns(scan: _Scan) -> list[_Column]:
    return [
        _Column(codes, told, told[:, 0], told[:, 1], len(d.labels))
        for codes, told, d in zip(scan.cells.codes, scan.literals, scan.dimensions, strict=True)
    ]


def _literals(dimension: Dimension) -> IntArray:
    """First and last code of each literal, shape (l, 2); the one that holds everywhere is left out."""
    ranges = dimension.ranges
    pairs = [(i, j) for i in range(ranges) for j in range(i, ranges) if (i, j) != (0, len(dimension.labels) - 1)]
    pairs += [(i, i) for i in range(ranges, len(dimension.labels)) if len(dimension.labels) > 1]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _prices(counts: Sequence[int]) -> list[float]:
    """Logarithm of the number of slices of 1, 2 and 3 literals."""
    known = [1.0, 0.0, 0.0, 0.0]
    for count in counts:
        for k in range(MOST_LITERALS, 0, -1):
            known[k] += known[k - 1] * count
    return [math.log(max(one, 1.0)) for one in known[1:]]


def _grouped(codes: IntArray | Codes, size: int, sums: Doubles) -> Doubles:
    """Sums by code, shape (size, 14); codes of shape (m,), or (m, k) where each row counts for k of them."""
    from scipy.sparse import csc_array

    n, each = len(codes), 1 if codes.ndim == 1 else codes.shape[1]
    ones = csc_array((np.ones(n * each), codes.ravel(), np.arange(n + 1) * each), shape=(size, n))
    return np.asarray(ones @ sums, dtype=np.float64)


def _spread(table: Doubles, column: _Column, *, axis: int) -> Doubles:
    """From sums by code to sums by literal along an axis."""
    if np.array_equal(column.first, column.last):
        return np.take(table, column.first, axis=axis)
    total = np.cumsum(table, axis=axis)
    total = np.concatenate([np.zeros_like(np.take(total, [0], axis=axis)), total], axis=axis)
    told: Doubles = np.take(total, column.last + 1, axis=axis) - np.take(total, column.first, axis=axis)
    return told


def _singles(scan: _Scan, tables: Sequence[Doubles]) -> Iterator[Candidate]:
    for d, (column, table) in enumerate(zip(_columns(scan), tables, strict=True)):
        gains = scan.gains(_spread(table, column, axis=0))
        for at in np.argsort(-gains, kind="stable")[:_PARENTS]:
            yield Candidate(literals=(_literal(d, column, int(at)),), gain=float(gains[at]), price=scan.prices[0])


def _narrowed(scan: _Scan, d: int, table: Doubles) -> _Column:
    """The dimension as it takes part in pairs: its most suspicious values where there are many."""
    column = _columns(scan)[d]
    if column.size <= _WIDE:
        return column
    gains = scan.gains(_spread(table, column, axis=0))
    kept = np.sort(np.argsort(-gains, kind="stable")[:_WIDE])
    place = np.full(column.size, len(kept), dtype=np.int32)
    place[column.first[kept]] = np.arange(len(kept), dtype=np.int32)
    at = np.arange(len(kept))
    return _Column(place[column.codes], column.literals[kept], at, at, len(kept) + 1)


def _pairs(scan: _Scan, columns: Sequence[_Column]) -> Iterator[Candidate]:
    for (i, one), (j, two) in itertools.combinations(enumerate(columns), 2):
        codes = one.codes.astype(np.int64) * two.size + two.codes
        table = _grouped(codes, one.size * two.size, scan.cells.sums).reshape(one.size, two.size, -1)
        gains = scan.gains(_spread(_spread(table, one, axis=0), two, axis=1))
        for at in _best(gains.ravel(), _PER_PAIR):
            a, b = divmod(int(at), gains.shape[1])
            both = (_literal(i, one, a), _literal(j, two, b))
            yield Candidate(literals=both, gain=float(gains[a, b]), price=scan.prices[1])


def _triples(scan: _Scan, columns: Sequence[_Column], parents: Sequence[Candidate]) -> Iterator[Candidate]:
    for parent in parents:
        taken = {literal[0] for literal in parent.literals}
        free = [(d, column) for d, column in enumerate(columns) if d not in taken]
        if not free:
            continue
        gains = scan.gains(np.concatenate(_narrower(scan, parent, [column for _, column in free])))
        ends = np.cumsum([len(column.first) for _, column in free])
        for (d, column), own in zip(free, np.split(gains, ends[:-1]), strict=True):
            for at in _best(own, _PER_PARENT):
                three = tuple(sorted((*parent.literals, _literal(d, column, int(at)))))
                yield Candidate(literals=three, gain=float(own[at]), price=scan.prices[2])


def _narrower(scan: _Scan, parent: Candidate, columns: Sequence[_Column]) -> list[Doubles]:
    """Sums by literal of each column within a slice; all columns are added up at once."""
    rows = np.flatnonzero(inside(scan.cells, parent.literals))
    starts = np.cumsum([0, *(column.size for column in columns)])
    codes = np.stack([column.codes[rows] + start for column, start in zip(columns, starts[:-1], strict=True)], axis=1)
    table = _grouped(codes, int(starts[-1]), scan.cells.sums[rows])
    parts = np.split(table, starts[1:-1])
    return [_spread(part, column, axis=0) for part, column in zip(parts, columns, strict=True)]


def _best(gains: Doubles, count: int) -> IntArray:
    if len(gains) <= count:
        return np.flatnonzero(gains > 0)
    top = np.argpartition(-gains, count - 1)[:count]
    return top[gains[top] > 0]


def _literal(d: int, column: _Column, at: int) -> Literal:
    first, last = column.literals[at]
    return d, int(first), int(last)


def _distinct(found: Iterator[Candidate]) -> list[Candidate]:
    """Best first, each slice once."""
    kept: dict[tuple[Literal, ...], Candidate] = {}
    for one in sorted(found, key=lambda one: (-one.score, len(one.literals), one.literals)):
        kept.setdefault(one.literals, one)
    return list(kept.values())
