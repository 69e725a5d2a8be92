"""What happens to items whatever rule orders them: demand, lead times, opening stock, shelf life."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from finalmile.frames import IntArray
from finalmile.simulation.chance import KeyArray, thresholds

DemandArray = npt.NDArray[np.int32]
GIVEN, BOOTSTRAPPED, DRAWN = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Demand of ``n`` items over ``periods`` in ``scenarios``; no array of all three is ever made.

    Made by :func:`given`, :func:`bootstrapped` or :func:`drawn`.

    Parameters
    ----------
    kind
        Which of the three.
    units : array of shape (n, H), int32
        Demand itself, or the history that is drawn from; one column where demand is drawn from a distribution.
    starts : array of shape (n,)
        First column of each item's own history.
    marks : array of shape (n, K)
        Thresholds of ``P(D <= k)`` where demand is drawn.
    block
        Periods that are drawn together from the history.
    """

    kind: int
    units: DemandArray
    starts: IntArray
    marks: IntArray
    periods: int
    scenarios: int = 1
    block: int = 1

    @property
    def n(self) -> int:
        """Number of items."""
        return len(self.units)

    def take(self, rows: slice) -> Asked:
        """Demand of these items."""
        marks = self.marks[rows] if self.kind == DRAWN else self.marks
        return replace(self, units=self.units[rows], starts=self.starts[rows], marks=marks)


_NO_MARKS = np.zeros((1, 1), dtype=np.int64)


def given(demand: npt.ArrayLike) -> Asked:
    """Demand as it was or is supposed to be, shape (n, T): NaN and returns ask for nothing.

    Raises
    ------
    ValueError
        If a value is fractional, infinite or above 2^31 - 1: count in units that are whole, grams in place of kilos.
    """
    units = whole_units(demand)
    return Asked(
        kind=GIVEN, units=units, starts=np.zeros(len(units), dtype=np.int64), marks=_NO_MARKS, periods=units.shape[1]
    )


def bootstrapped(
    history: npt.ArrayLike, *, periods: int, scenarios: int, block: int = 28, starts: IntArray | None = None
) -> Asked:
    """Demand drawn from each item's own history, ``block`` periods in a row at a time (a moving-block bootstrap).

    Choose it where nothing is known of the distribution: weekdays, runs of promotions and whatever else lies within
    a block stay as they were. It never draws more than was ever asked for in a period.

    Parameters
    ----------
    history : array of shape (n, H)
        Whole units, NaN where unknown (drawn as zero).
    starts : array of shape (n,)
        First column of each item's own history; 0 by default. A history shorter than a block
        is repeated.

    References
    ----------
    Kuensch (1989), "The jackknife and the bootstrap for general stationary observations", *Annals of Statistics* 17.
    """
    units = whole_units(history)
    if periods < 1 or scenarios < 1 or block < 1:
        raise ValueError(f"periods {periods}, scenarios {scenarios} and block {block} must each be at least 1")
    if not units.shape[1]:
        raise ValueError("history has no periods to draw from")
    first = np.zeros(len(units), dtype=np.int64) if starts is None else starts.astype(np.int64)
    if ((first < 0) | (first >= units.shape[1])).any():
        raise ValueError(f"starts must lie in 0 to {units.shape[1] - 1}, the columns of history")
    return Asked(
        kind=BOOTSTRAPPED, units=units, starts=first, marks=_NO_MARKS, periods=periods, scenarios=scenarios, block=block
    )


