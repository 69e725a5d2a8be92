"""Lots in the order of what they are worth for what they take: whom to give to when not all can have what they want."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from finalmile.frames import BoolArray, IntArray
from finalmile.inventory.protection import DemandLaw
from finalmile.simulation import UnitsArray

_FEW = 20_000
_ROUNDS = 60
_SLACK = 1e-9


def law_rows(law: DemandLaw, rows: IntArray) -> DemandLaw:
    """The law of some of the items; one may be there more than once."""
    return replace(law, knots=law.knots[rows], weights=law.weights[rows], mean=law.mean[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Lots:
    r"""What ``n`` items could get, lot by lot: first the least that may be ordered, then pack by pack.

    Lot ``k`` lifts an item from :math:`y_{k-1}` to :math:`y_k` units. The units of it that are expected to be asked for
    before the next order can come are

    .. math:: E[(D - y_{k-1})^+] - E[(D - y_k)^+]

    which falls from lot to lot, because fewer and fewer paths of demand reach so far.

    Parameters
    ----------
    law
        Demand over the time that the order must last.
    held : array of shape (n,)
        Units there and on their way.
    first, pack : arrays of shape (n,)
        Units of the first lot and of each after it; above 0.
    most : array of shape (n,)
        Lots there may be, whole.
    worth, size : arrays of shape (n,)
        What a unit that is asked for is worth, not negative, and what a unit takes of what is scarce, above 0.
    """

    law: DemandLaw
    held: UnitsArray
    first: UnitsArray
    pack: UnitsArray
    most: IntArray
    worth: UnitsArray
    size: UnitsArray

    def units(self, lots: IntArray) -> UnitsArray:
        """Units of so many lots, shape (n,)."""
        return np.where(lots > 0, self.first + (lots - 1) * self.pack, 0.0)

    def take(self, rows: IntArray) -> Lots:
        """Some of the items; one may be there more than once."""
        return Lots(
            law=law_rows(self.law, rows), held=self.held[rows], first=self.first[rows], pack=self.pack[rows],
            most=self.most[rows], worth=self.worth[rows], size=self.size[rows],
        )  # fmt: skip

    def value(self, lot: IntArray) -> UnitsArray:
        """Worth of one lot of each item, the ``lot``-th, for each unit of size that it takes, shape (n,)."""
        before, after = self.units(lot - 1), self.units(lot)
        asked = self.law.short(self.held + before) - self.law.short(self.held + after)
        return self.worth * np.maximum(asked, 0.0) / (self.size * (after - before))

    def worth_at_least(self, value: float, low: IntArray, high: IntArray) -> IntArray:
        """How many lots are each worth at least this, by halving between two counts, shape (n,)."""
        low, high = low.copy(), high.copy()
        open_ones = np.flatnonzero(low < high)
        while len(open_ones):
            middle = (low[open_ones] + high[open_ones] + 1) // 2
            enough = self.take(open_ones).value(middle) >= value
            low[open_ones] = np.where(enough, middle, low[open_ones])
            high[open_ones] = np.where(enough, high[open_ones], middle - 1)
            open_ones = open_ones[low[open_ones] < high[open_ones]]
        return low


def rationed(lots: Lots, *, limit: float) -> IntArray:
    r"""Lots of each item, so that together they take no more than the limit: those first that are worth most for it.

    A lot that does not fit any more is left out with all later ones of its item, and smaller ones may still fit. What
    is lost against the best choice there is, is less than the value of the first lot left out times what was left then:
    the same that is lost by filling any knapsack greedily.

    Parameters
    ----------
    limit
        What all may take together, not negative.

    References
    ----------
    Dantzig (1957), Discrete-variable extremum problems. Operations Research 5(2).

    Examples
    --------
    Demand of a is 10 for certain or nearly so, of b 5; a unit of a is worth 3, of b 4, and each takes 1 of 12:

    >>> law = DemandLaw(knots=np.array([[[10.0, 10.0]], [[5.0, 5.0]]]), levels=np.array([0.01, 0.02]),
    ...                 weights=np.ones((2, 1)), mean=np.array([10.0, 5.0]))
    >>> one = np.ones(2)
    >>> rationed(Lots(law=law, held=np.zeros(2), first=one, pack=one, most=np.array([10, 5]),
    ...               worth=np.array([3.0, 4.0]), size=one), limit=12.0)
    array([7, 5])
    """
    if limit < 0:
        raise ValueError(f"limit is {limit}; it must not be negative")
    given, most = np.zeros_like(lots.most), lots.most
    if _taken(lots, most) <= limit * (1 + _SLACK):
        return most.copy()
    while (most > given).any():
        sure, perhaps = _between(lots, given, most, limit=limit)
        given, closed = _filled(lots, sure, perhaps, limit=limit)
        fits = _next_size(lots, given) <= limit - _taken(lots, given) + _SLACK * limit
        most = np.where(fits & ~closed, most, given)
    return given


def reaching(lots: Lots, *, least: float) -> IntArray:
    """Lots of each item, dearest first, until together they take at least so much; all of them where that is less.

    The last lot may take more than is missing.
    """
    if _taken(lots, lots.most) <= least:
        return lots.most.copy()
    sure, perhaps = _between(lots, np.zeros_like(lots.most), lots.most, limit=least)
    given, taken = sure.copy(), _taken(lots, sure)
    for row in _dearest_first(lots, sure, perhaps).tolist():
        if taken >= least * (1 - _SLACK):
            break
        taken += float((lots.pack if given[row] else lots.first)[row] * lots.size[row])
        given[row] += 1
    return given


def _taken(lots: Lots, count: IntArray) -> float:
    return float(np.sum(lots.units(count) * lots.size))


def _next_size(lots: Lots, given: IntArray) -> UnitsArray:
    return np.where(given > 0, lots.pack, lots.first) * lots.size


def _between(lots: Lots, sure: IntArray, perhaps: IntArray, *, limit: float) -> tuple[IntArray, IntArray]:
    """Lots that are given for certain, and those that may be: between two values that close in on the dearest left."""
    open_ones = perhaps > sure
    low, high = 0.0, float(lots.value(np.maximum(sure + 1, 1))[open_ones].max(initial=0.0))
    for _ in range(_ROUNDS):
        if int((perhaps - sure).sum()) <= _FEW or high <= 0:
            break
        value = (low + high) / 2 if low > 0 else high / 8
        count = lots.worth_at_least(value, sure, perhaps)
        if _taken(lots, count) <= limit:
            sure, high = count, value
        else:
            perhaps, low = count, value
    return sure, perhaps


def _filled(lots: Lots, sure: IntArray, perhaps: IntArray, *, limit: float) -> tuple[IntArray, BoolArray]:
    """The lots between, dearest first, as long as they fit; and the items of which one did not."""
    given, closed, left = sure.tolist(), [False] * len(sure), limit * (1 + _SLACK) - _taken(lots, sure)
    lump, pack = (lots.first * lots.size).tolist(), (lots.pack * lots.size).tolist()
    smallest = min((*lump, *pack), default=np.inf)
    for row in _dearest_first(lots, sure, perhaps).tolist():
        if left < smallest:
            break
        takes = pack[row] if given[row] else lump[row]
        if closed[row] or takes > left:
            closed[row] = True
            continue
        given[row] += 1
        left -= takes
    return np.array(given, dtype=np.int64), np.array(closed, dtype=np.bool_)


def _dearest_first(lots: Lots, sure: IntArray, perhaps: IntArray) -> IntArray:
    """The item of each lot between, in the order of their values."""
    count = perhaps - sure
    rows: IntArray = np.repeat(np.arange(len(sure), dtype=np.int64), count)
    before: IntArray = np.cumsum(count) - count
    lot: IntArray = np.arange(len(rows), dtype=np.int64) - before[rows] + sure[rows] + 1
    return rows[np.lexsort((lot, rows, -lots.take(rows).value(lot)))]
