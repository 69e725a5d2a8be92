"""The level of each item that keeps a service or costs least, found by simulating levels one beside the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from finalmile.frames import BoolArray, IntArray
from finalmile.inventory.drawn_leads import drawn_leads
from finalmile.inventory.period_demand import PeriodDemand
from finalmile.inventory.position import Position
from finalmile.simulation import Costs, Rule, Scene, Totals, UnitsArray, base_stock, given, keys_of, min_max, run
from finalmile.simulation.engine import Engine

Goal = Literal["fill_rate", "cycle_service", "cost"]
ROUNDS, AT_ONCE = 3, 5
_ITEMS = 512
_NO_LEVEL = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Levels that were simulated for ``n`` items, ascending, and what each came to.

    Parameters
    ----------
    levels : array of shape (n, k)
        Units; NaN where fewer than ``k`` were tried.
    told : array of shape (n, k)
        The simulated service, or money per period.
    choice : array of shape (n,)
        Column of the best.
    """

    levels: UnitsArray
    told: UnitsArray
    choice: IntArray

    @property
    def best(self) -> UnitsArray:
        """The level chosen, shape (n,)."""
        return np.take_along_axis(self.levels, self.choice[:, None], axis=1)[:, 0]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSearch:
    """Looks for the least level that keeps a service, or the one of least cost, where sales not served are lost.

    Every level meets the same demand and the same lead times, drawn from the item's id and ``seed`` alone, on the
    item's own terms. Five levels are tried up to the highest, five between the two that the answer lies between, and
    five again: it is found to a hundredth of what is guessed, and to the unit below 90.

    Parameters
    ----------
    goal, target
        What is looked for, and the service to reach, which is not read where cost decides.
    periods
        Periods that count, at least 100 reviews; they follow twice the longest time that an order may have to last.
    engine
        As for :func:`~finalmile.simulation.run`; the figures do not depend on it.
    """

    goal: Goal = "fill_rate"
    target: float = 0.98
    periods: int = 1_456
    seed: int = 0
    engine: Engine = "auto"

    def __call__(
        self,
        at: Position,
        demand: PeriodDemand,
        *,
        guess: UnitsArray,
        lot: UnitsArray | None = None,
        costs: Costs | None = None,
    ) -> Tried:
        """Levels tried from 0 to twice a guess.

        Parameters
        ----------
        guess : array of shape (n,)
            About what is needed, in units.
        lot : array of shape (n,)
            Where given, levels are reorder points, below which is ordered up to so many units above them.
        costs
            Per unit, per period and per order; needed where cost decides.
        """
        games = _Games(self, at, demand, lot=lot, costs=costs)
        width = ROUNDS * AT_ONCE
        levels, told = np.full((at.n, width), np.nan), np.full((at.n, width), np.nan)
        for rows in games.alike():
            levels[rows], told[rows] = self._look(games, rows, np.nan_to_num(guess[rows]))
        return Tried(levels=levels, told=told, choice=self._choose(told))

    def _look(self, games: _Games, rows: IntArray, guess: UnitsArray) -> tuple[UnitsArray, UnitsArray]:
        unit = games.demand.unit[rows]
        scene = games.scene(rows)
        low, high = np.full(len(rows), -1), 2 * np.ceil(guess / unit).astype(np.int64) + 2
        levels, told = np.zeros((len(rows), 0), dtype=np.int64), np.zeros((len(rows), 0))
        parts = AT_ONCE
        for _ in range(ROUNDS):
            steps = np.arange(1, AT_ONCE + 1) / parts
            more = np.maximum(np.rint(low[:, None] + (high - low)[:, None] * steps), 0).astype(np.int64)
            levels, told = _merged(levels, more, told, games.told(scene, rows, more))
            low, high = _around(levels, self._choose(told), above=self.goal == "cost")
            parts = AT_ONCE + 1
        return _each_once(np.multiply(levels, unit[:, None], dtype=np.float64), told)

    def _choose(self, told: UnitsArray) -> IntArray:
        """Column of the first level that reaches the target, else of the first of those that come nearest."""
        if self.goal == "cost":
            return _cheapest(told)
        most = np.where(np.isnan(told), -1.0, told).max(axis=1, initial=-1.0)
        enough: BoolArray = np.asarray(told >= np.minimum(self.target, most)[:, None])
        return np.asarray(enough.argmax(axis=1), dtype=np.int64)


