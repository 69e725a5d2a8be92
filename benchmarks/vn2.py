"""Play the VN2 inventory game week by week, or rehearse it on the past.

    python benchmarks/vn2.py --sales vn2_weekly_instock.parquet --half choose|report
    python benchmarks/vn2.py --sales vn2_weekly_instock.parquet --state vn2_initial_state.parquet --actuals F

One order per store and product at the end of each of weeks 0 to 5; an order of the end of week X is sold from in
week X+3; unmet demand is lost; a week costs 0.2 EUR per unit left and 1.0 EUR per unit lost. A player sees the weeks
that have ended, its own shelf and what is on the way, nothing else.

With ``--actuals`` (unique_id, week 1..8, ds, demand) both players play the real eight weeks from the real opening
state. Without, they rehearse on spans of eight past weeks that do not overlap: demand is sales; a series-week out of
stock has no demand and costs nothing; opening shelf and pipeline are what the organisers' kind of policy has after
eight weeks of warm-up, begun with its own four weeks of forecast on the shelf.

There are twelve spans, as many as leave a year of history before the first warm-up. Every other one, from the first,
is there to choose on: whatever is set or changed may be judged on those alone. The others, the last of all among
them, report: they are run when all is chosen, and what they say changes nothing any more. Without ``--half`` the
choosing half is played. Each half says every span, and the difference with the interval of Student's t over spans.

That kind of policy (13-week mean of weeks in stock, season taken out, times a weekly index of all sales together;
order up to four weeks of forecast) follows the organisers' published description and was tuned to nothing. The
rehearsal is tuned to it in one way: every span opens with the stock it would hold, which is more than the real game
opens with, so that weeks 1 and 2, which no order can change, cost more here than the 913.8 EUR of the real ones.

Progress goes to stderr, one JSON line to stdout.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl

from finalmile.forecasters.seasonal_index import phases_of, seasonal_index
from finalmile.frames import Frequency, Panel, panel_from_sales
from finalmile.impact import total_with_interval
from finalmile.inventory import NegativeBinomialPaths, PointDemand, position
from finalmile.inventory.policies import policies
from finalmile.ports import Fitted, forecasters
from finalmile.simulation import Stock, Traded, place, trade

WEEKS, LAST_ORDER, LEAD, WARM_UP = 8, 5, 2, 8
HOLDING, SHORTAGE = 0.2, 1.0
SPANS = 12
WEEKLY = Frequency("week")
RECIPE = "corrected_level"
HIERARCHY = ("store_id", "item_id", "product_group", "department", "department_group", "store_format", "format")


class Market:
    """Demand that nobody sees: a week is traded against a shelf, and only what was sold comes back."""

    def __init__(self, demand: np.ndarray) -> None:
        self._demand, self._week = demand, 0

    def trade(self, stock: Stock) -> Traded:
        traded = trade(stock, self._demand[:, self._week])
        self._week += 1
        return traded


@dataclass(frozen=True)
class Week:
    """What a player sees once a week has ended: units sold, whether there were any to sell, units that were there."""

    sold: np.ndarray
    in_stock: np.ndarray
    available: np.ndarray


class Player(Protocol):
    def see(self, week: Week) -> None: ...

    def order(self, stock: Stock, *, week: int) -> np.ndarray: ...


def grown(panel: Panel, sold: np.ndarray, *, censored: np.ndarray) -> Panel:
    """The panel with one more week."""
    return replace(
        panel,
        y=np.column_stack([panel.y, sold.astype(np.float32)]),
        censored=np.column_stack([panel.censored, censored]),
    )


class Organisers:
    """13-week mean of weeks in stock times a weekly index; order up to four weeks of forecast."""

    def __init__(self, past: Panel) -> None:
        self.panel = past
        self.policy = policies.make("periods_of_cover", periods=4, nearest=True)

    def see(self, week: Week) -> None:
        self.panel = grown(self.panel, week.sold, censored=~week.in_stock)

    def forecast(self, horizon: int = 4) -> np.ndarray:
        panel, demand = self.panel, self.panel.demand()
        phases = phases_of(WEEKLY, np.arange(panel.first, panel.cutoff + horizon + 1))
        one = np.full(panel.n, "", dtype=object)
        index = seasonal_index(demand, phases=phases[: panel.length], frequency=WEEKLY, groups=one, shrink=0.0)
        recent = demand[:, -13:] / index[:, phases[panel.length - 13 : panel.length]]
        known = np.isfinite(recent)
        level = np.where(known, recent, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return level[:, None] * index[:, phases[panel.length :]]

    def order(self, stock: Stock, *, week: int) -> np.ndarray:  # noqa: ARG002  # the shape of every Player
        at = position(self.panel.ids, on_hand=stock.on_hand, on_order=stock.on_order, lead_periods=leads(self.panel.n))
        return self.policy(at, PointDemand(mean=self.forecast(), sd=np.zeros(self.panel.n))).quantity


class Ours:
    """Level times shared season, corrected; sample paths around it; the cheapest order over the paths."""

    def __init__(self, past: Panel, *, seed: int = 7, paths: int = 500) -> None:
        self.panel, self.seed = past, seed
        self.fitted: Fitted = forecasters.make(RECIPE, group="department").fit(past, seed=seed)
        self.draw = NegativeBinomialPaths(paths=paths)
        self.expected = self.mean()

    def mean(self) -> np.ndarray:
        return self.fitted.predict(self.panel, horizon=LEAD + 3).mean.astype(np.float64)

    def see(self, week: Week) -> None:
        self.panel = grown(self.panel, week.sold, censored=~week.in_stock | (week.sold >= week.available))
        self.expected = self.mean()

    def order(self, stock: Stock, *, week: int) -> np.ndarray:
        at = position(
            self.panel.ids,
            on_hand=stock.on_hand,
            arriving=stock.pipeline[:, :LEAD],
            lead_periods=leads(self.panel.n),
        )
        beyond = min(2, WEEKS - (week + LEAD + 1))
        policy = policies.make("look_ahead", holding_cost=HOLDING, shortage_cost=SHORTAGE, look_ahead=beyond)
        return policy(at, self.draw(self.expected, ids=at.ids, seed=self.seed + week)).quantity


def leads(n: int) -> np.ndarray:
    return np.full(n, LEAD, dtype=np.int64)


@dataclass(frozen=True)
class Played:
    """Cost of each week, units sold and lost in all, and the stock at the end."""

    weeks: np.ndarray
    sold: float
    lost: float
    closing: Stock

    @property
    def fill_rate(self) -> float:
        return self.sold / (self.sold + self.lost)


def play(player: Player, market: Market, stock: Stock, *, scored: np.ndarray, last_order: int = LAST_ORDER) -> Played:
    """Eight weeks: order at the end of the week before, then trade."""
    costs, sold, lost = np.zeros(scored.shape[1]), 0.0, 0.0
    for week in range(scored.shape[1]):
        if week <= last_order:
            stock = place(stock, player.order(stock, week=week), lead=leads(len(stock.on_hand)))
        traded = market.trade(stock)
        stock, counts = traded.closing, scored[:, week]
        costs[week] = (HOLDING * stock.on_hand + SHORTAGE * traded.lost)[counts].sum()
        sold, lost = sold + traded.sold.sum(), lost + traded.lost.sum()
        available = traded.sold + stock.on_hand
        player.see(Week(sold=traded.sold, in_stock=counts & (available > 0), available=available))
    return Played(weeks=costs, sold=sold, lost=lost, closing=stock)


def read_sales(path: Path) -> Panel:
    """Weekly sales; weeks before a series was first in stock are not listed, later ones out of stock are censored."""
    raw = pl.read_parquet(path).with_columns(pl.col("unique_id").cast(pl.String), pl.col("ds").cast(pl.Date))
    first = pl.col("ds").filter(pl.col("in_stock")).min().over("unique_id")
    sales = raw.filter(pl.col("ds") >= first).with_columns(censored=~pl.col("in_stock"))
    cutoff = WEEKLY.index_of(raw["ds"].max())
    items = raw.select("unique_id", *HIERARCHY).unique("unique_id")
    return panel_from_sales(sales, frequency=WEEKLY, cutoff=cutoff, items=items, statics=HIERARCHY)


def read_state(path: Path, ids: np.ndarray) -> Stock:
    order = pl.DataFrame({"unique_id": pl.Series(ids, dtype=pl.String)})
    state = order.join(pl.read_parquet(path), on="unique_id", how="left", maintain_order="left")
    units = state.select("end_inventory", "in_transit_w1", "in_transit_w2").to_numpy().astype(np.float64)
    return Stock(on_hand=units[:, 0], pipeline=np.column_stack([units[:, 1:], np.zeros(len(units))]))


def read_actuals(path: Path, ids: np.ndarray) -> np.ndarray:
    frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path)
    wide = frame.with_columns(pl.col("unique_id").cast(pl.String)).pivot("week", index="unique_id", values="demand")
    order = pl.DataFrame({"unique_id": pl.Series(ids, dtype=pl.String)})
    told = order.join(wide, on="unique_id", how="left", maintain_order="left")
    demand = told.select(str(week) for week in range(1, WEEKS + 1)).to_numpy().astype(np.float64)
    if np.isnan(demand).any():
        raise SystemExit(f"{path}: demand is missing for {int(np.isnan(demand).any(axis=1).sum())} series")
    return demand


def game(panel: Panel, stock: Stock, demand: np.ndarray) -> dict[str, object]:
    """The real eight weeks."""
    everything = np.ones(demand.shape, dtype=np.bool_)
    ours = play(Ours(panel), Market(demand), stock, scored=everything)
    theirs = play(Organisers(panel), Market(demand), stock, scored=everything)
    return {**told(ours), "organisers_kind": told(theirs)}


def told(played: Played) -> dict[str, object]:
    return {
        "weeks": played.weeks.round(1).tolist(),
        "total": round(float(played.weeks.sum()), 1),
        "weeks_3_8": round(float(played.weeks[2:].sum()), 1),
        "fill_rate": round(played.fill_rate, 4),
    }


def demand_of(panel: Panel, start: int, weeks: int) -> tuple[np.ndarray, np.ndarray]:
    """Sales of some weeks and which of them count; what is unknown or censored is no demand."""
    demand = panel.demand()[:, start : start + weeks].astype(np.float64)
    return demand, np.isfinite(demand)


def warmed_up(past: Panel, full: Panel, start: int) -> Stock:
    """Shelf and pipeline that the organisers' kind of policy has at a start, eight weeks after it began."""
    begin = past.at(full.first + start - WARM_UP - 1)
    rows = np.isin(full.ids, begin.ids)
    player = Organisers(begin)
    stock = Stock(on_hand=np.rint(player.forecast().sum(axis=1)), pipeline=np.zeros((begin.n, LEAD + 1)))
    demand, scored = demand_of(full.take(np.flatnonzero(rows)), start - WARM_UP, WARM_UP)
    closing = play(player, Market(demand), stock, scored=scored, last_order=WARM_UP).closing
    on_hand, pipeline = np.zeros(past.n), np.zeros((past.n, LEAD + 1))
    at = np.isin(past.ids, begin.ids)
    on_hand[at], pipeline[at] = closing.on_hand, closing.pipeline
    return Stock(on_hand=on_hand, pipeline=pipeline)


