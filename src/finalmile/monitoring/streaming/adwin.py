"""ADWIN: a window that keeps itself as long as its mean stays the same."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from finalmile.monitoring.registry import detectors

Doubles = npt.NDArray[np.float64]


def _none() -> Doubles:
    return np.zeros(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdwinState:
    """The window as an exponential histogram, oldest bucket first, and whether the newest value cut it.

    Parameters
    ----------
    sizes, sums, squares : arrays of shape (b,)
        Values in each bucket (a power of two), their sum, and their squared deviations from the bucket's mean.
    seen
        Values ever.
    """

    sizes: Doubles = field(default_factory=_none)
    sums: Doubles = field(default_factory=_none)
    squares: Doubles = field(default_factory=_none)
    seen: int = 0
    detected: bool = False

    @property
    def width(self) -> int:
        """Values in the window."""
        return int(self.sizes.sum())

    @property
    def mean(self) -> float:
        """Mean of the window; NaN of an empty one."""
        return float(self.sums.sum() / self.sizes.sum()) if len(self.sizes) else math.nan


@detectors.add("adwin")
@dataclass(frozen=True, slots=True, kw_only=True)
class Adwin:
    r"""Drops the older part of its window wherever it can be told apart from the newer one, and alarms if it is larger.

    A cut between :math:`n_0` older and :math:`n_1` newer values is made where their means differ by more than

    .. math:: \epsilon = \sqrt{\frac{2}{m}\sigma^2 \ln\frac{2 \ln n}{\delta}} + \frac{2}{3m}\ln\frac{2 \ln n}{\delta},
              \quad \frac1m = \frac1{n_0} + \frac1{n_1}

    Memory and time grow with the logarithm of the window. The bound holds for independent values between 0 and 1;
    streams of demand are neither, so that no rate of false alarms is promised.

    Parameters
    ----------
    delta
        Confidence: a smaller one alarms less and later.
    every
        Values between two searches for a cut.
    buckets
        Buckets of a size before two are joined.
    least_part, least_values
        Values that either part of a cut needs, and the window before the first search.

    References
    ----------
    Bifet and Gavalda, Learning from time-changing data with adaptive windowing, SIAM Data Mining, 2007.
    """

    delta: float = 0.002
    every: int = 32
    buckets: int = 5
    least_part: int = 5
    least_values: int = 10

    def __post_init__(self) -> None:
        if not 0 < self.delta < 1 or min(self.every, self.buckets, self.least_part, self.least_values) < 1:
            raise ValueError("delta must be in (0, 1); every, buckets, least_part and least_values at least 1")

    def start(self) -> AdwinState:
        """An empty window."""
        return AdwinState()

    def update(self, state: AdwinState, value: float) -> AdwinState:
        """The next value; one that is missing or infinite changes nothing."""
        if not math.isfinite(value):
            return replace(state, detected=False)
        grown = AdwinState(
            sizes=np.append(state.sizes, 1.0),
            sums=np.append(state.sums, value),
            squares=np.append(state.squares, 0.0),
            seen=state.seen + 1,
        )
        joined = self._joined(grown)
        due = joined.seen % self.every == 0 and joined.width > self.least_values
        return self._cut(joined) if due else joined

    def _joined(self, state: AdwinState) -> AdwinState:
        """No more than so many buckets of a size: the two oldest of one that has too many become one."""
        size = 1.0
        while True:
            alike = np.flatnonzero(state.sizes == size)
            if len(alike) <= self.buckets:
                return state
            state = _merged(state, int(alike[0]))
            size *= 2

    def _cut(self, state: AdwinState) -> AdwinState:
        """The window without the parts that differ from what came after them."""
        detected = False
        while self._differs(state):
            detected = True
            state = replace(state, sizes=state.sizes[1:], sums=state.sums[1:], squares=state.squares[1:])
        return replace(state, detected=detected)

    def _differs(self, state: AdwinState) -> bool:
        """Whether both sides of any border between buckets differ."""
        n, total = float(state.sizes.sum()), float(state.sums.sum())
        if n <= self.least_values or len(state.sizes) < 2:
            return False
        older, summed = np.cumsum(state.sizes)[:-1], np.cumsum(state.sums)[:-1]
        newer = n - older
        fits = (older >= self.least_part) & (newer >= self.least_part)
        apart = np.abs(summed / older - (total - summed) / newer)
        return bool((fits & (apart > self._bound(older, newer, n, _variance(state)))).any())

    def _bound(self, older: Doubles, newer: Doubles, n: float, variance: float) -> Doubles:
        confidence = math.log(2 * math.log(n) / self.delta)
        short = self.least_part - 1
        over_m = 1 / np.maximum(older - short, 1.0) + 1 / np.maximum(newer - short, 1.0)
        bound: Doubles = np.sqrt(2 * over_m * variance * confidence) + 2 / 3 * confidence * over_m
        return bound


def _variance(state: AdwinState) -> float:
    """Of all values in the window."""
    means = state.sums / state.sizes
    between = state.sizes * (means - state.mean) ** 2
    return float((state.squares + between).sum() / state.sizes.sum())


def _merged(state: AdwinState, at: int) -> AdwinState:
    one, two = state.sizes[at], state.sizes[at + 1]
    apart = state.sums[at] / one - state.sums[at + 1] / two
    sizes, sums, squares = (np.delete(values, at) for values in (state.sizes, state.sums, state.squares))
    sizes[at], sums[at] = one + two, state.sums[at] + state.sums[at + 1]
    squares[at] = state.squares[at] + state.squares[at + 1] + one * two / (one + two) * apart**2
    return replace(state, sizes=sizes, sums=sums, squares=squares)
