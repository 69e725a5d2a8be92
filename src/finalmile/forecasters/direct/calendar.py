"""Where a period lies in its day, week and year."""

from __future__ import annotations

import numpy as np
import polars as pl

from finalmile.frames import FloatArray, Frequency, IntArray

_NAMES = {
    "hour": ("hour", "weekday", "day_of_year"),
    "day": ("weekday", "day_of_month", "day_of_year"),
    "week": ("day_of_month", "day_of_year"),
    "month": ("month",),
}


def calendar_names(frequency: Frequency) -> tuple[str, ...]:
    """Names of the calendar features of a frequency."""
    return _NAMES[frequency.unit]


def calendar_table(frequency: Frequency, periods: IntArray) -> FloatArray:
    """Calendar features of each period, shape (len(periods), features).

    Examples
    --------
    >>> from datetime import date
    >>> calendar_table(Frequency("day"), np.array([Frequency("day").index_of(date(2024, 3, 1))]))
    array([[ 4.,  1., 61.]], dtype=float32)
    """
    stamps = frequency.start(periods)
    parts: dict[str, pl.Series] = {
        "weekday": stamps.dt.weekday() - 1,
        "day_of_month": stamps.dt.day(),
        "day_of_year": stamps.dt.ordinal_day(),
        "month": stamps.dt.month(),
    }
    if frequency.unit == "hour":
        parts["hour"] = stamps.dt.hour()
    columns = [parts[name].to_numpy().astype(np.float32) for name in calendar_names(frequency)]
    return np.stack(columns, axis=1)
