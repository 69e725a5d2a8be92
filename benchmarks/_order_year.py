"""A year of weekly orders on real sales: levels in, both services and the stock out. For benchmarks/policies.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from _weekly_told import Told

from finalmile.frames import Cumulative, Panel
from finalmile.impact.kpis import cycle_service
from finalmile.inventory import PointDemand, Position, position
from finalmile.inventory.lead_times import LeadTime, side_by_side
from finalmile.inventory.policies import policies
from finalmile.inventory.proposal import windows_for
from finalmile.inventory.protection import LAW_LEVELS
from finalmile.simulation import Stock, opening, simulate
from finalmile.workflows.propose import spread

REVIEW, YEAR, SETTLE = 7, 365, 56
COUNTED = slice(1 + SETTLE, None)
CLASSES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)


@dataclass(frozen=True)
class Game:
    """Demand of the year and of the weeks in which stock settles, and what was forecast at each review."""

    panel: Panel
    first: int
    told: list[Told]
    demand: np.ndarray  # (n, 1 + SETTLE + YEAR), the evening of the first review in column 0
    weekly: np.ndarray  # (n,) units a week before the year
    spread: list[np.ndarray]

    @classmethod
    def of(cls, panel: Panel, *, first: int, told: list[Told]) -> Game:
        column = first - panel.first + 1
        demand = np.nan_to_num(panel.demand()[:, column:]).astype(float)
        before = panel.demand()[:, column + SETTLE - 91 : column + SETTLE]
        known = np.isfinite(before)
        weekly = 7 * np.where(known, before, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        spreads = []
        for one in told:
            past = panel.at(one.cutoff)
            rows = {name: row for row, name in enumerate(past.ids.tolist())}
            at = np.array([rows.get(name, -1) for name in panel.ids.tolist()])
            spreads.append(np.where(at >= 0, spread(past.last(91))[at], 0.0))
        demand = np.concatenate([np.zeros((panel.n, 1)), demand], axis=1)
        return cls(panel, first, told, demand, weekly, spreads)

    @property
    def group(self) -> np.ndarray:
        """Volume class of each series, shape (n,)."""
        return np.searchsorted(CLASSES, self.weekly, side="right")

    def levels(self, level: Callable[[Told, int], np.ndarray]) -> np.ndarray:
        """What each review lifts the position to, shape (n, reviews); 0 for what is not listed yet."""
        return np.stack([np.nan_to_num(level(one, k)) for k, one in enumerate(self.told)], axis=1)

    def play(self, levels: np.ndarray, leads: np.ndarray) -> Outcome:
        """The year with these levels; ``leads`` of shape (n,) or (n, periods)."""

        def decide(t: int, stock: Stock) -> np.ndarray:
            if t % REVIEW or t // REVIEW >= levels.shape[1]:
                return np.zeros(len(levels))
            return np.maximum(levels[:, t // REVIEW] - stock.position, 0.0)

        flow = simulate(opening(levels[:, 0], max_lead=1), self.demand, decide=decide, leads=leads)
        return Outcome(self, flow.on_hand, flow.sold, flow.lost, flow.received)

    def position(self, lead: LeadTime) -> Position:
        n = self.panel.n
        return position(
            self.panel.ids,
            on_hand=np.zeros(n),
            lead_periods=np.full(n, lead.planned),
            review_periods=np.full(n, REVIEW),
            lead_times=side_by_side([lead] * n),
        )

    def policy(self, name: str, lead: LeadTime, **settings: float | str) -> np.ndarray:
        """Levels of one of the product's policies at each review."""
        policy, at = policies.make(name, **settings), self.position(lead)

        def level(one: Told, k: int) -> np.ndarray:
            if policy.needs == "point":
                return policy(at, PointDemand(mean=one.daily_mean.astype(float), sd=self.spread[k])).level
            return policy(at, cumulative(one, windows_for(policy, at))).level

        return self.levels(level)


def cumulative(one: Told, windows: np.ndarray) -> Cumulative:
    columns = [one.windows.index(int(window)) for window in windows[0]]
    return Cumulative(
        windows=windows,
        mean=one.mean[:, columns],
        levels=LAW_LEVELS,
        values=one.values[:, columns],
        methods=one.methods.astype(object),
    )


