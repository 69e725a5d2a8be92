"""How long 'recent', 'a season' and 'a calibration step' are at each frequency."""

from __future__ import annotations

from dataclasses import dataclass

from finalmile.frames import Frequency


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Lengths in periods that every forecaster shares.

    Parameters
    ----------
    seasons
        Season lengths to look for the same phase in, best first.
    recent
        What mean demand and its spread are taken over.
    cold
        A series with fewer known periods borrows from its category.
    horizon
        How far a forecast is usually asked for.
    windows
        Lengths at which cumulative demand is calibrated; the last is the longest.
    step
        Distance between calibration origins.
    """

    seasons: tuple[int, ...]
    recent: int
    cold: int
    horizon: int
    windows: tuple[int, ...]
    step: int


_SPANS: dict[str, Spans] = {
    "hour": Spans(seasons=(168, 24), recent=672, cold=48, horizon=168, windows=(1, 3, 6, 12, 24, 48, 96, 168), step=24),
    "day": Spans(seasons=(7,), recent=91, cold=14, horizon=28, windows=(1, 2, 3, 5, 7, 10, 14, 21, 28), step=7),
    "week": Spans(seasons=(52,), recent=26, cold=8, horizon=13, windows=(1, 2, 3, 4, 6, 8, 13), step=1),
    "month": Spans(seasons=(12,), recent=12, cold=4, horizon=6, windows=(1, 2, 3, 4, 6), step=1),
}


def spans_of(frequency: Frequency) -> Spans:
    """Lengths for a frequency.

    Examples
    --------
    >>> spans_of(Frequency("day")).recent, spans_of(Frequency("week")).seasons
    (91, (52,))
    """
    return _SPANS[frequency.unit]
