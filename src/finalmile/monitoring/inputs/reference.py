"""What a column was like in the reference: the table that rows of a look are held against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finalmile.monitoring.engine.design import Doubles

Names = npt.NDArray[np.object_]
_MOST_POINTS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericReference:
    """Distribution of a numeric column: at each point the share of rows below it and up to it.

    Points need not be all values that occurred; rows that lie strictly between two points count halfway. Ties are
    exact: a value that many rows share is a point with ``upto`` above ``below``.

    Parameters
    ----------
    points : array of shape (v,)
        Distinct finite values, ascending; empty where the column held none.
    below, upto : arrays of shape (v,)
        Shares of the finite rows that are less than, and not greater than, each point; both ascending, in [0, 1].
    rows
        Finite rows behind it.
    """

    points: Doubles
    below: Doubles
    upto: Doubles
    rows: int

    def __post_init__(self) -> None:
        if not len(self.points) == len(self.below) == len(self.upto):
            raise ValueError("points, below and upto must be of one length")

    @classmethod
    def of(cls, values: Doubles, *, most_points: int = _MOST_POINTS) -> NumericReference:
        """From values; missing and infinite ones are left out.

        Where more than ``most_points`` values are distinct, points are evenly spaced in rank, the ends included.

        Examples
        --------
        >>> told = NumericReference.of(np.array([0.0, 0.0, 2.0, np.nan, 5.0]))
        >>> told.points.tolist(), told.below.tolist(), told.upto.tolist()
        ([0.0, 2.0, 5.0], [0.0, 0.5, 0.75], [0.5, 0.75, 1.0])
        """
        known = np.sort(values[np.isfinite(values)])
        return cls.of_counts(*np.unique(known, return_counts=True), most_points=most_points)

    @classmethod
    def of_counts(
        cls, points: Doubles, counts: npt.NDArray[np.integer], /, *, most_points: int = _MOST_POINTS
    ) -> NumericReference:
        """From distinct values, ascending, and how many rows had each."""
        rows = int(counts.sum())
        upto: Doubles = np.cumsum(counts).astype(np.float64) / max(rows, 1)
        below: Doubles = np.concatenate([np.zeros(1), upto[:-1]]) if len(upto) else upto
        if len(points) > most_points:
            middle = (below + upto) / 2
            at = np.searchsorted(middle, np.linspace(0.0, 1.0, most_points - 1)).clip(0, len(points) - 1)
            heavy = np.flatnonzero(upto - below > 1.0 / most_points)
            kept = np.unique(np.concatenate([at, heavy, [0, len(points) - 1]]))
            points, below, upto = points[kept], below[kept], upto[kept]
        return cls(points=points.astype(np.float64), below=below, upto=upto, rows=rows)

    @property
    def mass(self) -> Doubles:
        """Share of the rows at each point or between it and the one before, shape (v,)."""
        return np.diff(self.upto, prepend=0.0)

    def quantile(self, share: float) -> float:
        """Smallest point that at least ``share`` of the rows do not exceed; NaN where there are no points.

        Examples
        --------
        >>> NumericReference.of(np.arange(1.0, 101.0)).quantile(0.95)
        95.0
        """
        if not len(self.points):
            return float("nan")
        at = int(np.searchsorted(self.upto, share - 1e-12))
        return float(self.points[min(at, len(self.points) - 1)])

    def magnitudes(self) -> NumericReference:
        """The same of absolute values, zeros left out."""
        size, weight = np.abs(self.points), self.mass
        kept = (size > 0) & (weight > 0)
        points, place = np.unique(size[kept], return_inverse=True)
        mass = np.bincount(place, weights=weight[kept], minlength=len(points))
        total = float(mass.sum())
        upto: Doubles = np.cumsum(mass) / total if total else mass.astype(np.float64)
        below: Doubles = np.concatenate([np.zeros(1), upto[:-1]]) if len(upto) else upto
        return NumericReference(points=points, below=below, upto=upto, rows=round(self.rows * total))


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoricalReference:
    """Shares of the values of a categorical column.

    Parameters
    ----------
    names : array of shape (k,)
        Values that occurred, most frequent first, as text.
    counts : array of shape (k,)
        Rows of each.
    rows
        Rows that are not null, those of values left out of ``names`` included.
    complete
        Whether ``names`` has every value that occurred; without it no value can be called unseen.
    """

    names: Names
    counts: npt.NDArray[np.int64]
    rows: int
    complete: bool = True

    @classmethod
    def of_counts(
        cls, names: Names, counts: npt.NDArray[np.integer], /, *, most_names: int = 10_000
    ) -> CategoricalReference:
        """From distinct values in any order and their counts; ties go by name.

        Examples
        --------
        >>> told = CategoricalReference.of_counts(np.array(["b", "a", "c"], dtype=object), np.array([2, 5, 2]))
        >>> told.names.tolist(), told.counts.tolist(), told.rows
        (['a', 'b', 'c'], [5, 2, 2], 9)
        """
        order = np.lexsort((names.astype(str), -counts))
        kept = order[:most_names]
        return cls(
            names=names[kept].astype(object),
            counts=counts[kept].astype(np.int64),
            rows=int(counts.sum()),
            complete=len(names) <= most_names,
        )


Reference = NumericReference | CategoricalReference
"""What a column was like, by its kind."""