@dataclass(frozen=True)
class Outcome:
    """The year that counts, period by period."""

    game: Game
    on_hand: np.ndarray
    sold: np.ndarray
    lost: np.ndarray
    received: np.ndarray

    @property
    def stock_by_class(self) -> np.ndarray:
        """Units on hand, of all periods that count, shape (classes,)."""
        held = self.on_hand[:, COUNTED].sum(axis=1)
        return np.bincount(self.game.group, weights=held, minlength=len(CLASSES) + 1)

    def row(self, *, lead: int | None = None) -> dict[str, object]:
        """Both services in all and by class, and the stock; by reviews too where the lead time is certain."""
        everyone, group = np.ones(len(self.lost), dtype=bool), self.game.group
        classes = {self._name(k): group == k for k in range(len(CLASSES) + 1)}
        told: dict[str, object] = {
            "fill_rate": self._fill(everyone),
            "cycle_service": self._cycle_service(self.game.weekly >= CLASSES[0]),
            "cycle_service_by_units": self._by_units(self.game.weekly >= CLASSES[0]),
            "stock": round(float(self.on_hand[:, COUNTED].sum() / (self.sold + self.lost)[:, COUNTED].sum()), 3),
            "fill_rate_by_class": {name: self._fill(some) for name, some in classes.items()},
            "cycle_service_by_class": {name: self._cycle_service(some) for name, some in classes.items()},
            "cycle_service_by_units_by_class": {name: self._by_units(some) for name, some in classes.items()},
            "series_by_class": {name: int(some.sum()) for name, some in classes.items()},
        }
        if lead is not None:
            kept = self._cycles(lead)
            told["by_reviews"] = share(kept[self.game.weekly >= CLASSES[0]].mean(), 1.0)
            told["by_reviews_by_class"] = {name: share(kept[some].mean(), 1.0) for name, some in classes.items()}
        return told

    def _cycle_service(self, some: np.ndarray) -> float | None:
        found = cycle_service(self.received[some, COUNTED], self.lost[some, COUNTED])
        return None if found is None else round(found, 4)

    def _by_units(self, some: np.ndarray) -> float | None:
        demand = (self.sold + self.lost)[some, COUNTED]
        return share(*units_of_cycles(self.received[some, COUNTED], self.lost[some, COUNTED], demand))

    def _cycles(self, lead: int) -> np.ndarray:
        """Which review cycles ended without lost sales, shape (n, cycles): each begins when an order may arrive."""
        begin = 1 + lead
        whole = (self.lost.shape[1] - begin) // REVIEW
        cycles = self.lost[:, begin : begin + whole * REVIEW].reshape(len(self.lost), whole, REVIEW).sum(axis=2)
        counted = begin + REVIEW * np.arange(whole) >= COUNTED.start
        return cycles[:, counted] == 0

    def _fill(self, some: np.ndarray) -> float | None:
        return share(self.sold[some, COUNTED].sum(), (self.sold + self.lost)[some, COUNTED].sum())

    @staticmethod
    def _name(k: int) -> str:
        edges = [0.0, *CLASSES]
        return f"{edges[k]:g}+" if k == len(CLASSES) else f"{edges[k]:g}-{edges[k + 1]:g}"


def share(part: float, whole: float) -> float | None:
    return round(float(part / whole), 4) if whole else None


def units_of_cycles(received: np.ndarray, lost: np.ndarray, demand: np.ndarray) -> tuple[float, float]:
    """Units asked for in order cycles that ended without a loss, and in all that ended, of arrays of shape (n, T)."""
    n, length = received.shape
    began, broken, units = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool), np.zeros(n)
    kept = ended = 0.0
    for t in range(length):
        receives = received[:, t] > 0
        closes = receives & began
        ended += units[closes].sum()
        kept += units[closes & ~broken].sum()
        began |= receives
        broken = np.where(receives, False, broken) | (lost[:, t] > 0)
        units = np.where(receives, 0.0, units) + demand[:, t]
    return kept, ended