def starts_of(length: int, half: str) -> range:
    """First weeks of the spans of a half: every other of the last twelve spans; the very last one reports."""
    first = length - SPANS * WEEKS + (WEEKS if half == "report" else 0)
    return range(first, length, 2 * WEEKS)


def rehearse(full: Panel, *, half: str) -> dict[str, object]:
    """Both players over the spans of a half of history, none of which overlap."""
    rows = []
    for start in starts_of(full.length, half):
        past = full.at(full.first + start - 1)
        listed = full.take(np.flatnonzero(np.isin(full.ids, past.ids)))
        demand, scored = demand_of(listed, start, WEEKS)
        stock = warmed_up(past, full, start)
        ours = play(Ours(past), Market(demand), stock, scored=scored)
        theirs = play(Organisers(past), Market(demand), stock, scored=scored)
        rows.append((full.frequency.start_of(full.first + start), ours, theirs))
        print(line_of(*rows[-1]), file=sys.stderr, flush=True)
    return {"half": half, **pooled(rows)}


def line_of(start: object, ours: Played, theirs: Played) -> str:
    """One span in words: the weeks that orders can change."""
    mine, others = ours.weeks[2:].sum(), theirs.weeks[2:].sum()
    return f"{start}  weeks 3 to 8: ours {mine:7.0f}  organisers' kind {others:7.0f}  {mine / others - 1:+.1%}"


