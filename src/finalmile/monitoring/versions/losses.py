"""Losses of two versions on the same rows, one figure per look: series and rows of a look are one cluster."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finalmile.frames import IntArray
from finalmile.monitoring.engine.design import Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedLook:
    """What two versions lost in one look.

    Parameters
    ----------
    period
        Number of the look.
    champion, challenger
        Loss summed over rows that both versions answered and whose outcome is known; NaN without any.
    rows
        How many those are.
    left_out
        Rows that only one of the two answered, or whose outcome is not known.
    saved
        Money that the challenger's smaller errors were worth in this look; ``None`` where no price is known.
    """

    period: int
    champion: float
    challenger: float
    rows: int = 0
    left_out: int = 0
    saved: float | None = None

    @property
    def known(self) -> bool:
        """Whether the look compares anything."""
        return self.rows > 0 and bool(np.isfinite(self.champion) and np.isfinite(self.challenger))

    @property
    def gain(self) -> float:
        """:func:`relative_gain` of the look; NaN where it compares nothing."""
        return relative_gain(self.champion, self.challenger) if self.known else float("nan")


def relative_gain(champion: float, challenger: float) -> float:
    r"""How much less the challenger lost, relative to the mean of both: above 0 it is the better one, in [-2, 2].

    .. math:: d = \frac{L_0 - L_1}{(L_0 + L_1) / 2}

    Swapping both only turns the sign, and no single day counts for more than 2. Where neither lost anything it is 0.

    Examples
    --------
    >>> round(relative_gain(100.0, 96.0), 4), relative_gain(0.0, 0.0), relative_gain(0.0, 1.0)
    (0.0408, 0.0, -2.0)
    """
    total = champion + challenger
    return 2.0 * (champion - challenger) / total if total > 0 else 0.0


def of_champion(gain: float) -> float:
    r"""A relative gain as the share of the champion's loss that is saved, :math:`2 d / (2 + d)`, at most 1; NaN stays.

    Examples
    --------
    >>> round(of_champion(relative_gain(100.0, 96.0)), 12), of_champion(2.0), of_champion(-2.0)
    (0.04, 1.0, -inf)
    """
    if gain <= -2.0:
        return -math.inf
    return 2.0 * gain / (2.0 + gain) if not gain >= 2.0 else 1.0


def paired_looks(
    period: IntArray,
    champion: Doubles,
    challenger: Doubles,
    *,
    actual: Doubles,
    price: Doubles | None = None,
    first: int | None = None,
    last: int | None = None,
) -> list[PairedLook]:
    """Absolute errors of both versions summed per look, in order; every look from ``first`` to ``last`` is there.

    Parameters
    ----------
    period : array of shape (n,)
        Look of each row.
    champion, challenger, actual : arrays of shape (n,)
        Forecasts and what came true; a row where any of the three is missing compares nothing.
    price : array of shape (n,)
        Money per unit, NaN where unknown.
    first, last
        By default the first and last look that has a row.

    Examples
    --------
    >>> old, new, actual = np.array([1.0, 5.0]), np.array([2.0, 2.0]), np.array([2.0, np.nan])
    >>> told = paired_looks(np.array([7, 7]), old, new, actual=actual)
    >>> told[0].champion, told[0].challenger, told[0].rows, told[0].left_out
    (1.0, 0.0, 1, 1)
    """
    if first is None or last is None:
        if not len(period):
            return []
        first = int(period.min()) if first is None else first
        last = int(period.max()) if last is None else last
    length = max(last - first + 1, 0)
    inside = (period >= first) & (period <= last)
    known = inside & np.isfinite(champion) & np.isfinite(challenger) & np.isfinite(actual)
    at, errors = period[known] - first, (np.abs(champion - actual)[known], np.abs(challenger - actual)[known])
    rows = np.bincount(at, minlength=length)
    lost = [np.where(rows > 0, np.bincount(at, weights=error, minlength=length), np.nan) for error in errors]
    missing = np.bincount((period - first)[inside & ~known], minlength=length)
    saved = _saved(at, (errors[0] - errors[1]), None if price is None else price[known], length)
    return [
        PairedLook(
            period=first + look,
            champion=float(lost[0][look]),
            challenger=float(lost[1][look]),
            rows=int(rows[look]),
            left_out=int(missing[look]),
            saved=None if np.isnan(saved[look]) else float(saved[look]),
        )
        for look in range(length)
    ]


def _saved(at: IntArray, units: Doubles, price: Doubles | None, length: int) -> npt.NDArray[np.float64]:
    if price is None:
        return np.full(length, np.nan)
    priced = np.isfinite(price)
    some = np.bincount(at[priced], minlength=length) > 0
    money = np.bincount(at[priced], weights=(units * price)[priced], minlength=length)
    return np.where(some, money, np.nan)
