"""What a look is expected to be by its place in the calendar: weekday, hour, season of the year, known events."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from finalmile.frames import Frequency, IntArray

Doubles: TypeAlias = npt.NDArray[np.float64]

_YEAR_DAYS = 365.25
_LOOKS_PER_TERM = 4


def design(periods: IntArray, *, frequency: Frequency, looks: int, calendar: Doubles | None = None) -> Doubles:
    """Regressors of each period, shape (T, p): an intercept, then whatever the reference is long enough for.

    Six weekday contrasts for days and hours from four weeks of looks on, three daily harmonics for hours, two yearly
    harmonics from 400 days and 52 looks on, and the columns of ``calendar``. Weeks and months have no weekday.

    Parameters
    ----------
    periods : array of shape (T,)
        Period numbers.
    looks
        Looks in the reference: decides which terms there are, so that fitting and stepping agree.
    calendar : array of shape (T, k)
        Regressors that the caller knows: holidays, promotions.

    Examples
    --------
    >>> design(np.arange(3), frequency=Frequency("week"), looks=30).shape
    (3, 1)
    >>> design(np.arange(3), frequency=Frequency("day"), looks=30).shape
    (3, 7)
    """
    columns = [np.ones(len(periods))]
    per_day = {"hour": 24, "day": 1}.get(frequency.unit, 0)
    if per_day and looks >= _LOOKS_PER_TERM * 7 * per_day:
        columns += _weekdays(periods // per_day)
    if frequency.unit == "hour" and looks >= _LOOKS_PER_TERM * 24:
        columns += _harmonics(periods, per_turn=24.0, count=3)
    if looks * frequency.days >= 400 and looks >= 52:
        columns += _harmonics(periods, per_turn=_YEAR_DAYS / frequency.days, count=2)
    parts = [np.column_stack(columns)]
    if calendar is not None:
        parts.append(calendar)
    return np.hstack(parts)


def lags_for(frequency: Frequency, *, looks: int) -> tuple[int, ...]:
    """Autoregressive lags: one look, and one season where the reference holds at least eight of them."""
    season = frequency.season_length
    return (1, season) if looks >= 8 * season else (1,)


def _weekdays(days: IntArray) -> list[Doubles]:
    last = (days % 7 == 6).astype(np.float64)
    return [(days % 7 == day).astype(np.float64) - last for day in range(6)]


def _harmonics(periods: IntArray, *, per_turn: float, count: int) -> list[Doubles]:
    turn: Doubles = periods.astype(np.float64) * (2 * np.pi / per_turn)
    return [wave(k * turn) for k in range(1, count + 1) for wave in (np.cos, np.sin)]
