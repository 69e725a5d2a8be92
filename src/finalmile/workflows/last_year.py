"""Demand of the last year as a simulation draws from it, and the levels that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finalmile.frames import IntArray, Panel
from finalmile.inventory import Position
from finalmile.inventory.drawn_leads import drawn_leads
from finalmile.simulation import Rule, Scene, UnitsArray, base_stock, bootstrapped, keys_of
from finalmile.simulation.scene import DemandArray, whole_units

_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LastYear:
    """What was asked for, and terms.

    Parameters
    ----------
    units : array of shape (n, H), int32
        Whole units; periods of a stock-out count as an average period where less was sold.
    starts : array of shape (n,)
        Column in which each series was listed.
    at
        Terms of each.
    """

    units: DemandArray
    starts: IntArray
    at: Position

    @property
    def longest(self) -> int:
        """Most periods that an order may have to last."""
        return int(self._stretches()[0].max(initial=1))

    def level(self, *, cycle_service: float) -> IntArray:
        """Smallest level that covers this share of all stretches of review and lead time in the history, (n,)."""
        return self.levels([cycle_service])[:, 0]

    def levels(self, cycle_services: Sequence[float]) -> IntArray:
        """Such a level for each of these shares, shape (n, k).

        Where lead times vary, stretches of each length count as often as lead times of it are.
        """
        windows, weights = self._stretches()
        levels = np.zeros((len(self.units), len(cycle_services)), dtype=np.int64)
        alike, of = np.unique(np.column_stack([windows, weights]), axis=0, return_inverse=True)
        for number, key in enumerate(alike):
            mixed = list(
                zip(key[: windows.shape[1]].astype(int).tolist(), key[windows.shape[1] :].tolist(), strict=True)
            )
            rows = np.flatnonzero(of.ravel() == number)
            for some in np.array_split(rows, -(-len(rows) // _AT_ONCE)):
                levels[some] = _quantiles(self.units[some], self.starts[some], windows=mixed, shares=cycle_services)
        return levels

    def _stretches(self) -> tuple[IntArray, UnitsArray]:
        """Periods that an order may have to last, and how likely each is; both of shape (n, k)."""
        told = self.at.lead_times
        if told is None:
            leads, weights = self.at.lead_periods[:, None], np.ones((len(self.units), 1))
        else:
            leads, weights = told.periods, told.shares
        return self.at.review_periods[:, None] + leads, weights

    def rule(self, levels: IntArray) -> Rule:
        """Order up to levels, of shape (n,) or (n, c), at every review and on each supplier's terms."""
        rule = base_stock(levels, every=self.at.review_periods)
        return rule.on_terms(moq=self.at.moq, pack_size=self.at.pack_size, max_stock=self.at.max_stock)

    def scene(self, *, periods: int, scenarios: int, block: int, seed: int, on_hand: IntArray | None = None) -> Scene:
        """Futures drawn from the history.

        Parameters
        ----------
        on_hand : array of shape (n,)
            What it starts with; by default as much as is mostly asked for until the first order can arrive.
        """
        asked = bootstrapped(self.units, periods=periods, scenarios=scenarios, block=block, starts=self.starts)
        return Scene(
            asked=asked,
            leads=drawn_leads(self.at),
            on_hand=self.level(cycle_service=0.5) if on_hand is None else on_hand,
            keys=keys_of(self.at.ids, seed=seed),
        )


def last_year(panel: Panel, at: Position) -> LastYear:
    """The history of a panel as whole units.

    Units of series that sell by weight are rounded to the nearest whole one.
    """
    demand: UnitsArray = panel.demand().astype(np.float64)
    known = ~np.isnan(demand)
    mean = np.where(known, demand, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    filled = np.where(panel.censored, np.fmax(panel.y, mean[:, None]), panel.y)
    starts = np.minimum(panel.listed_at, panel.length - 1)
    return LastYear(units=whole_units(np.rint(filled)), starts=starts, at=at)


def _quantiles(
    units: DemandArray, starts: IntArray, *, windows: Sequence[tuple[int, float]], shares: Sequence[float]
) -> IntArray:
    """Quantiles of the sums of so many periods in a row, each window as often as its weight says, evenly spread.

    A history shorter than a window is taken for one.
    """
    n = len(units)
    total = np.concatenate([np.zeros((n, 1), dtype=np.int64), np.cumsum(units, axis=1, dtype=np.int64)], axis=1)
    narrow = np.int32 if int(total[:, -1].max(initial=0)) < 2**31 else np.int64
    parts = [_sums(total, starts, window=window, weight=weight) for window, weight in windows if weight > 0]
    sums: npt.NDArray[np.int32 | np.int64] = np.concatenate(parts, axis=1).astype(narrow)
    sums.sort(axis=1)
    before = (sums < 0).sum(axis=1)[:, None]
    there = sums.shape[1] - before
    rank = before + np.clip(np.ceil(np.asarray(shares) * there - 1e-9), 1, there).astype(np.int64) - 1
    return np.take_along_axis(sums, rank, axis=1).astype(np.int64)


def _sums(total: IntArray, starts: IntArray, *, window: int, weight: float) -> IntArray:
    """A share of the sums of a window, the newest first; -1 for those that begin before an item's history does."""
    window = min(window, total.shape[1] - 1)
    last = total.shape[1] - 1 - window
    begins = last - (np.arange(int(np.ceil((last + 1) * weight - 1e-9))) / weight).astype(np.int64)
    sums = total[:, begins + window] - total[:, begins]
    sums[begins < np.minimum(starts, last)[:, None]] = -1
    return sums
