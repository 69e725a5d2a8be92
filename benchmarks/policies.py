"""Is the service that was asked for the service that came? A year of weekly orders on real sales, policy by policy.

    python benchmarks/policies.py --sales m5_sales.parquet --lead-times scms_purchase_orders.parquet --scratch FOLDER

Every series is reviewed weekly, orders arrive 7, 14 or 21 days later or after lead times drawn from real purchase
orders scaled to a mean of 14 days, demand that is not met is lost. The last 365 days of the file count, after 56 days
in which stock settles; `--year 1` is the year before them, `--year 0` the last one. Forecasts at each review come from
data up to it: the model is refitted every 91 days and recalibrated every 28. They are kept in the scratch folder, so
`--prepare` can make them beforehand and every later run reads them.

One JSON line for each row. `cycle_service` is what the product calls so: the share of cycles, each from one receipt
to the next, without lost sales. `cycle_service_by_units` is the share of units asked for in such cycles: those that
are short sold more, so it is less. `by_reviews` counts a cycle for each review, also where nothing was ordered, and is
higher where sales are slow. `fill_rate` is the share of units, `stock` mean units on hand over mean daily demand;
volume classes are units a week, set before the year.

Beside it stands mean + z sigma sqrt(L), rounded up to whole units, with the z that holds as much stock. It spreads
stock otherwise, more of it over slow sellers, whose cycles are many: so it is told with the same stock in each volume
class too. Services pooled over units are barred; cycles that count alike are told. Exits with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist

import numpy as np
import polars as pl
from _order_year import CLASSES, REVIEW, SETTLE, YEAR, Game, Outcome, share
from _sales import panel_of, read
from _weekly_told import Reviews

from finalmile.inventory.lead_times import LeadTime, certain, from_sample, told_at

LEADS = (7, 14, 21)
TOLD_AT = (4, 8, 12, 16, 21, 28, 36, 50)
POOLED = ("fill_rate", "cycle_service_by_units")
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
            if days == 14:
                began = time.monotonic()
                row = game.play(game.policy("by_simulation", lead, goal=which, **{which: 0.98}), leads).row(lead=days)
                tell("by_simulation 0.98", began, lead_time_days=days, asked=which, **row)
            if which == "cycle_service":
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
    """What other ways of ordering come to, and whether they serve less."""
    ours = game.play(levels, leads)
    bars = summed(game, ours, levels, leads, days) if days == 14 else []
    row, normal = ours.row(lead=days), normals(game, days)
    for where in ("in all", "in each class"):
        began = time.monotonic()
        each = where == "in each class"
        factor, other = normal_of_equal_stock(game, ours, normal, leads, each=each)
        told = other.row(lead=days)
        tell(f"mean + z sigma sqrt(L) at equal stock {where}", began, lead_time_days=days,
             safety_factors=factor.round(3).tolist()[: None if each else 1], **told)  # fmt: skip
        if not each:
            more = {which: float(str(row[which])) > float(str(told[which])) for which in POOLED}
            bars += [(f"more {which} than the normal formula, {days} days", held) for which, held in more.items()]
    return bars


def summed(game: Game, ours: Outcome, levels: np.ndarray, leads: np.ndarray, days: int) -> list[tuple[str, bool]]:
    """The sum of daily quantiles."""
    began = time.monotonic()
    other = game.levels(lambda one, _: np.ceil(one.daily_q98[:, : REVIEW + days].sum(axis=1) - 1e-6))
    daily = game.play(other, leads)
    of_levels = round(float(levels.sum() / other.sum()), 4)
    of_stock = share(ours.stock_by_class.sum(), daily.stock_by_class.sum()) or 0.0
    tell("sum of daily 98 % quantiles", began, lead_time_days=days, level_ours_over_it=of_levels,
         stock_ours_over_it=of_stock, **daily.row(lead=days))  # fmt: skip
    return [
        ("65 % of the levels of daily quantiles", of_levels <= 0.65),
        ("65 % of the stock of daily quantiles", of_stock <= 0.65),
    ]


def normals(game: Game, days: int) -> tuple[np.ndarray, np.ndarray]:
    """The textbook level at each review and what a standard deviation adds to it, of shape (n, reviews) each."""
    at = [game.policy("normal_order_up_to", certain(days), cycle_service=NormalDist().cdf(z)) for z in (0.0, 1.0)]
    return at[0], at[1] - at[0]


def normal_of_equal_stock(
    game: Game, ours: Outcome, normal: tuple[np.ndarray, np.ndarray], leads: np.ndarray, *, each: bool
) -> tuple[np.ndarray, Outcome]:
    """The textbook level, up to whole units, with safety factors that hold as much stock in all or in each class."""
    low, high = np.zeros(len(CLASSES) + 1), np.full(len(CLASSES) + 1, 8.0)
    wanted = ours.stock_by_class
    for _ in range(14):
        factor = (low + high) / 2
        found = game.play(np.ceil(normal[0] + factor[game.group][:, None] * normal[1] - 1e-6), leads)
        less = found.stock_by_class < wanted if each else np.full(len(low), found.stock_by_class.sum() < wanted.sum())
        low, high = np.where(less, factor, low), np.where(less, high, factor)
    return factor, found


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
