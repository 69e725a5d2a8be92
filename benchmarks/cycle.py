"""One business day of a whole retailer: seconds, memory, and how they grow with the number of series. One JSON line.

    FINALMILE_DATA=... python benchmarks/cycle.py --series 30490 --days 500 --sizes 3000,10000,30490

The retailer is M5 scaled to every (store, item) of its real price file: each has the real history of a donor drawn,
seeded by its name, from the same department. Nothing here says how accurate anything is.

Built outside the timing, for each size, in a process of its own: so many days of history in files of 100 days, items
with one of 40 suppliers, lead times of 3 to 14 days and a unit cost of 0.7 x price, covariates known ahead, a stock
count, a trained and promoted LightGBM version, and one business day, so that there is a forecast to judge and a
proposal to supersede. The trees have the product's usual number and size and learn from a sample of the series, the
same for every size; the reference that monitoring compares with is made for every series. Every item is reviewed
every day (``--review-days 1``), which is the most that a day can be asked to plan.

Timed, in a fresh process: the next day's sales are ingested from a Parquet file, and that day is run: monitor,
respond, forecast of 28 days and of every item's window, plan. ``seconds`` is from opening the project to the end of
the day; ``imports_s`` comes before it. ``predict_s`` is what LightGBM's own predict took in it, on the same rows, in
the same process; ``multiple`` is seconds over that. ``exponent`` is the slope of log seconds on log series over all
sizes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

DAYS_PER_FILE, SUPPLIERS, COVER_DAYS, KNOWN_AHEAD = 100, 40, 10, 45
HORIZON, REFERENCE, SERIES_AT_ONCE = 28, 60, 4096
SNAP = ("snap_CA", "snap_TX", "snap_WI")
HIERARCHY = ("item_id", "dept_id", "cat_id", "store_id", "state_id")


@dataclass
class Standing:
    """A clock that is put where it is wanted."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def evening_of(self, day: date) -> None:
        self.at = datetime(day.year, day.month, day.day, 23, tzinfo=UTC)


def chance(name: str, purpose: str) -> float:
    return int.from_bytes(hashlib.sha256(f"{purpose}/{name}".encode()).digest()[:8], "big") / 2**64


class Retailer:
    """The first ``series`` of the scaled M5, in an order that mixes stores and departments."""

    def __init__(self, data: Path, *, series: int) -> None:
        prices = pl.read_parquet(data / "m5_prices_all_30490.parquet").with_columns(
            pl.col("store_id", "item_id").cast(pl.String)
        )
        names = prices.select("store_id", "item_id").unique().sort("store_id", "item_id")
        names = names.with_columns(
            unique_id=pl.format("{}_{}", "item_id", "store_id"),
            dept_id=pl.col("item_id").str.extract(r"^(.*)_\d+$"),
            cat_id=pl.col("item_id").str.extract(r"^([A-Z]+)_"),
            state_id=pl.col("store_id").str.extract(r"^([A-Z]+)_"),
        )
        order = pl.Series("order", [chance(name, "order") for name in names["unique_id"]])
        self.names = names.with_columns(order).sort("order").head(series).drop("order")
        self.donors = self._drawn(data)
        weeks = pl.read_parquet(data / "m5_calendar.parquet", columns=["ds", "wm_yr_wk", *SNAP])
        self.calendar = weeks.with_columns(pl.col("ds").cast(pl.Date))
        self.prices = prices.join(self.names.select("store_id", "item_id", "unique_id"), on=["store_id", "item_id"])
        self.last: date = self.donors["ds"].max()  # type: ignore[assignment]

    def sales(self, first: date, last: date) -> pl.DataFrame:
        """Rows of these days, as a till exports them: sales, price, event, snap and the hierarchy."""
        told = self.donors.filter(pl.col("ds").is_between(first, last))
        rows = self.names.with_columns(self.donor_of).join(told, on="donor").drop("donor")
        return self._priced(rows).select("unique_id", "ds", "y", "price", "event", "snap", *HIERARCHY)

    def known_ahead(self, first: date, last: date) -> pl.DataFrame:
        """Prices and snap days to come, of every series."""
        days = self.calendar.filter(pl.col("ds").is_between(first, last)).select("ds")
        rows = self._priced(self.names.join(days, how="cross"))
        snap = self.calendar.unpivot(index="ds", on=SNAP, variable_name="state_id", value_name="snap")
        snap = snap.with_columns(pl.col("state_id").str.strip_prefix("snap_"))
        return rows.join(snap, on=["ds", "state_id"], how="left").select("unique_id", "ds", "price", "snap")

    def items(self, at: date, *, review_days: int) -> pl.DataFrame:
        """Supplier, lead time, cost and review period of each item."""
        priced = self._priced(self.names.with_columns(pl.lit(at).alias("ds")))
        ids = priced["unique_id"].to_list()
        return priced.select(
            "unique_id",
            pl.Series("supplier_id", [f"supplier {int(SUPPLIERS * chance(one, 'supplier')):02d}" for one in ids]),
            pl.Series("lead_time_days", [3 + int(12 * chance(one, "lead")) for one in ids]),
            (0.7 * pl.col("price").fill_null(3.0)).alias("unit_cost"),
            pl.lit(review_days).alias("review_period_days"),
        )

    def stock(self, at: date) -> pl.DataFrame:
        """A count of what a few days usually sell, more or less, by item."""
        recent = self.donors.filter(pl.col("ds").is_between(at - timedelta(days=28), at))
        usual = recent.group_by("donor").agg(pl.col("y").mean())
        rows = self.names.with_columns(self.donor_of).join(usual, on="donor", how="left").sort("unique_id")
        share = pl.Series([2 * COVER_DAYS * chance(one, "stock") for one in rows["unique_id"]])
        return rows.select("unique_id", pl.lit(at).alias("at"), on_hand=(pl.col("y").fill_null(0) * share).round())

    @property
    def donor_of(self) -> pl.Series:
        pools = {str(dept): frame["donor"].to_list() for (dept,), frame in self.pool.group_by("dept_id")}
        of = zip(self.names["unique_id"], self.names["dept_id"], strict=True)
        return pl.Series("donor", [pools[dept][int(chance(one, "donor") * len(pools[dept]))] for one, dept in of])

    def _drawn(self, data: Path) -> pl.DataFrame:
        rows = pl.read_parquet(data / "m5_sales.parquet", columns=["unique_id", "ds", "y", "event", "snap", "dept_id"])
        rows = rows.with_columns(pl.col("unique_id", "dept_id", "event").cast(pl.String), pl.col("ds").cast(pl.Date))
        rows = rows.rename({"unique_id": "donor"})
        self.pool = rows.select("donor", "dept_id").unique().sort("donor")
        return rows.drop("dept_id")

    def _priced(self, rows: pl.DataFrame) -> pl.DataFrame:
        rows = rows.join(self.calendar.select("ds", "wm_yr_wk"), on="ds")
        prices = self.prices.select("unique_id", "wm_yr_wk", price="sell_price")
        return rows.join(prices, on=["unique_id", "wm_yr_wk"], how="left")