class _Games:
    """Items that are simulated in groups of one review period and longest lead time, so that none changes another."""

    def __init__(
        self, search: LevelSearch, at: Position, demand: PeriodDemand, *, lot: UnitsArray | None, costs: Costs | None
    ) -> None:
        self.search, self.at, self.demand, self.lot, self.costs = search, at, demand, lot, costs
        self.leads = drawn_leads(at)
        self.keys = keys_of(at.ids, seed=search.seed)
        took = at.taking
        longest = at.lead_periods if took is None else took.periods.max(axis=1, initial=0)
        self.lasts = at.review_periods + longest

    def alike(self) -> list[IntArray]:
        """Rows of each group."""
        _, group = np.unique(np.column_stack([self.at.review_periods, self.lasts]), axis=0, return_inverse=True)
        order = np.argsort(group.ravel(), kind="stable")
        groups = np.split(order, np.cumsum(np.bincount(group.ravel()))[:-1])
        return [part for rows in groups if len(rows) for part in np.array_split(rows, -(-len(rows) // _ITEMS))]

    def scene(self, rows: IntArray) -> Scene:
        """Demand and lead times of items that are alike, from an empty shelf on."""
        periods = self._settle(rows) + max(100 * int(self.at.review_periods[rows[0]]), self.search.periods)
        return Scene(
            asked=given(self.demand.shuffled(rows, self.keys, periods=periods)),
            leads=replace(self.leads, fixed=self.leads.fixed[rows], row=self.leads.row[rows]),
            on_hand=np.zeros(len(rows), dtype=np.int64),
            keys=self.keys[rows],
        )

    def _settle(self, rows: IntArray) -> int:
        return 2 * int(self.lasts[rows[0]])

    def told(self, scene: Scene, rows: IntArray, levels: IntArray) -> UnitsArray:
        """What each level comes to, rounded as it is printed, shape (m, k)."""
        totals = run(scene, self._rule(rows, levels), warm_up=self._settle(rows), engine=self.search.engine)
        if self.search.goal == "cost":
            return self._cost(rows, totals)
        service = totals.fill_rate if self.search.goal == "fill_rate" else totals.cycle_service
        return np.asarray(np.round(np.where(np.isnan(service), totals.unmet == 0, service), 6), dtype=np.float64)

    def _rule(self, rows: IntArray, levels: IntArray) -> Rule:
        at, unit = self.at, self.demand.unit[rows]
        every = at.review_periods[rows]
        if self.lot is None:
            rule = base_stock(levels, every=every)
        else:
            lot = np.maximum(np.ceil(np.nan_to_num(self.lot[rows]) / unit), 1).astype(np.int64)
            rule = min_max(levels - 1, levels + lot[:, None], every=every)
        pack = np.maximum(np.rint(at.pack_size[rows] / unit), 1.0)
        return rule.on_terms(moq=at.moq[rows] / unit, pack_size=pack, max_stock=at.max_stock[rows] / unit)

    def _cost(self, rows: IntArray, totals: Totals) -> UnitsArray:
        costs = Costs(holding=0.0) if self.costs is None else self.costs
        unit = self.demand.unit[rows][:, None]
        holding, shortage, order = (
            np.broadcast_to(np.asarray(price, dtype=np.float64), (self.at.n,))[rows][:, None]
            for price in (costs.holding, costs.shortage, costs.order)
        )
        money = unit * (holding * totals.unit_periods + shortage * totals.unmet) + order * totals.orders
        return np.asarray(np.round(money / totals.counted, 9), dtype=np.float64)


def _merged(levels: IntArray, more: IntArray, told: UnitsArray, told_more: UnitsArray) -> tuple[IntArray, UnitsArray]:
    """Levels in ascending order with what each came to."""
    every, came = np.hstack([levels, more]), np.hstack([told, told_more])
    order = np.argsort(every, axis=1, kind="stable")
    return np.take_along_axis(every, order, axis=1), np.take_along_axis(came, order, axis=1)


def _around(levels: IntArray, choice: IntArray, *, above: bool) -> tuple[IntArray, IntArray]:
    """The levels tried that the best lies between: the one below it, and itself or the one above it."""
    chosen = levels[np.arange(len(levels)), choice]
    under = np.where(levels < chosen[:, None], levels, -1).max(axis=1, initial=-1)
    if not above:
        return under, chosen
    over = np.where(levels > chosen[:, None], levels, _NO_LEVEL).min(axis=1, initial=_NO_LEVEL)
    return under, np.where(over < _NO_LEVEL, over, chosen)


def _each_once(levels: UnitsArray, told: UnitsArray) -> tuple[UnitsArray, UnitsArray]:
    """Ascending levels without repetitions, NaN behind the last."""
    again = np.diff(levels, axis=1, prepend=-1.0) == 0
    order = np.argsort(again, axis=1, kind="stable")
    kept = (np.where(again, np.nan, values) for values in (levels, told))
    first, second = (np.take_along_axis(values, order, axis=1) for values in kept)
    return first, second


def _cheapest(told: UnitsArray) -> IntArray:
    """The first that no later one undercuts by more than 0.000000001."""
    best, lowest = np.zeros(len(told), dtype=np.int64), told[:, 0].copy()
    for k in range(1, told.shape[1]):
        less = told[:, k] < lowest - 1e-9
        best, lowest = np.where(less, k, best), np.where(less, told[:, k], lowest)
    return best
