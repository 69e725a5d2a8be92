"""Simulated daily rows of one column: levels that move, marginals of several kinds, changes that happen to retailers.

``batches(seed, kind, shift, n, marginal)`` yields (day, rows) for two years of reference and a monitored year.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

REFERENCE_DAYS, MONITORED_DAYS, CHANGE_DAY = 730, 365, 120
DAYS = REFERENCE_DAYS + MONITORED_DAYS
Rows = np.ndarray
_WEEKLY = 0.3 * np.sin(2 * np.pi * np.arange(DAYS + 1) / 7)
_YEARLY = 0.5 * np.cos(2 * np.pi * np.arange(DAYS + 1) / 365.25)


def autoregressive(rng: np.random.Generator, *, phi: float, sd: float) -> np.ndarray:
    noise = rng.normal(size=DAYS + 200) * sd * np.sqrt(1 - phi**2)
    level = np.zeros(DAYS + 200)
    for t in range(1, len(level)):
        level[t] = phi * level[t - 1] + noise[t]
    return level[200:]


def levels(rng: np.random.Generator, kind: str) -> np.ndarray:
    """Level of each day in standard deviations of a row."""
    day = np.arange(DAYS)
    week, year = np.sin(2 * np.pi * day / 7), np.cos(2 * np.pi * day / 365.25)
    if kind == "shocks":
        return autoregressive(rng, phi=0.7, sd=0.3)
    if kind == "heavyshocks":
        return np.convolve(rng.standard_t(4, DAYS) * 0.15, 0.6 ** np.arange(20))[:DAYS]
    if kind in ("calendar", "counts"):
        return 0.3 * week + 0.5 * year + autoregressive(rng, phi=0.5, sd=0.1)
    if kind == "retail":
        weekend = np.where(day % 7 >= 5, 0.4, 0.0)
        december = np.exp(-0.5 * ((day % 365 - 350) / 8.0) ** 2)
        return weekend + 0.5 * december + 0.2 * year + autoregressive(rng, phi=0.6, sd=0.12)
    return np.zeros(DAYS)


def row_counts(rng: np.random.Generator, kind: str, n: int) -> np.ndarray:
    """Rows of each day: the same, or by weekday, season and chance."""
    if kind not in ("counts", "retail"):
        return np.full(DAYS, n)
    day = np.arange(DAYS)
    week = np.array([0.9, 0.85, 0.9, 1.0, 1.15, 1.3, 0.9])[day % 7]
    year = 1 + 0.15 * np.cos(2 * np.pi * (day - 350) / 365.25)
    noise = np.exp(autoregressive(rng, phi=0.4, sd=0.08))
    return np.maximum(rng.poisson(n * week * year * noise), 1)


def to_marginal(x: Rows, marginal: str) -> Rows:
    """A monotone map of normal rows: counts with many zeros, prices, shares, a heavy tail on both sides."""
    if marginal == "demand":
        return np.floor(np.exp(np.minimum(x, 6)) * 1.2)
    if marginal == "price":
        return np.round(np.exp(1.5 + 0.9 * np.clip(x, -6, 6)), 2)
    if marginal == "share":
        return 1.0 / (1.0 + np.exp(-x))
    if marginal == "heavy":
        return np.sinh(1.5 * np.clip(x, -8, 8))
    return x


SOME: dict[str, tuple[float, Callable[[Rows], Rows]]] = {
    "unit100": (0.03, lambda x: x * 100),
    "unit1000th": (0.03, lambda x: x / 1000),
    "unit10": (0.05, lambda x: x * 10),
    "zero5": (0.05, lambda x: 0 * x),
    "zero10": (0.10, lambda x: 0 * x),
    "null5": (0.05, lambda x: 0 * x + np.nan),
    "flip3": (0.03, lambda x: -x),
    "sentinel1": (0.01, lambda x: 0 * x - 999.0),
    "sentinel3": (0.03, lambda x: 0 * x - 1.0),
    "default5": (0.05, lambda x: 0 * x + np.median(x)),
}
"""What becomes of a share of the rows."""

ALL: dict[str, Callable[[Rows], Rows]] = {
    "halves": lambda x: np.round(x * 2) / 2,
    "whole": np.round,
    "fewer20": lambda x: x[: max(int(0.8 * len(x)), 1)],
    "fewer40": lambda x: x[: max(int(0.6 * len(x)), 1)],
    "repeated": lambda x: np.concatenate([x, x]),
    "times1.2": lambda x: x * 1.2,
    "times2": lambda x: x * 2,
    "flip": lambda x: -x,
    "cap_5": lambda x: np.minimum(x, np.quantile(x, 0.95)),
    "cap_known": lambda x: np.minimum(x, _cap(x)),
    "low_tenth_gone": lambda x: np.sort(x)[len(x) // 10 :],
    "constant": lambda x: 0 * x + np.median(x),
    "overflow": lambda x: np.where(x > np.quantile(x, 0.99), -32768.0, x),
}
"""What becomes of a day's rows."""

CALENDAR = ("clock_late", "clock_early", "week_doubled", "week_gone", "season_grows", "weekend_only", "shift0.5")
REPEATING = ("freeze", "twice")
CHANGES = (*SOME, *ALL, *CALENDAR, *REPEATING)


def changed(rows: Rows, shift: str, rng: np.random.Generator) -> Rows:
    """A day's rows after a change by name; one of the calendar changes nothing here."""
    if shift in SOME:
        share, become = SOME[shift]
        return np.where(rng.random(len(rows)) < share, become(rows), rows)
    return ALL[shift](rows) if shift in ALL else rows


def batches(seed: int, kind: str, shift: str, n: int, marginal: str) -> Iterator[tuple[int, Rows]]:
    """(day, rows) of a stream; ``shift`` is ``none`` or one of :data:`CHANGES`."""
    rng = np.random.default_rng(seed)
    level, counts = levels(rng, kind), row_counts(rng, kind, n)
    first: Rows | None = None
    for t in range(DAYS):
        m = t - REFERENCE_DAYS - CHANGE_DAY
        at = level[t] + (_calendar_change(shift, t, m) if m >= 0 else 0.0)
        rows = to_marginal(rng.normal(size=counts[t]) + at, marginal)
        rows = changed(rows, shift, rng) if m >= 0 else rows
        if m == 0:
            first = rows
        again = first is not None and (shift == "freeze" or (shift == "twice" and m == 1))
        yield t, first if again else rows


def _calendar_change(shift: str, t: int, m: int) -> float:
    weekly, yearly = _WEEKLY, _YEARLY
    if shift == "clock_late":
        return weekly[t - 1] - weekly[t]
    if shift == "clock_early":
        return weekly[t + 1] - weekly[t]
    if shift == "week_doubled":
        return weekly[t]
    if shift == "week_gone":
        return -weekly[t]
    if shift == "season_grows":
        return min(m / 90, 1.0) * (weekly[t] + yearly[t])
    if shift == "weekend_only":
        return 0.5 * (t % 7 >= 5)
    if shift.startswith("shift"):
        return float(shift[5:])
    return 0.0


def _cap(x: Rows) -> float:
    """A fixed cap that about one row in ten exceeds in any of the marginals."""
    return 3.0 if (x == np.floor(x)).all() else (1.3 if np.nanmin(x) < 0 else (0.78 if np.nanmax(x) <= 1 else 14.0))