def pooled(rows: list[tuple[object, Played, Played]]) -> dict[str, object]:
    """All spans together; every span is one block of time, so the interval is Student's t over spans."""
    weekly = np.concatenate([ours.weeks - theirs.weeks for _, ours, theirs in rows])
    saved = total_with_interval(weekly, blocks=len(rows))
    ours, theirs = (np.stack([row[k].weeks for row in rows]) for k in (1, 2))
    k = len(rows)
    return {
        "rehearsal_spans": [
            {"start": str(start), "ours": told(ours), "organisers_kind": told(theirs)} for start, ours, theirs in rows
        ],
        "weeks": ours.mean(axis=0).round(1).tolist(),
        "total": round(float(ours.sum() / k), 1),
        "weeks_3_8": round(float(ours[:, 2:].sum() / k), 1),
        "fill_rate": round(sum(row[1].sold for row in rows) / sum(row[1].sold + row[1].lost for row in rows), 4),
        "organisers_kind_total": round(float(theirs.sum() / k), 1),
        "organisers_kind_weeks_3_8": round(float(theirs[:, 2:].sum() / k), 1),
        "difference_per_span": round(saved.value / k, 1),
        "difference_interval_95": [round(saved.low / k, 1), round(saved.high / k, 1)],
        "difference_share_of_weeks_3_8": round(saved.value / float(theirs[:, 2:].sum()), 4),
        "share_interval_95": [round(end / float(theirs[:, 2:].sum()), 4) for end in (saved.low, saved.high)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sales", type=Path, required=True)
    parser.add_argument("--state", type=Path, help="opening state of the real game; with --actuals")
    parser.add_argument("--actuals", type=Path)
    parser.add_argument("--half", choices=("choose", "report"), default="choose", help="spans to rehearse on")
    asked = parser.parse_args()
    panel = read_sales(asked.sales)
    if asked.actuals is None:
        answer = rehearse(panel, half=asked.half)
    elif asked.state is None:
        parser.error("--actuals needs --state: the real game opens with stock that is not in the sales")
    else:
        answer = game(panel, read_state(asked.state, panel.ids), read_actuals(asked.actuals, panel.ids))
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
