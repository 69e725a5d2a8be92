"""Running sums of demand, so that the mean over any window of any row costs four look-ups."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from finalmile.frames import FloatArray, IntArray

Doubles = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Sums:
    """Running sums of the known values of ``n`` series, along time or along one phase of a season.

    Parameters
    ----------
    total, known : arrays of shape (n, T + stride)
        Column ``stride + t`` holds sum and count of the known values at ``t, t - stride, t - 2 stride ...``.
    stride
        1 for time itself, the season length for same-phase sums.
    """

    total: Doubles
    known: Doubles
    stride: int = 1

    @classmethod
    def of(cls, values: FloatArray, *, stride: int = 1) -> Sums:
        """Running sums of an array of shape (n, T) with NaN where unknown."""
        known = np.isfinite(values)
        return cls(
            _along(np.where(known, values, 0.0).astype(np.float64), stride),
            _along(known.astype(np.float64), stride),
            stride,
        )

    def of_same_cells(self, values: FloatArray) -> Sums:
        """Running sums of other values that are known in just the same cells."""
        return replace(self, total=_along(np.nan_to_num(values).astype(np.float64), self.stride))

    def over(self, rows: IntArray, end: IntArray, count: int) -> tuple[Doubles, Doubles]:
        """Sum and number of the known among the ``count`` values that end at column ``end``; shape (m,)."""
        last = np.maximum(end + self.stride, 0)
        before = np.maximum(end + self.stride - count * self.stride, 0)
        total = self.total[rows, last] - self.total[rows, before]
        return total, self.known[rows, last] - self.known[rows, before]

    def mean(self, rows: IntArray, end: IntArray, count: int) -> FloatArray:
        """Mean of the known among the ``count`` values that end at column ``end``; NaN where none is known.

        Examples
        --------
        >>> sums = Sums.of(np.array([[1.0, np.nan, 3.0, 8.0]], dtype=np.float32))
        >>> sums.mean(np.array([0, 0]), np.array([2, 3]), 2)
        array([3. , 5.5], dtype=float32)
        """
        total, known = self.over(rows, end, count)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean: FloatArray = (total / known).astype(np.float32)
        return mean


def _along(values: Doubles, stride: int) -> Doubles:
    n, length = values.shape
    if stride == 1:
        plain = np.zeros((n, length + 1))
        np.cumsum(values, axis=1, out=plain[:, 1:])
        return plain
    padded = np.zeros((n, stride + length + (-length) % stride))
    padded[:, stride : stride + length] = values
    runs = padded.reshape(n, -1, stride).cumsum(axis=1)
    return runs.reshape(n, -1)[:, : stride + length]
