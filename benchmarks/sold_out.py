"""What learning from periods that sold out is worth, where true demand is known: a simulated retailer's.

`python benchmarks/sold_out.py` prints a JSON line per retailer and one over all of them: forecasts of the four weeks
after the cutoff over expected demand, on promotions and on other days, and the share of windows of 7 and 14 days whose
true demand stayed within the 98 % quantile; as the product learns (`learned`) and with every period that sold out taken
as unknown (`left_out`). Sales end in an empty shelf where more was wanted; nothing but sales, stock and offers is seen.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl

from finalmile.forecasters.recipes.lightgbm import LightGBM
from finalmile.frames import Frequency, Panel, panel_from_sales, same_windows
from finalmile.sandbox import Retailer, World

AHEAD, LEVEL, WINDOWS = 28, 0.98, [7, 14]
Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--retailers", type=int, default=8)
    parser.add_argument("--seed", type=int, default=100, help="the first retailer's")
    parser.add_argument("--days", type=int, default=600)
    parser.add_argument("--service-z", type=float, default=1.65, help="safety factor of the retailer's own orders")
    asked = parser.parse_args()
    told: dict[str, list[Figures]] = {"left_out": [], "learned": []}
    for seed in range(asked.seed, asked.seed + asked.retailers):
        world = Retailer(seed=seed, products=60, stores=2, days=asked.days, service_z=asked.service_z).simulate()
        panel, expected, came = seen_and_true(world)
        unknown = np.where(panel.censored, np.float32(np.nan), panel.y)
        arms = {"left_out": replace(panel, y=unknown, censored=np.zeros_like(panel.censored)), "learned": panel}
        for name, arm in arms.items():
            told[name].append(figures(arm, expected, came))
        line = {"seed": seed, "sold_out": round(float(panel.censored.mean()), 4)}
        print(json.dumps(line | {name: rows[-1] for name, rows in told.items()}), flush=True)
    print(json.dumps({name: mean_of(rows) for name, rows in told.items()} | {"retailers": asked.retailers}))


def seen_and_true(world: World) -> tuple[Panel, np.ndarray, np.ndarray]:
    """What a shop knows four weeks before the end; expected and true demand of these weeks, NaN where not listed."""
    sales = world.sales.with_columns(censored=pl.col("on_hand") <= 0, promo=pl.col("promo").cast(pl.Float32))
    day = Frequency("day")
    cutoff = int(day.index(pl.Series([world.end - timedelta(days=AHEAD)]))[0])
    offers = sales.select("unique_id", "ds", "price", "promo")
    panel = panel_from_sales(
        sales, frequency=day, cutoff=cutoff, future=offers, ahead=AHEAD, covariates=("price", "promo"),
        items=world.items, statics=("category",),
    )  # fmt: skip
    true = world.demand.filter(pl.col("ds") > world.end - timedelta(days=AHEAD))
    rows = {name: row for row, name in enumerate(panel.ids)}
    known = true.filter(pl.col("unique_id").is_in(list(rows)))
    at = (known["unique_id"].replace_strict(rows).to_numpy(), day.index(known["ds"]) - cutoff - 1)
    expected, came = (np.full((panel.n, AHEAD), np.nan) for _ in range(2))
    expected[at], came[at] = known["expected"].to_numpy(), known["demand"].to_numpy()
    return panel, expected, came


def figures(panel: Panel, expected: np.ndarray, came: np.ndarray) -> Figures:
    """Forecasts over truth, and coverage of true demand."""
    told = LightGBM().fit(panel).predict(
        panel, horizon=AHEAD, windows=same_windows(panel.n, WINDOWS), levels=(LEVEL,)
    )  # fmt: skip
    assert told.cumulative is not None
    listed = np.isfinite(expected)
    promo = (panel.covariates["promo"][:, -AHEAD:] > 0) & listed
    ratio = {
        name: float(told.mean[where].sum() / expected[where].sum())
        for name, where in (("promotions", promo), ("other_days", ~promo & listed))
    }
    wanted = came.cumsum(axis=1)[:, np.asarray(WINDOWS) - 1]
    levels, whole = told.cumulative.values[:, :, 0], np.isfinite(wanted)
    covered = {
        f"covered_{window}": float((wanted[:, k] <= levels[:, k])[whole[:, k]].mean())
        for k, window in enumerate(WINDOWS)
    }
    stock = float(levels[whole].sum() / wanted[whole].sum())
    return {name: round(value, 4) for name, value in {**ratio, **covered, "level_over_demand": stock}.items()}


def mean_of(rows: list[Figures]) -> Figures:
    return {name: round(float(np.mean([row[name] for row in rows])), 4) for name in rows[0]}


if __name__ == "__main__":
    main()