def promoted(project: Any, names: pl.Series, *, model: Path, sample: int) -> None:
    """Train on a sample once for all sizes, make the reference of every series of this one, and put it live."""
    from finalmile.forecasters.recipes.lightgbm import LightGBM
    from finalmile.frames import OneStep
    from finalmile.workflows.train import keep, sales_at

    shop = project.shop
    panel = sales_at(shop, shop.known.newest, ahead=HORIZON)
    if not model.exists():
        rows = np.flatnonzero(np.isin(panel.ids, names.head(sample).to_numpy()))
        recipe = LightGBM(horizon=HORIZON, rows=sample * 100, window_rows=sample * 50)
        model.mkdir()
        recipe.fit(panel.take(rows)).save(model)
    fitted: Any = LightGBM.load(model)
    starts = range(0, panel.n, SERIES_AT_ONCE)
    parts = [panel.take(np.arange(at, min(at + SERIES_AT_ONCE, panel.n))) for at in starts]
    told = np.concatenate([fitted.model.one_step(part, periods=REFERENCE) for part in parts])
    reference = OneStep(ids=panel.ids, first=panel.cutoff - REFERENCE + 1, mean=told)
    digest = keep(shop, replace(fitted, known_one_step=reference))
    shop.ledger.new_version(
        model="demand", kind="lightgbm", digest=digest, cutoff=shop.day(panel.cutoff), settings={},
        at=shop.clock.now(), actor="benchmark",
    )  # fmt: skip
    project.promote("demand", force=True, why="benchmark")


def build(folder: Path, *, data: Path, series: int, days: int, review_days: int, model: Path, sample: int) -> None:
    """A project as it stands in the evening before the day that is timed, and that day's file beside it."""
    from finalmile.project import Project

    retailer = Retailer(data, series=series)
    today = retailer.last
    counted = today - timedelta(days=2)
    clock = Standing(datetime(2016, 1, 1, tzinfo=UTC))
    project = Project.init(folder / "shop", clock=clock)
    start = counted - timedelta(days=days - 1)
    while start <= counted:
        end = min(start + timedelta(days=DAYS_PER_FILE - 1), counted)
        clock.evening_of(end)
        project.ingest("sales", retailer.sales(start, end))
        start = end + timedelta(days=1)
    project.ingest("items", retailer.items(counted, review_days=review_days))
    project.ingest("stock", retailer.stock(counted))
    project.ingest("future", retailer.known_ahead(counted, counted + timedelta(days=KNOWN_AHEAD)))
    say(f"{series:,} series: history kept")
    promoted(project, retailer.names["unique_id"], model=model, sample=sample)
    say(f"{series:,} series: a version is live")
    project.run_day()
    yesterday = today - timedelta(days=1)
    clock.evening_of(yesterday)
    project.ingest("sales", retailer.sales(yesterday, yesterday))
    project.run_day()
    retailer.sales(today, today).write_parquet(folder / f"{today}.parquet")


