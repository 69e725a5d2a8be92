"""View of two versions that are compared: what was decided, the gain of each look, and where the gain lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from finalmile.figures.course import Course

_LOOKS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Where a relative gain lies, drawn small beside the margin and zero.

    Parameters
    ----------
    gain, low, high
        Relative gain and its interval, which may be infinite.
    margin
        Relative difference that is none; ``None`` where no such is named.
    """

    gain: float
    low: float
    high: float
    margin: float | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not math.isfinite(self.gain)

    def reach(self) -> float:
        """Largest gain that is drawn, on either side: all of the interval where it is known, at most 2."""
        ends = [abs(one) for one in (self.gain, self.low, self.high) if math.isfinite(one)]
        return min(1.15 * max([*ends, 1.5 * (self.margin or 0.0), 0.01]), 2.0)

    def at(self, value: float, *, width: float = 160.0) -> float:
        """Place of a gain from the left; outside ones at the edge.

        Examples
        --------
        >>> told = Interval(gain=0.5, low=-math.inf, high=1.0)
        >>> [round(told.at(value, width=100), 1) for value in (told.low, 0.0, told.gain, told.high)]
        [0.0, 50.0, 71.7, 93.5]
        """
        reach = self.reach()
        return round((min(max(value, -reach), reach) / reach + 1.0) / 2.0 * width, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Versus:
    """One comparison as the page of a model shows it.

    Parameters
    ----------
    decision
        ``win``, ``lose``, ``equal``, ``undecided`` or ``hold``; of the challenger.
    lines
        What was decided and why, since when, and what to do next.
    """

    champion: str
    challenger: str
    decision: str
    lines: tuple[str, ...]
    interval: Interval
    course: Course


def versus(
    champion: str,
    challenger: str,
    *,
    decision: str,
    lines: Sequence[str],
    interval: Interval,
    gains: Sequence[float | None] = (),
) -> Versus:
    """The view of a comparison; of its looks the newest 90 are drawn, against no gain at all."""
    return Versus(
        champion=champion,
        challenger=challenger,
        decision=decision,
        lines=tuple(lines),
        interval=interval,
        course=Course(values=tuple(gains)[-_LOOKS:], limit=0.0, name="gain of each look"),
    )
