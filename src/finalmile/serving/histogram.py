"""Latencies as counts in logarithmic buckets: adding two histograms adds their arrays, and nothing is lost by it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

WIDTH = 1.01
"""Each bucket reaches one per cent further than the one before."""

LONGEST_US = 1e8
"""Everything slower, 100 seconds, is counted in the last bucket."""

_PER_BUCKET = 1 / math.log(WIDTH)
BUCKETS = int(math.log(LONGEST_US) * _PER_BUCKET) + 1
_log = math.log


def bucket_of(micros: float, /) -> int:
    """Bucket of a latency in microseconds; what is below one counts in the first, what is above 100 s in the last.

    Examples
    --------
    >>> bucket_of(0), bucket_of(1.0), bucket_of(1.02), bucket_of(1e12) == BUCKETS - 1
    (0, 0, 1, True)
    """
    if micros <= 1.0:
        return 0
    return int(_log(micros) * _PER_BUCKET) if micros < LONGEST_US else BUCKETS - 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Histogram:
    """Latencies counted in buckets of one per cent, from 1 microsecond to 100 seconds.

    Parameters
    ----------
    counts : array of shape (BUCKETS,)
        Latencies in each bucket.

    Examples
    --------
    >>> both = Histogram.of(np.array([100.0] * 99)) + Histogram.of(np.array([5000.0]))
    >>> both.total, round(both.quantile(0.5)), round(both.quantile(0.999), -2)
    (100, 100, 5000.0)
    """

    counts: Counts

    @classmethod
    def empty(cls) -> Histogram:
        """Nothing counted yet."""
        return cls(counts=np.zeros(BUCKETS, dtype=np.int64))

    @classmethod
    def of(cls, micros: NDArray[np.float64], /) -> Histogram:
        """Count latencies, in microseconds."""
        bounded = np.clip(micros, 1.0, LONGEST_US)
        at = np.minimum((np.log(bounded) * _PER_BUCKET).astype(np.int64), BUCKETS - 1)
        return cls(counts=np.bincount(at, minlength=BUCKETS).astype(np.int64))

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram(counts=self.counts + other.counts)

    @property
    def total(self) -> int:
        """Latencies counted."""
        return int(self.counts.sum())

    def quantile(self, level: float, /) -> float:
        """Smallest latency in microseconds that ``level`` of all reach at most, within half a per cent; NaN of none."""
        total = self.total
        if total == 0:
            return math.nan
        rank = max(1, math.ceil(level * total - 1e-9))
        bucket = int(np.searchsorted(np.cumsum(self.counts), rank))
        return float(WIDTH ** (bucket + 0.5))

    @property
    def sum_micros(self) -> float:
        """All latencies added, in microseconds, within half a per cent."""
        return float((self.counts * WIDTH ** (np.arange(BUCKETS) + 0.5)).sum())
