"""How far back features look at each frequency, in periods."""

from __future__ import annotations

from dataclasses import dataclass

from finalmile.frames import Frequency


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Lengths that features are built from.

    Parameters
    ----------
    base
        Window that the scale of a series is taken over: what features and targets are relative to.
    windows
        Windows whose mean, relative to the scale, is a feature.
    phases
        Season lengths, each with the numbers of same-phase values to average.
    year
        Periods in a year of whole weeks; 0 where a year is too long to look back over.
    around
        Periods on each side of the same period a year ago that are averaged with it.
    training
        How many of the newest periods are learned from.
    half_life
        Age in periods at which a row counts half.
    """

    base: int
    windows: tuple[int, ...]
    phases: tuple[tuple[int, tuple[int, ...]], ...]
    year: int
    around: int
    training: int
    half_life: float


_REACH: dict[str, Reach] = {
    "hour": Reach(
        base=168,
        windows=(3, 24, 72, 336, 672, 1344),
        phases=((24, (3, 14)), (168, (2, 6))),
        year=0,
        around=0,
        training=24 * 180,
        half_life=24 * 120,
    ),
    "day": Reach(
        base=28,
        windows=(3, 7, 14, 56, 91, 182, 364),
        phases=((7, (4, 13)),),
        year=364,
        around=3,
        training=1000,
        half_life=365.0,
    ),
    "week": Reach(base=8, windows=(1, 2, 4, 13, 26, 52), phases=(), year=52, around=1, training=156, half_life=104.0),
    "month": Reach(base=4, windows=(1, 2, 6, 12), phases=(), year=12, around=0, training=60, half_life=36.0),
}


def reach_of(frequency: Frequency) -> Reach:
    """Lengths for a frequency.

    Examples
    --------
    >>> reach_of(Frequency("week")).year
    52
    """
    return _REACH[frequency.unit]


def periods_looked_at(frequency: Frequency) -> int:
    """Periods of history that features of one origin look at."""
    reach = reach_of(frequency)
    phases = [season * (max(counts) + 1) for season, counts in reach.phases]
    return 1 + max(*reach.windows, *phases, reach.year + 2 * reach.base + reach.around, 2 * reach.base)


def periods_learned_from(frequency: Frequency) -> int:
    """Periods that training rows and their features lie in."""
    return reach_of(frequency).training + periods_looked_at(frequency) + reach_of(frequency).base
