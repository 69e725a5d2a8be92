"""Bets whose direction is decided before the look: on a changed weekly pattern, and on data a day late or early."""

from __future__ import annotations

import numpy as np

from finalmile.frames import Frequency, IntArray
from finalmile.monitoring.engine.design import Doubles

_MEMORY = 0.5
_LEAST_MEMORY = 0.75
_CLIP = 5.0
_LEAST_PATTERN = 0.05
_CLEAR = 0.5


def weekday(period: int, frequency: Frequency) -> int:
    """Day of the week of a period, 0 to 6 from some fixed day on; -1 for weeks and months, which have none."""
    if frequency.unit == "day":
        return period % 7
    return period // 24 % 7 if frequency.unit == "hour" else -1


def bet(memory: Doubles, day: int) -> Doubles:
    """Direction in which each column is expected to be off on this weekday: 1, -1, or 0 for no idea; shape (g,)."""
    if day < 0:
        return np.zeros(len(memory))
    seen = memory[:, day]
    return np.where(np.abs(seen) > _LEAST_MEMORY, np.sign(seen), 0.0)


def remember(memory: Doubles, day: int, z: Doubles) -> Doubles:
    """The running mean of each weekday's innovations after one more look; a missing one changes nothing.

    Examples
    --------
    >>> remember(np.zeros((1, 7)), 2, np.array([7.0]))[0].tolist()
    [0.0, 0.0, 2.5, 0.0, 0.0, 0.0, 0.0]
    """
    if day < 0:
        return memory
    moved = memory.copy()
    blended = (1.0 - _MEMORY) * memory[:, day] + _MEMORY * np.clip(z, -_CLIP, _CLIP)
    moved[:, day] = np.where(np.isfinite(z), blended, memory[:, day])
    return moved


def remembered(z: Doubles, periods: IntArray, frequency: Frequency) -> Doubles:
    """Running means after innovations of shape (g, T), from none; shape (g, 7)."""
    memory = np.zeros((len(z), 7))
    for column, period in enumerate(periods.tolist()):
        memory = remember(memory, weekday(period, frequency), z[:, column])
    return memory


def late_and_early(pattern: Doubles, *, yesterday: Doubles, last_week: Doubles) -> Doubles:
    """Which way innovations of each weekday would clearly be off if data were a day late, or a day early.

    Parameters
    ----------
    pattern : array of shape (g, 7)
        What each weekday adds to the level.
    yesterday, last_week : arrays of shape (g,)
        How much of yesterday's, and of last week's, residual is carried into a look.

    Returns
    -------
    array of shape (g, 7, 2)
        1 or -1; 0 where it would be off by less than half of the most, or the column has no weekly pattern.

    Examples
    --------
    >>> nothing = np.zeros(1)
    >>> late_and_early(np.array([[0.0, 0, 0, 0, 0, 0, 1.0]]), yesterday=nothing, last_week=nothing)[0].T.tolist()
    [[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, -1.0]]
    """
    off = np.stack([np.roll(pattern, 1, axis=1) - pattern, np.roll(pattern, -1, axis=1) - pattern], axis=-1)
    largest = np.abs(off).max(axis=(1, 2), keepdims=True)
    carried = yesterday[:, None, None] * np.roll(off, 1, axis=1) + last_week[:, None, None] * off
    shown = off - carried
    clear = np.abs(shown) > _CLEAR * np.abs(shown).max(axis=(1, 2), keepdims=True)
    return np.where((largest > _LEAST_PATTERN) & clear, np.sign(shown), 0.0)
