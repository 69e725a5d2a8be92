"""The Page-Hinkley test."""

from __future__ import annotations

import math
from dataclasses import dataclass

from finalmile.monitoring.registry import detectors


@dataclass(frozen=True, slots=True, kw_only=True)
class PageHinkleyState:
    """Running mean, sums of deviations with their extremes, and whether the newest value made an alarm."""

    seen: int = 0
    mean: float = 0.0
    rise: float = 0.0
    fall: float = 0.0
    least: float = math.inf
    most: float = -math.inf
    detected: bool = False


@detectors.add("page_hinkley")
@dataclass(frozen=True, slots=True, kw_only=True)
class PageHinkley:
    r"""Alarms where values leave their own running mean for good, in either direction.

    .. math:: U_t = \alpha U_{t-1} + x_t - \bar x_t - \delta, \quad U_t - \min_s U_s > \lambda

    for a rise, and its mirror image for a fall. It works on the values' own scale, so that the threshold has to be
    chosen for each stream; no rate of false alarms is promised.

    Parameters
    ----------
    delta
        Deviation from the mean that is no harm.
    threshold
        Lambda, in the unit of the values.
    forgetting
        Alpha, in (0, 1]: 1 forgets nothing.
    least_values
        Values before the first alarm.

    References
    ----------
    Page, Continuous inspection schemes, Biometrika 41, 1954. Gama et al., A survey on concept drift adaptation, ACM
    Computing Surveys 46, 2014.
    """

    delta: float = 0.005
    threshold: float = 50.0
    forgetting: float = 0.9999
    least_values: int = 30

    def __post_init__(self) -> None:
        if self.threshold <= 0 or not 0 < self.forgetting <= 1 or self.least_values < 1:
            raise ValueError("threshold must be above 0, forgetting in (0, 1] and least_values at least 1")

    def start(self) -> PageHinkleyState:
        """Nothing seen."""
        return PageHinkleyState()

    def update(self, state: PageHinkleyState, value: float) -> PageHinkleyState:
        """The next value; one that is missing or infinite is passed over."""
        old = PageHinkleyState() if state.detected else state
        if not math.isfinite(value):
            return old
        seen = old.seen + 1
        mean = old.mean + (value - old.mean) / seen
        rise = self.forgetting * old.rise + value - mean - self.delta
        fall = self.forgetting * old.fall + value - mean + self.delta
        least, most = min(old.least, rise), max(old.most, fall)
        moved = rise - least > self.threshold or most - fall > self.threshold
        return PageHinkleyState(
            seen=seen, mean=mean, rise=rise, fall=fall, least=least, most=most,
            detected=seen >= self.least_values and moved,
        )  # fmt: skip
