"""The rows of a numeric column in one look, reduced to a few scalars against its reference."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.inputs.reference import NumericReference

NUMERIC = (
    "level",
    "spread",
    "skew",
    "tail_hi",
    "tail_lo",
    "zero",
    "null",
    "distinct",
    "far",
    "tiny",
    "top",
    "whole",
    "mode",
    "positive",
    "mean",
)
"""Scalars of a numeric column, in the order of :meth:`Scorer.reduce`."""

_TAIL = 0.005
_FAR = 3.0
_LARGEST_MEAN = 1e150


def legendre(u: Doubles) -> Doubles:
    r"""First three orthonormal Legendre polynomials of ranks in [0, 1], shape (n, 3); each has mean 0 on uniform ranks.

    .. math:: y = 2u - 1: \quad \sqrt 3 y, \; \sqrt 5 (3 y^2 - 1) / 2, \; \sqrt 7 (5 y^3 - 3 y) / 2

    Their means over rows are the smooth components of Neyman (1937): level, spread and skew of the ranks.

    Examples
    --------
    >>> legendre(np.array([0.0, 1.0])).round(3).tolist()
    [[-1.732, 2.236, -2.646], [1.732, 2.236, 2.646]]
    """
    y = 2.0 * u - 1.0
    parts = (np.sqrt(3.0) * y, np.sqrt(5.0) * (1.5 * y**2 - 0.5), np.sqrt(7.0) * (2.5 * y**3 - 1.5 * y))
    return np.stack(parts, axis=-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """What turns rows into scalars: the reference's points, and what each place between them scores.

    Parameters
    ----------
    points : array of shape (v,)
        Distinct reference values, ascending.
    scores : array of shape (2 v + 1, 3)
        Legendre scores of a row below the first point, at it, between it and the second, and so on.
    base : array of shape (3,)
        Their mean over the reference.
    limits : array of shape (8,)
        Minus far, low tail, minus tiny, 0, 0, tiny, high tail, far: the places that rows are counted beyond.
    mass : array of shape (v,)
        Share of the reference at each point, or between it and the one before.
    """

    points: Doubles
    scores: Doubles
    base: Doubles
    limits: Doubles
    mass: Doubles

    @classmethod
    def of(cls, reference: NumericReference) -> Scorer:
        """From a reference table; one without points scores every row as its middle.

        Tails begin at the 0.5 % and 99.5 % quantiles. ``tiny`` is the 0.5 % quantile of absolute values without zeros,
        ``far`` three times their 99.9 % quantile: where values in another unit land.
        """
        v = len(reference.points)
        if v == 0:
            none, middle = np.zeros(0), legendre(np.full(1, 0.5))
            return cls(points=none, scores=middle, base=np.zeros(3), limits=_nowhere(), mass=none)
        u = np.empty(2 * v + 1)
        u[1::2] = (reference.below + reference.upto) / 2
        u[0], u[-1] = reference.below[0] / 2, (reference.upto[-1] + 1) / 2
        u[2:-1:2] = (reference.upto[:-1] + reference.below[1:]) / 2
        scores = legendre(u)
        at, between = reference.upto - reference.below, np.diff(reference.below, prepend=0.0)
        between[1:] = reference.below[1:] - reference.upto[:-1]
        base = at @ scores[1::2] + between @ scores[0:-1:2]
        return cls(points=reference.points, scores=scores, base=base, limits=_limits(reference), mass=reference.mass)

    def reduce(self, rows: Doubles) -> tuple[Doubles, int]:
        """Scalars of shape (15,) in the order of :data:`NUMERIC`, and a digest of the values whatever their order.

        Missing values count in ``null`` alone, infinite ones nowhere; without a finite value all but ``null`` are NaN.
        """
        told = np.full(len(NUMERIC), np.nan)
        known = np.sort(rows)
        missing = len(known) - int(known.searchsorted(np.nan))
        known = known[: len(known) - missing]
        if len(rows):
            told[6] = missing / len(rows)
        if len(known) and not (np.isfinite(known[0]) and np.isfinite(known[-1])):
            known = known[np.isfinite(known)]
        if len(known):
            smooth = self._smooth(known)
            told[:3] = smooth - self.base
            told[3:6], told[8:10] = self._shares(known)
            starts = np.flatnonzero(np.concatenate([[True], known[1:] != known[:-1]]))
            told[13] = self._positive(known, level=float(smooth[0]))
            told[7], told[12] = np.log(len(starts) / len(known)), _mode(known, starts)
            told[10] = 1.0 - starts[-1] / len(known)
            told[11] = np.count_nonzero(known == np.floor(known)) / len(known)
            with np.errstate(over="ignore"):
                mean = float(known.mean())
            told[14] = mean if abs(mean) <= _LARGEST_MEAN else np.nan
        return told, digest(known)

    def _smooth(self, known: Doubles) -> Doubles:
        if len(known) <= 2 * len(self.points):
            counted = np.bincount(self._places(known), minlength=len(self.scores))
            smooth: Doubles = counted @ self.scores / len(known)
            return smooth
        left, right = known.searchsorted(self.points), known.searchsorted(self.points, side="right")
        counts = np.empty(len(self.scores))
        counts[1::2] = right - left
        counts[0:-1:2] = left
        counts[2:-1:2] -= right[:-1]
        counts[-1] = len(known) - (right[-1] if len(right) else 0)
        return counts @ self.scores / len(known)

    def _places(self, known: Doubles) -> npt.NDArray[np.intp]:
        left = self.points.searchsorted(known)
        if not len(self.points):
            return left
        at = self.points[np.minimum(left, len(self.points) - 1)] == known
        places: npt.NDArray[np.intp] = 2 * left + at
        return places

    def _shares(self, known: Doubles) -> tuple[Doubles, Doubles]:
        """Shares in the high tail, the low tail and at 0; shares far out and tiny."""
        n = len(known)
        left, right = known.searchsorted(self.limits), known.searchsorted(self.limits, side="right")
        zero = right[3] - left[3]
        far = left[0] + n - right[7]
        tiny = left[5] - right[2] - zero
        return np.array([n - right[6], left[1], zero]) / n, np.array([far, max(tiny, 0)]) / n

    def _positive(self, known: Doubles, *, level: float) -> float:
        """Mean level of the rows that are not 0, from that of all."""
        zeros = np.searchsorted(known, 0.0, side="right") - np.searchsorted(known, 0.0)
        left = len(known) - zeros
        if not left:
            return float("nan")
        at_zero = float(self.scores[self._places(np.zeros(1))[0], 0]) if zeros else 0.0
        return (level * len(known) - at_zero * zeros) / left


def digest(values: npt.NDArray[np.float64]) -> int:
    """64 bits that differ wherever sorted values differ, but for chance; 0 for none.

    Examples
    --------
    >>> digest(np.zeros(0)), digest(np.array([1.0, 2.0])) == digest(np.array([1.0, 3.0]))
    (0, False)
    """
    if not len(values):
        return 0
    high = zlib.crc32(np.ascontiguousarray(values).data)
    with np.errstate(over="ignore"):
        sums = np.array([len(values), values.sum(), values @ values])
    return (high << 31) ^ zlib.crc32(sums.data)


def _mode(known: Doubles, starts: npt.NDArray[np.intp]) -> float:
    """Largest share of the rows that one value other than 0 has, from where each value starts."""
    lengths = np.concatenate([starts[1:], [len(known)]]) - starts
    lengths[known[starts] == 0.0] = 0
    return float(lengths.max()) / len(known)


def _limits(reference: NumericReference) -> Doubles:
    sizes = reference.magnitudes()
    far = _FAR * sizes.quantile(0.999) if len(sizes.points) else np.inf
    tiny = sizes.quantile(_TAIL) if len(sizes.points) else 0.0
    low, high = reference.quantile(_TAIL), reference.quantile(1.0 - _TAIL)
    return np.array([-far, low, -tiny, 0.0, 0.0, tiny, high, far])


def _nowhere() -> Doubles:
    return np.array([-np.inf, -np.inf, 0.0, 0.0, 0.0, 0.0, np.inf, np.inf])
