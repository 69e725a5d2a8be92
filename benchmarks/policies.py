"""Is the service that was asked for the service that came? A year of weekly orders on real sales, policy by policy.

    python benchmarks/policies.py --sales m5_sales.parquet --lead-times scms_purchase_orders.parquet --scratch FOLDER

Every series is reviewed weekly, orders arrive 7, 14 or 21 days later or after lead times drawn from real purchase
orders scaled to a mean of 14 days, demand that is not met is lost. The last 365 days of the file count, after 56 days
in which stock settles; `--year 1` is the year before them, `--year 0` the last one. Forecasts at each review come from
data up to it: the model is refitted every 91 days and recalibrated every 28. They are kept in the scratch folder, so
`--prepare` can make them beforehand and every later run reads them.

One JSON line for each row. `cycle_service` is what the product calls so: the share of cycles, each from one receipt
to the next, without lost sales. `by_reviews` counts a cycle for each review, also where nothing was ordered, and is
higher where sales are slow. `fill_rate` is the share of units, `stock` mean units on hand over mean daily demand;
volume classes are units a week, set before the year. Exits with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np
import polars as pl
from _sales import panel_of, read
from _weekly_told import Reviews, Told

from finalmile.frames import Cumulative, Panel
from finalmile.impact.kpis import cycle_service
from finalmile.inventory import PointDemand, Position, position
from finalmile.inventory.lead_times import LeadTime, certain, from_sample, side_by_side, told_at
from finalmile.inventory.policies import policies
from finalmile.inventory.proposal import windows_for
from finalmile.inventory.protection import LAW_LEVELS
from finalmile.simulation import Stock, opening, simulate
from finalmile.workflows.propose import spread

REVIEW, YEAR, SETTLE = 7, 365, 56
LEADS = (7, 14, 21)
TOLD_AT = (4, 8, 12, 16, 21, 28, 36, 50)
COUNTED = slice(1 + SETTLE, None)
CLASSES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
BARS: Mapping[str, tuple[float, float]] = {"cycle_service": (0.973, 0.990), "fill_rate": (0.973, 0.987)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sales", required=True)
    parser.add_argument("--lead-times", required=True, help="purchase orders with lead_time_days")
    parser.add_argument("--scratch", required=True, type=Path)
    parser.add_argument("--year", type=int, default=0, help="years before the last one")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prepare", action="store_true", help="only make the forecasts")
    asked = parser.parse_args()
    took = deliveries(asked.lead_times)
    varying = told_at(from_sample(took, source="real purchase orders", every=REVIEW), TOLD_AT)
    alone = told_at(from_sample(took, source="real purchase orders"), TOLD_AT)
    panel = panel_of(read(asked.sales))
    panel = panel.at(panel.cutoff - YEAR * asked.year)
    leads = sorted({*LEADS, *TOLD_AT})
    windows = sorted({*leads, *(REVIEW + lead for lead in leads)})
    first = panel.cutoff - YEAR - SETTLE
    told = Reviews(panel, scratch=asked.scratch, windows=windows, threads=asked.threads).at(
        list(range(first, panel.cutoff - REVIEW + 1, REVIEW))
    )
    if asked.prepare:
        return
    game = Game.of(panel, first=first, told=told)
    bars = [bar for rows in (fixed(game), random(game, varying, alone, took)) for bar in rows]
    print(json.dumps({"row": "bars", "year": asked.year, "missed": [bar for bar, held in bars if not held]}))
    sys.exit(0 if all(held for _, held in bars) else 1)


def deliveries(path: str) -> np.ndarray:
    """Whole days of real lead times, scaled to a mean of 14 days; negative ones are slips of the pen."""
    days = pl.read_parquet(path)["lead_time_days"].drop_nulls().to_numpy()
    days = days[days >= 0]
    return np.rint(days * 14 / days.mean())


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

    def policy(self, name: str, lead: LeadTime, **settings: float) -> np.ndarray:
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

    def row(self, *, lead: int | None = None) -> dict[str, object]:
        """Both services in all and by class, and the stock; by reviews too where the lead time is certain."""
        everyone, group = np.ones(len(self.lost), dtype=bool), np.searchsorted(CLASSES, self.game.weekly, side="right")
        classes = {self._name(k): group == k for k in range(len(CLASSES) + 1)}
        told: dict[str, object] = {
            "fill_rate": self._fill(everyone),
            "cycle_service": self._cycle_service(self.game.weekly >= CLASSES[0]),
            "stock": round(float(self.on_hand[:, COUNTED].sum() / (self.sold + self.lost)[:, COUNTED].sum()), 3),
            "fill_rate_by_class": {name: self._fill(some) for name, some in classes.items()},
            "cycle_service_by_class": {name: self._cycle_service(some) for name, some in classes.items()},
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


def tell(name: str, began: float, **facts: object) -> None:
    print(json.dumps({"row": name, **facts, "seconds": round(time.monotonic() - began, 1)}), flush=True)


def fixed(game: Game) -> list[tuple[str, bool]]:
    """Lead times of 7, 14 and 21 days: both services, and at 14 days what other ways of ordering take."""
    bars = []
    for days in LEADS:
        lead, leads = certain(days), np.full(game.panel.n, days)
        for which, name in (("cycle_service", "order_up_to"), ("fill_rate", "fill_rate_order_up_to")):
            began = time.monotonic()
            levels = game.policy(name, lead, **{which: 0.98})
            row = game.play(levels, leads).row(lead=days)
            tell(f"{name} 0.98", began, lead_time_days=days, asked=which, **row)
            bars += judged(which, row, f"{name}, {days} days")
            if (which, days) == ("cycle_service", 14):
                bars += beside(game, levels, leads, days)
    return bars


def judged(which: str, row: Mapping[str, object], where: str) -> list[tuple[str, bool]]:
    low, high = BARS[which]
    if which == "fill_rate":
        return [(f"fill rate, {where}", low <= float(str(row["fill_rate"])) <= high)]
    classes = row["cycle_service_by_class"]
    assert isinstance(classes, dict)
    named = {name: value for name, value in classes.items() if float(name.rstrip("+").split("-")[0]) >= CLASSES[0]}
    return [(f"cycle service, {where}, {name} a week", low <= value <= high) for name, value in named.items()]


def beside(game: Game, levels: np.ndarray, leads: np.ndarray, days: int) -> list[tuple[str, bool]]:
    """The sum of daily quantiles, and mean + z sigma sqrt(L) with z such that it holds the same stock."""
    began = time.monotonic()
    ours = game.play(levels, leads).row(lead=days)
    summed = game.levels(lambda one, _: np.ceil(one.daily_q98[:, : REVIEW + days].sum(axis=1) - 1e-6))
    daily = game.play(summed, leads).row(lead=days)
    of_levels = round(float(levels.sum() / summed.sum()), 4)
    of_stock = round(float(str(ours["stock"])) / float(str(daily["stock"])), 4)
    tell("sum of daily 98 % quantiles", began, lead_time_days=days, level_ours_over_it=of_levels,
         stock_ours_over_it=of_stock, **daily)  # fmt: skip
    began = time.monotonic()
    asked, normal = 0.98, {}
    low, high = 0.0, 6.0  # standard deviations
    for _ in range(12):
        middle = (low + high) / 2
        asked = NormalDist().cdf(middle)
        normal = game.play(game.policy("normal_order_up_to", certain(days), cycle_service=asked), leads).row(lead=days)
        low, high = (middle, high) if float(str(normal["stock"])) < float(str(ours["stock"])) else (low, middle)
    tell("mean + z sigma sqrt(L) at equal stock", began, lead_time_days=days, asked=round(asked, 5), **normal)
    more = {which: float(str(ours[which])) > float(str(normal[which])) for which in BARS}
    return [
        ("65 % of the levels of daily quantiles", of_levels <= 0.65),
        ("65 % of the stock of daily quantiles", of_stock <= 0.65),
        ("more fill rate than the normal formula", more["fill_rate"]),
        ("more cycle service than the normal formula", more["cycle_service"]),
    ]


def random(game: Game, varying: LeadTime, alone: LeadTime, took: np.ndarray) -> list[tuple[str, bool]]:
    """Lead times drawn for each order from real ones, planned as orders that overtake each other, as single ones that
    cannot, and with their mean alone."""
    chance = np.random.default_rng(0)
    leads = chance.choice(took, size=game.demand.shape).astype(np.int64)
    bars = []
    told = (("mixture", varying), ("mixture of single orders", alone), ("mean of 14 days alone", certain(14)))
    for label, lead in told:
        for which, name in (("fill_rate", "fill_rate_order_up_to"), ("cycle_service", "order_up_to")):
            began = time.monotonic()
            row = game.play(game.policy(name, lead, **{which: 0.98}), leads).row()
            tell(f"{name} 0.98, lead times drawn, planned with the {label}", began, asked=which, **row)
            if (label, which) == ("mixture", "fill_rate"):
                bars += judged(which, row, "lead times drawn")
    return bars


if __name__ == "__main__":
    main()
