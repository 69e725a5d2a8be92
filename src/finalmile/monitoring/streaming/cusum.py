"""Page's CUSUM on standardised innovations."""

from __future__ import annotations

import math
from dataclasses import dataclass

from finalmile.monitoring.registry import detectors


@dataclass(frozen=True, slots=True, kw_only=True)
class CusumState:
    """Sums so far, and whether the newest value made an alarm."""

    high: float = 0.0
    low: float = 0.0
    seen: int = 0
    detected: bool = False


@detectors.add("cusum")
@dataclass(frozen=True, slots=True, kw_only=True)
class Cusum:
    r"""Alarms soon after the mean of standard normal innovations moved, by a sum that forgets nothing but good news.

    .. math:: S^+_t = \max(0, S^+_{t-1} + z_t - k), \quad S^-_t = \max(0, S^-_{t-1} - z_t - k)

    with an alarm once either is above ``h``, after which both start anew. For independent standard normal values the
    defaults give a mean of 465 looks to a false alarm and find a shift of one standard deviation in 10. Innovations of
    demand are neither independent nor normal, so that no rate is promised.

    Parameters
    ----------
    k
        Slack: half the shift that is to be found, in standard deviations.
    h
        Threshold, in standard deviations.

    Examples
    --------
    >>> lane, state = Cusum(k=0.5, h=4), CusumState()
    >>> for z in (0.0, 2.0, 2.0, 2.0):
    ...     state = lane.update(state, z)
    >>> state.high, state.detected
    (4.5, True)

    References
    ----------
    Page, Continuous inspection schemes, Biometrika 41, 1954. Montgomery, Introduction to Statistical Quality Control,
    7th edition, table 9.4, for the figures.
    """

    k: float = 0.5
    h: float = 5.0

    def __post_init__(self) -> None:
        if self.k < 0 or self.h <= 0:
            raise ValueError("k must be at least 0 and h above 0")

    def start(self) -> CusumState:
        """Nothing seen."""
        return CusumState()

    def update(self, state: CusumState, value: float) -> CusumState:
        """The next innovation; one that is missing or infinite changes nothing."""
        if not math.isfinite(value):
            return CusumState(high=state.high, low=state.low, seen=state.seen)
        before = CusumState(seen=state.seen) if state.detected else state
        high, low = max(0.0, before.high + value - self.k), max(0.0, before.low - value - self.k)
        return CusumState(high=high, low=low, seen=before.seen + 1, detected=max(high, low) > self.h)
