"""A figure for how far two samples are apart, with what chance alone would show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Size = Literal["unknown", "none", "small", "medium", "large"]
_NORMAL_95 = 1.959964


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """How far a current sample is from its reference.

    Parameters
    ----------
    name
        Of the effect size, for example ``"ks"``.
    value
        The figure, in ``unit``; ``None`` where it is undefined, and ``why`` says why.
    low, high
        Interval for the figure in the populations, if rows are independent; about 95 %. ``low`` has what chance
        alone would show taken off, so that it is above 0 only where there is a difference.
    chance
        What the figure would be on average with no difference at all, at these numbers of rows.
    error
        What the figure may be short of because it comes from a table instead of the rows; 0 where it is exact.
    size
        In words: a figure counts as small from where a normal variable moved by 0.2 standard deviations would
        have it, medium from 0.5, large from 0.8 (Cohen's words). Where ``low`` is 0 it is ``"none"``.
    threshold, breached
        The threshold a user set, and whether even ``low`` reaches it; without a threshold nothing is breached.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    error: float = 0.0
    unit: str = ""
    size: Size = "unknown"
    n_reference: int = 0
    n_current: int = 0
    threshold: float | None = None
    breached: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How figures of one kind are told.

    Parameters
    ----------
    cuts
        From where on a figure is small, medium, large.
    most
        The largest figure there can be.
    """

    name: str
    unit: str
    cuts: Sequence[float]
    most: float = math.inf

    def told(
        self,
        value: float,
        *,
        spread: float,
        chance: float,
        n: tuple[float, float],
        threshold: float | None,
        error: float = 0.0,
    ) -> Effect:
        """The effect, with its interval from a standard error and from what chance shows."""
        half = _NORMAL_95 * spread
        return self.within(
            value, low=value - half - chance, high=value + half, chance=chance, n=n, threshold=threshold, error=error
        )

    def within(
        self,
        value: float,
        *,
        low: float,
        high: float,
        chance: float,
        n: tuple[float, float],
        threshold: float | None,
        error: float = 0.0,
    ) -> Effect:
        """The effect with a given interval, which is cut to what is possible."""
        if not all(map(math.isfinite, (value, low, high, chance))):
            return self.undefined("the values are too large to be held against each other", n=n, threshold=threshold)
        low, high = max(low, 0.0), min(max(high + error, value), self.most)
        return Effect(
            name=self.name,
            value=value,
            low=low,
            high=high,
            chance=chance,
            error=error,
            unit=self.unit,
            size=self._size(value, low),
            n_reference=int(n[0]),
            n_current=int(n[1]),
            threshold=threshold,
            breached=threshold is not None and low >= threshold,
        )

    def undefined(self, why: str, *, n: tuple[float, float], threshold: float | None) -> Effect:
        """The effect where there is none to be told."""
        return Effect(
            name=self.name,
            value=None,
            unit=self.unit,
            n_reference=int(n[0]),
            n_current=int(n[1]),
            threshold=threshold,
            why=why,
        )

    def _size(self, value: float, low: float) -> Size:
        if low <= 0 or value < self.cuts[0]:
            return "none"
        if value < self.cuts[1]:
            return "small"
        return "medium" if value < self.cuts[2] else "large"


def empty_side(n: tuple[float, float]) -> str:
    """Which side has no value, in words; empty where both have."""
    if n[0] and n[1]:
        return ""
    where = "neither the reference nor the current data have" if not (n[0] or n[1]) else ""
    return f"{where or ('the reference has' if not n[0] else 'the current data have')} no value in this column"
