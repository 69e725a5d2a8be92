"""How long deliveries take: certain, from a mean and a deviation, from probabilities, or from what came before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from finalmile.frames import IntArray, NameArray
from finalmile.inventory.order_crossover import effective
from finalmile.simulation import UnitsArray

SHARES = (0.2, 0.2, 0.2, 0.15, 0.12, 0.07, 0.04, 0.02)
"""Parts that a distribution is told in, shortest first: finest where lateness decides what 98 % needs."""

_FINE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTime:
    """Lead time of one item or supplier: whole periods, and the probability of each.

    Parameters
    ----------
    periods
        Ascending, not negative; 0 is overnight.
    shares
        Probability of each, above 0; they add up to 1.
    source
        Where it comes from, in the words that a line's reason prints: ``"given"``, ``"38 receipts"``.

    Raises
    ------
    ValueError
        If periods are negative or do not ascend, or shares do not add up to 1.

    Examples
    --------
    >>> one = from_pmf([0, 0, 0.9, 0, 0, 0.1])
    >>> one.periods, one.mean, one.planned
    ((2, 5), 2.3, 3)
    """

    periods: tuple[int, ...]
    shares: tuple[float, ...]
    source: str = "given"

    def __post_init__(self) -> None:
        if not self.periods or len(self.periods) != len(self.shares):
            raise ValueError("a lead time needs at least one number of periods, and a share of each")
        if self.periods[0] < 0 or any(low >= high for low, high in zip(self.periods, self.periods[1:], strict=False)):
            raise ValueError(f"lead times are {list(self.periods)} periods; they must ascend from 0 or more")
        if min(self.shares) <= 0 or abs(sum(self.shares) - 1) > 1e-9:
            raise ValueError(f"shares are {list(self.shares)}; they must be above 0 and add up to 1")

    @property
    def mean(self) -> float:
        """Expected periods."""
        return sum(share * periods for periods, share in zip(self.periods, self.shares, strict=True))

    @property
    def sd(self) -> float:
        """Standard deviation, periods; 0 where it is certain."""
        mean = self.mean
        pairs = zip(self.periods, self.shares, strict=True)
        return sqrt(max(sum(share * (periods - mean) ** 2 for periods, share in pairs), 0.0))

    @property
    def planned(self) -> int:
        """Whole periods that an order is expected to take: the mean, rounded up."""
        return int(np.ceil(self.mean - 1e-9))


def certain(periods: int, *, source: str = "given") -> LeadTime:
    """Always the same.

    Examples
    --------
    >>> certain(7).sd
    0.0
    """
    return LeadTime(periods=(periods,), shares=(1.0,), source=source)


def from_pmf(shares: Sequence[float], *, source: str = "given", every: int | None = None) -> LeadTime:
    """Probabilities of 0, 1, 2, ... periods; they are scaled to add up to 1. ``every`` as for :func:`from_sample`.

    Raises
    ------
    ValueError
        If a share is negative or not finite, or all are 0.
    """
    pmf = np.asarray(shares, dtype=np.float64)
    if not (np.isfinite(pmf).all() and (pmf >= 0).all() and pmf.sum() > 0):
        raise ValueError(f"lead times have probabilities {list(shares)}; none may be negative, and one must be above 0")
    pmf = pmf / pmf.sum() if every is None else effective((pmf / pmf.sum()).tolist(), every=every)
    there = np.flatnonzero(pmf > 1e-12)
    kept = pmf[there] / pmf[there].sum()
    return LeadTime(periods=tuple(there.tolist()), shares=tuple(kept.tolist()), source=source)


def from_sample(periods: UnitsArray, *, source: str = "", every: int | None = None) -> LeadTime:
    """What deliveries took: every length where there are at most eight, else eight parts by their means.

    The parts are those of :data:`SHARES`, each told by its mean rounded to a whole period: so few that demand over
    each can be forecast.

    Parameters
    ----------
    periods : array of shape (m,)
        Periods from order to arrival, one per delivery; broken ones are rounded up, as on the second day is day 2.
    every
        Periods between two orders that may overtake each other: lead times are then effective ones, see
        :mod:`finalmile.inventory.order_crossover`. By default as they are, right where a late order holds up those
        behind it.

    Raises
    ------
    ValueError
        If there is none, or one is negative or unknown.

    Examples
    --------
    Nine in ten come after 5 periods, one after 15:

    >>> one = from_sample(np.repeat([5.0, 15.0], [90, 10]))
    >>> one.periods, one.shares, one.source
    ((5, 15), (0.9, 0.1), '100 receipts')
    """
    days = np.sort(np.ceil(np.asarray(periods, dtype=np.float64) - 1e-9))
    if not len(days) or not (np.isfinite(days) & (days >= 0)).all():
        raise ValueError("a sample of lead times needs at least one delivery, and none of negative or unknown length")
    source = source or f"{len(days):,} receipts"
    parts = _parts(days if every is None else _felt(days, every=every))
    return LeadTime(periods=tuple(parts), shares=tuple(parts.values()), source=source)


def from_mean_sd(
    mean: float, sd: float, *, source: str = "given", every: int | None = None, days: float = 1.0
) -> LeadTime:
    """Lead times with a mean and a standard deviation, in periods: gamma, told like a sample; certain where sd is 0.

    Gamma because deliveries are late by more than they are early, and never before the order. They come on whole days,
    and a period that has begun counts whole, as does that of a certain lead time.

    Parameters
    ----------
    every
        As for :func:`from_sample`.
    days
        Length of a period.

    Raises
    ------
    ValueError
        If either is negative or unknown.

    Examples
    --------
    >>> from_mean_sd(6.2, 0.0).periods
    (7,)
    >>> late = from_mean_sd(14.0, 10.0)
    >>> abs(late.mean - 14) < 0.5, late.periods[-1] > 40
    (True, True)

    Ten days, give or take one, are two weeks, as ten days for certain are:

    >>> from_mean_sd(10 / 7, 1 / 7, days=7).mean > 1.95
    True
    """
    if not (np.isfinite(mean) and np.isfinite(sd) and mean >= 0 and sd >= 0):
        raise ValueError(f"a lead time of {mean} with standard deviation {sd} periods; neither may be negative")
    if sd == 0 or mean == 0:
        return certain(int(np.ceil(mean - 1e-9)), source=source)
    from scipy.special import gammaincinv

    shape = (mean / sd) ** 2
    fine = (np.arange(_FINE) + 0.5) / _FINE
    drawn: UnitsArray = np.asarray(gammaincinv(shape, fine), dtype=np.float64) * sd**2 / mean
    whole: UnitsArray = np.ceil(np.rint(drawn * days) / days - 1e-9) if days >= 1 else np.rint(drawn)
    parts = _parts(whole if every is None else _felt(whole, every=every))
    return LeadTime(periods=tuple(parts), shares=tuple(parts.values()), source=source)


def told_at(lead: LeadTime, lengths: Sequence[int]) -> LeadTime:
    """The same lead time told at these lengths alone, as where only some windows were forecast; the mean stays.

    Each length is split between its neighbours in proportion to how near they are; beyond the ends it takes the last.

    Examples
    --------
    >>> told_at(from_pmf([0, 0, 0, 1]), (2, 6)).shares
    (0.75, 0.25)
    """
    at, split = np.array(sorted(lengths)), np.zeros(len(lengths))
    for periods, share in zip(lead.periods, lead.shares, strict=True):
        right = int(np.clip(np.searchsorted(at, periods), 1, len(at) - 1)) if len(at) > 1 else 0
        low, high = (at[right - 1], at[right]) if len(at) > 1 else (at[0], at[0])
        part = float(np.clip((periods - low) / (high - low), 0.0, 1.0)) if high > low else 1.0
        split[right] += share * part
        split[max(right - 1, 0)] += share * (1.0 - part)
    kept = np.flatnonzero(split > 0)
    return LeadTime(periods=tuple(at[kept].tolist()), shares=tuple(split[kept].tolist()), source=lead.source)


def _felt(days: UnitsArray, *, every: int) -> UnitsArray:
    """Sorted lengths in the proportions of effective lead times, as many as are fine enough."""
    shares = np.bincount(days.astype(np.int64)) / len(days)
    felt = effective(shares.tolist(), every=every)
    return np.repeat(np.arange(len(felt), dtype=np.float64), np.rint(felt * _FINE * 10).astype(np.int64))


def _parts(days: UnitsArray) -> dict[int, float]:
    """Sorted lengths as whole periods and their shares."""
    lengths, counts = np.unique(days, return_counts=True)
    if len(lengths) <= len(SHARES):
        return dict(zip(lengths.astype(int).tolist(), (counts / len(days)).tolist(), strict=True))
    cuts = np.rint(np.cumsum(SHARES) * len(days)).astype(np.int64)
    parts: dict[int, float] = {}
    for part in np.split(days, cuts[:-1]):
        if len(part):
            at = int(np.rint(part.mean()))
            parts[at] = parts.get(at, 0.0) + len(part) / len(days)
    return dict(sorted(parts.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTimes:
    """Lead times of ``n`` items side by side.

    Parameters
    ----------
    periods : array of shape (n, k)
        Whole periods that each may take; where an item has fewer, its last is repeated.
    shares : array of shape (n, k)
        Their probabilities, 0 for repeated ones; rows add up to 1.
    sources : array of shape (n,), str
        Where each comes from.
    lasts : array of shape (n, k), or None
        Periods until the order after arrives, where it takes as long; by default the review and ``periods``.
        Suppliers' order and delivery days make it longer.
    """

    periods: IntArray
    shares: UnitsArray
    sources: NameArray
    lasts: IntArray | None = None

    @property
    def vary(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Which items' lead times are not certain, shape (n,)."""
        return np.asarray((self.shares > 0).sum(axis=1) > 1)

    @property
    def mean(self) -> UnitsArray:
        """Expected periods, shape (n,)."""
        return np.asarray((self.periods * self.shares).sum(axis=1))

    @property
    def sd(self) -> UnitsArray:
        """Standard deviation in periods, shape (n,)."""
        away = self.periods - self.mean[:, None]
        return np.asarray(np.sqrt((away**2 * self.shares).sum(axis=1)))


def side_by_side(each: Sequence[LeadTime]) -> LeadTimes:
    """Lead times of items in rows.

    Examples
    --------
    >>> both = side_by_side([certain(3), from_pmf([0, 0.5, 0, 0, 0.5])])
    >>> both.periods.tolist(), both.shares.tolist()
    ([[3, 3], [1, 4]], [[1.0, 0.0], [0.5, 0.5]])
    """
    width = max((len(one.periods) for one in each), default=1)
    periods = np.zeros((len(each), width), dtype=np.int64)
    shares = np.zeros((len(each), width))
    for row, one in enumerate(each):
        count = len(one.periods)
        periods[row, :count], periods[row, count:] = one.periods, one.periods[-1]
        shares[row, :count] = one.shares
    sources: NameArray = np.array([one.source for one in each], dtype=object)
    return LeadTimes(periods=periods, shares=shares, sources=sources)