def play(folder: Path) -> dict[str, Any]:
    """Ingest the next day and run it; what it took."""
    began = time.perf_counter()
    import lightgbm

    from finalmile.project import Project
    from finalmile.workflows import cycle, day

    file = next(folder.glob("*.parquet"))
    clock = Standing(datetime(2016, 1, 1, tzinfo=UTC))
    clock.evening_of(date.fromisoformat(file.stem))
    stages: dict[str, float] = {}
    calls = {"rows": 0}

    def rows_of(_booster: object, features: np.ndarray, *_: object, **__: object) -> None:
        calls["rows"] += len(features)

    watched(stages, lightgbm.Booster, "predict", note=rows_of)
    for module, name in ((day, "monitor"), (day, "respond"), (day, "forecast"), (cycle, "plan")):
        watched(stages, module, name)
    ready, cpu = time.perf_counter(), time.process_time()
    with timed(stages, "open"):
        project = Project.open(folder / "shop", clock=clock)
    with timed(stages, "ingest"):
        arrived = project.ingest("sales", file)
    with timed(stages, "run"):
        done = project.run_day()
    seconds, cpu = time.perf_counter() - ready, time.process_time() - cpu
    if done.planned is None:
        raise SystemExit(f"nothing was planned: {done.notes}")
    predict = stages.pop("predict")
    stages["other"] = stages.pop("run") - sum(stages[name] for name in ("monitor", "respond", "forecast", "plan"))
    return {
        "series": arrived.series,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "imports_s": ready - began,
        "stages": stages,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "predict_s": predict,
        "predict_rows": calls["rows"],
        "order_lines": len(done.planned.orders),
        "looks": done.monitored.looks,
    }


@contextmanager
def timed(stages: dict[str, float], name: str) -> Generator[None]:
    began = time.perf_counter()
    yield
    stages[name] = stages.get(name, 0.0) + time.perf_counter() - began


def watched(stages: dict[str, float], owner: Any, name: str, *, note: Callable[..., None] | None = None) -> None:
    """Let every call of a function be timed."""
    whole = getattr(owner, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        if note is not None:
            note(*args, **kwargs)
        with timed(stages, name):
            return whole(*args, **kwargs)

    setattr(owner, name, call)


def exponent(runs: list[dict[str, Any]]) -> float | None:
    if len(runs) < 2:
        return None
    slope, _ = np.polyfit(np.log([run["series"] for run in runs]), np.log([run["seconds"] for run in runs]), 1)
    return float(slope)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measured(size: int, *, base: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    folder = base / str(size)
    shared = [sys.executable, __file__, "--folder", str(folder)]
    environment = {**os.environ, "POLARS_MAX_THREADS": "2", "OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}
    if not folder.exists():
        folder.mkdir()
        given = {
            "series": size,
            "days": arguments.days,
            "review-days": arguments.review_days,
            "sample": arguments.sample,
        }
        told = [word for name, value in given.items() for word in (f"--{name}", str(value))]
        subprocess.run([*shared, "--step", "build", *told], check=True, env=environment)
    say(f"{size:,} series: built, timing one day")
    day = subprocess.run([*shared, "--step", "play"], check=True, env=environment, stdout=subprocess.PIPE)
    if arguments.keep is None:
        shutil.rmtree(folder)
    return json.loads(day.stdout)


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    return round(value, 3) if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=30490, help="the size that seconds and memory are told of")
    parser.add_argument("--sizes", default="", help="sizes that the exponent is fitted over; --series joins them")
    parser.add_argument("--days", type=int, default=500, help="days of history")
    parser.add_argument("--review-days", type=int, default=1, help="days between two orders of an item")
    parser.add_argument("--sample", type=int, default=1000, help="series that the model learns from")
    parser.add_argument("--keep", type=Path, help="folder that the projects are left in, as they are after the day")
    parser.add_argument("--step", choices=("build", "play"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step == "play":
        print(json.dumps(play(arguments.folder)))
        return
    data = os.environ.get("FINALMILE_DATA")
    if not data or not (Path(data) / "m5_prices_all_30490.parquet").exists():
        raise SystemExit("set FINALMILE_DATA to the folder that holds m5_sales.parquet and m5_prices_all_30490.parquet")
    if arguments.step == "build":
        build(
            arguments.folder, data=Path(data), series=arguments.series, days=arguments.days,
            review_days=arguments.review_days, model=arguments.folder.parent / "model", sample=arguments.sample,
        )  # fmt: skip
        return
    sizes = sorted({arguments.series, *(int(size) for size in arguments.sizes.split(",") if size)})
    with tempfile.TemporaryDirectory(prefix="finalmile-cycle-") as scratch:
        runs = [measured(size, base=arguments.keep or Path(scratch), arguments=arguments) for size in sizes]
    asked = next(run for run in runs if run["series"] == arguments.series)
    print(
        json.dumps(
            rounded(
                {
                    **asked,
                    "multiple": asked["seconds"] / asked["predict_s"],
                    "exponent": exponent(runs),
                    "sizes": {str(run["series"]): run["seconds"] for run in runs},
                    "runs": runs,
                }
            )
        )
    )


if __name__ == "__main__":
    main()