def drawn(probabilities: npt.ArrayLike, *, periods: int, scenarios: int) -> Asked:
    """Demand of each period drawn independently: ``probabilities`` (n, K) of asking for 0, 1, ..., K - 1 units."""
    marks = thresholds(probabilities)
    n = len(marks)
    if periods < 1 or scenarios < 1:
        raise ValueError(f"periods {periods} and scenarios {scenarios} must each be at least 1")
    return Asked(
        kind=DRAWN, units=np.zeros((n, 1), dtype=np.int32), starts=np.zeros(n, dtype=np.int64), marks=marks,
        periods=periods, scenarios=scenarios,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTimes:
    """Lead times of ``n`` items: fixed, or drawn anew for each order from a distribution that items may share.

    Made by :func:`fixed_leads` or :func:`random_leads`.

    Parameters
    ----------
    fixed : array of shape (n,)
        Whole periods; -1 where it is drawn.
    row : array of shape (n,)
        Row of ``marks`` that an item's lead times are drawn from.
    marks : array of shape (m, K)
        Thresholds of ``P(L <= k)``.
    crossing
        Whether a later order may arrive before an earlier one. Suppliers that ship in turn do not overtake
        themselves; with several routes orders cross.
    """

    fixed: IntArray
    row: IntArray
    marks: IntArray
    crossing: bool = True

    @property
    def longest(self) -> int:
        """Longest lead time that can occur."""
        return max(int(self.fixed.max(initial=0)), int(self.marks.shape[1]) - 1)

    def take(self, rows: slice) -> LeadTimes:
        """Lead times of these items."""
        return replace(self, fixed=self.fixed[rows], row=self.row[rows])


def fixed_leads(periods: IntArray) -> LeadTimes:
    """The same whole periods every time; shape (n,)."""
    if (periods < 0).any():
        raise ValueError(f"a lead time is {int(periods.min())} periods; it must be 0 or more")
    return LeadTimes(fixed=periods.astype(np.int64), row=np.zeros(len(periods), dtype=np.int64), marks=_NO_MARKS)


def random_leads(probabilities: npt.ArrayLike, *, row: IntArray, crossing: bool = True) -> LeadTimes:
    """Lead times drawn for each order: ``probabilities`` (m, K) of 0, 1, ..., K - 1 periods; ``row`` (n,) says whose.

    A supplier's own receipts are a distribution as they are: ``np.bincount(lead_times)`` is such a row.

    Examples
    --------
    >>> random_leads([np.bincount([2, 2, 3])], row=np.zeros(5, dtype=np.int64)).longest
    3
    """
    marks = thresholds(probabilities)
    if len(row) and not 0 <= int(row.min()) <= int(row.max()) < len(marks):
        raise ValueError(f"row must lie in 0 to {len(marks) - 1}, the distributions given")
    return LeadTimes(fixed=np.full(len(row), -1), row=row.astype(np.int64), marks=marks, crossing=crossing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that a rule meets.

    Parameters
    ----------
    asked, leads
        Demand and lead times.
    on_hand : array of shape (n,)
        Whole units on the shelf before the first period, as fresh as what arrives in it.
    pipeline : array of shape (n, w)
        Units on the way; column ``k`` arrives at the start of period ``k``.
    keys : array of shape (n,)
        Chance of each item, from :func:`~finalmile.simulation.chance.keys_of`; needed only where something is drawn.
    shelf_life : array of shape (n,)
        Periods that a unit can be sold in, the one it arrives in included; 0 where it keeps. The oldest is sold first.
    written_off : array of shape (n, T), or None
        Units damaged or stolen at the end of each period; no more than are there.
    backorders
        Whether demand that is not met waits and is served first from what arrives; else it is lost.
    """

    asked: Asked
    leads: LeadTimes
    on_hand: IntArray
    pipeline: IntArray | None = None
    keys: KeyArray | None = None
    shelf_life: IntArray | None = None
    written_off: DemandArray | None = None
    backorders: bool = False

    def __post_init__(self) -> None:
        n = self.asked.n
        for name in ("on_hand", "pipeline", "keys", "shelf_life", "written_off"):
            values = getattr(self, name)
            if values is not None and len(values) != n:
                raise ValueError(f"{name} has {len(values)} rows; with {n} items it must have {n}")
            if values is not None and name != "keys" and (values < 0).any():
                raise ValueError(
                    f"{name} of item {int(np.argwhere(values < 0)[0][0])} is negative; it must be 0 or more"
                )
        if len(self.leads.fixed) != n:
            raise ValueError(f"leads are of {len(self.leads.fixed)} items; demand is of {n}")
        if self.written_off is not None and self.written_off.shape[1] != self.asked.periods:
            raise ValueError(f"written_off has {self.written_off.shape[1]} periods; demand has {self.asked.periods}")
        if self.keys is None and (self.asked.kind != GIVEN or (self.leads.fixed < 0).any()):
            raise ValueError("keys are needed where demand or lead times are drawn: keys_of(ids, seed=seed)")

    @property
    def n(self) -> int:
        """Number of items."""
        return self.asked.n

    def take(self, rows: slice) -> Scene:
        """These items alone; nothing of what happens to them changes."""
        return replace(
            self,
            asked=self.asked.take(rows),
            leads=self.leads.take(rows),
            on_hand=self.on_hand[rows],
            pipeline=None if self.pipeline is None else self.pipeline[rows],
            keys=None if self.keys is None else self.keys[rows],
            shelf_life=None if self.shelf_life is None else self.shelf_life[rows],
            written_off=None if self.written_off is None else self.written_off[rows],
        )


def whole_units(values: npt.ArrayLike) -> DemandArray:
    """Units as int32: NaN and negative as 0; ``ValueError`` for what is fractional, infinite or too large."""
    array = np.asarray(values)
    if array.ndim != 2:
        raise ValueError(f"units have shape {array.shape}; they must be (items, periods)")
    if array.dtype == np.int32 and not (array < 0).any():
        return np.ascontiguousarray(array)
    numbers = np.maximum(np.nan_to_num(array.astype(np.float64), nan=0.0, posinf=np.inf, neginf=0.0), 0.0)
    wrong = (np.floor(numbers) != numbers) | (numbers >= 2**31)
    if wrong.any():
        item, period = np.argwhere(wrong)[0].tolist()
        raise ValueError(
            f"units of item {item} in period {period} are {array[item, period]}; they must be whole and below 2^31: "
            "count in smaller units, grams in place of kilos"
        )
    return np.ascontiguousarray(numbers.astype(np.int32))
