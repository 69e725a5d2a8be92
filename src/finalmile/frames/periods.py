"""Hours, days, weeks and months as whole numbers, so that time arithmetic is integer arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

IntArray = npt.NDArray[np.int64]
Unit = Literal["hour", "day", "week", "month"]

_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday
_SEASONS: dict[Unit, int] = {"hour": 24, "day": 7, "week": 52, "month": 12}
_DAYS: dict[Unit, float] = {"hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 365.25 / 12}
_LETTERS: dict[Unit, str] = {"hour": "h", "day": "D", "week": "W", "month": "M"}


@dataclass(frozen=True, slots=True)
class Frequency:
    """How far apart the rows of a series are.

    Parameters
    ----------
    unit
        ``"hour"``, ``"day"``, ``"week"`` or ``"month"``.
    anchor
        For weeks, the weekday a week is stamped with: 0 for Monday to 6 for Sunday.

    Examples
    --------
    >>> str(Frequency("week", anchor=6)), Frequency.parse("D").season_length
    ('W-SUN', 7)
    """

    unit: Unit
    anchor: int = 0

    @classmethod
    def parse(cls, text: str) -> Frequency:
        """Read ``h``, ``D``, ``W``, ``W-SUN`` or ``M`` (any case; pandas' ``MS`` is ``M``)."""
        head, _, day = text.strip().partition("-")
        letters = {"H": "hour", "D": "day", "W": "week", "M": "month", "MS": "month"}
        unit = letters.get(head.upper())
        if unit is None or (day and (unit != "week" or day.upper() not in _WEEKDAYS)):
            raise ValueError(f"no frequency is called {text!r}. Known: h, D, W, W-MON to W-SUN, M.")
        return cls(unit, _WEEKDAYS.index(day.upper()) if day else 0)  # type: ignore[arg-type]  # letters holds units

    def __str__(self) -> str:
        return f"W-{_WEEKDAYS[self.anchor]}" if self.unit == "week" else _LETTERS[self.unit]

    @property
    def season_length(self) -> int:
        """Periods in the main season: 24 hours, 7 days, 52 weeks, 12 months."""
        return _SEASONS[self.unit]

    @property
    def days(self) -> float:
        """Length of one period in days."""
        return _DAYS[self.unit]

    @property
    def dtype(self) -> pl.DataType:
        """Type of ``ds`` in frames: a date, or a naive local datetime for hours."""
        return pl.Datetime("us") if self.unit == "hour" else pl.Date()

    def periods_in(self, days: float) -> int:
        """Whole periods that cover ``days`` days, at least one for anything above zero.

        Examples
        --------
        >>> Frequency("week").periods_in(10), Frequency("day").periods_in(10), Frequency("day").periods_in(0)
        (2, 10, 0)
        """
        return int(np.ceil(days / self.days - 1e-9))

    def index(self, ds: pl.Series) -> IntArray:
        """Number of each period since 1970; ``ds`` is a date or naive datetime without nulls."""
        if self.unit == "hour":
            return ds.cast(pl.Datetime("us")).to_physical().to_numpy() // 3_600_000_000
        days = ds.cast(pl.Date).to_physical().cast(pl.Int64).to_numpy()
        if self.unit == "day":
            return days
        if self.unit == "week":
            return (days + _EPOCH_WEEKDAY - self.anchor) // 7
        months: IntArray = ds.cast(pl.Date).to_numpy().astype("datetime64[M]").astype(np.int64)
        return months

    def index_of(self, at: date | datetime) -> int:
        """Number of the one period that ``at`` falls in."""
        return int(self.index(pl.Series([at], dtype=pl.Datetime("us") if isinstance(at, datetime) else pl.Date))[0])

    def start(self, index: IntArray) -> pl.Series:
        """First instant of each period, typed as :attr:`dtype`; the inverse of :meth:`index` on aligned rows.

        Examples
        --------
        >>> weeks = Frequency("week", anchor=6)
        >>> weeks.start(weeks.index(pl.Series([date(2024, 1, 7)]))).to_list()
        [datetime.date(2024, 1, 7)]
        """
        values = np.asarray(index, dtype=np.int64)
        if self.unit == "hour":
            return pl.Series("ds", values * 3_600_000_000).cast(pl.Datetime("us"))
        if self.unit == "month":
            days = values.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        else:
            days = values if self.unit == "day" else values * 7 - _EPOCH_WEEKDAY + self.anchor
        return pl.Series("ds", days).cast(pl.Int32).cast(pl.Date)

    def start_of(self, index: int) -> date | datetime:
        """First instant of one period."""
        first: date | datetime = self.start(np.array([index]))[0]
        return first


def detect(ds: pl.Series) -> Frequency | None:
    """Frequency of distinct stamps: the coarsest unit on which every one of them falls.

    Returns ``None`` where there are fewer than two distinct stamps. A daily set with holes stays daily, as does
    one whose stamps all fall on the first of a month only if steps differ from whole months.

    Examples
    --------
    >>> str(detect(pl.Series([date(2024, 1, 1), date(2024, 1, 8), date(2024, 1, 22)])))
    'W-MON'
    """
    stamps = ds.drop_nulls().unique().sort()
    if len(stamps) < 2:
        return None
    if stamps.dtype != pl.Date and (stamps.dt.truncate("1d") != stamps).any():
        return Frequency("hour")
    days = stamps.cast(pl.Date)
    if (days.dt.day() == 1).all():
        return Frequency("month")
    steps = days.to_physical().diff().drop_nulls()
    if (steps % 7 == 0).all():
        return Frequency("week", anchor=int(days.dt.weekday()[0]) - 1)
    return Frequency("day")
