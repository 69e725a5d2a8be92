"""How often the search for a root cause names the slice that was broken, and how often it names one where none was.

    python benchmarks/root_cause.py --cases 200
    FINALMILE_DATA=... python benchmarks/root_cause.py --cases 200 --source m5

A case is 40,000 rows in a reference and a current window, told apart by six dimensions. In the current window the
forecasts of one slice of one, two or three literals go wrong: scattered (`rate`), shifted (`bias`), or both, by an
amount and over a size that vary. In half of the cases the volume of an unrelated slice is multiplied or divided too,
forecasts and sales alike: that is no fault. A hit is the exact slice, or one that holds the same rows but for a tenth
(Jaccard at least .9).

A case is answerable where an oracle that knows how many conditions to look for has the true slice among its first
three by any of three plain statistics: a slice of few rows whose rise is that of chance is found by nobody. The share
of hits is told of all cases and of those; the bar is held against all of them.

One JSON line per cell: share of cases whose slice comes first, and among the first three; of the findings that are
told with confidence likewise; findings in windows in which nothing changed, or only volume did; seconds for a million
rows.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from finalmile.monitoring.why import search_rows
from finalmile.monitoring.why.dimensions import Dimension, number
from finalmile.monitoring.why.rows import LossRows

SIZES = (8, 5, 10, 4, 7)
KINDS = ("rate", "bias", "both")
BAR = 0.95
LEAST_RISE = 1.5
LEAST_SHARE = 0.01


def synthetic(rng, rows=40_000, per_series=8):
    """Sales and forecasts of series in two windows: five attributes of the series and one of the row."""
    n = rows // per_series
    weights = [rng.dirichlet(np.full(size, 4.0)) for size in SIZES]
    series = [rng.choice(size, p=weight, size=n) for size, weight in zip(SIZES, weights, strict=True)]
    level = rng.lognormal(2.0, 0.8, n)
    scatter = np.exp(sum(rng.normal(0, 0.25, size)[codes] for size, codes in zip(SIZES, series, strict=True))) * 0.25
    owner = np.repeat(np.arange(n), per_series)
    weekday = rng.integers(0, 7, rows)
    current = np.tile(np.arange(per_series) >= per_series // 2, n)
    mean = level[owner] * np.exp(rng.normal(0, 0.2, 7))[weekday]
    day = rng.integers(0, 28, rows) + np.where(current, 28, 0)
    codes = [one[owner] for one in series] + [weekday]
    return {
        "codes": codes, "sizes": (*SIZES, 7), "mean": mean, "scatter": scatter[owner],
        "current": current, "series": owner, "period": day, "numbers": {5: False},
    }  # fmt: skip


def realised(world, rng, *, scatter=1.0, shift=1.0, volume=1.0):
    """Units sold and units forecast of every row."""
    mean = world["mean"] * volume
    sold = rng.negative_binomial(8, 8 / (8 + mean * shift))
    told = mean * np.exp(rng.normal(0, 1, len(mean)) * world["scatter"] * scatter)
    return sold.astype(float), told


def drawn_slice(world, rng, dims, *, least, most):
    """A slice of so many literals that holds between these shares of the current rows."""
    for _ in range(1000):
        chosen = rng.choice(len(world["sizes"]), dims, replace=False)
        at = rng.integers(len(world["mean"]))
        inside = np.ones(len(world["mean"]), dtype=bool)
        for d in chosen:
            inside &= world["codes"][d] == world["codes"][d][at]
        share = inside[world["current"]].mean()
        if least <= share <= most:
            return tuple(sorted((int(d), int(world["codes"][d][at])) for d in chosen)), inside
    raise RuntimeError("no slice of that size")


def fault(world, realise, rng, *, dims, kind):
    """A slice, and how its rows go wrong in the current window: so that they lose at least half as much again."""
    while True:
        truth, inside = drawn_slice(world, rng, dims, least=LEAST_SHARE, most=0.35)
        now = inside & world["current"]
        scatter, shift = np.ones(len(now)), np.ones(len(now))
        if kind in ("rate", "both"):
            scatter[now] = rng.uniform(2.0, 6.0)
        if kind in ("bias", "both"):
            shift[now] = rng.choice([rng.uniform(0.3, 0.7), rng.uniform(1.4, 2.5)])
        seed = int(rng.integers(2**32))
        fine, faulty = (
            np.abs(np.subtract(*realise(world, np.random.default_rng(seed), scatter=a, shift=b)))[now].sum()
            for a, b in ((1.0, 1.0), (scatter, shift))
        )
        if faulty >= LEAST_RISE * fine:
            return truth, inside, scatter, shift


def m5_world(folder, rng, rows=40_000, *, in_time=False):
    """Real daily sales of M5, forecast by the same weekday's mean of eight weeks before.

    The days of six weeks are dealt at random to the two windows, so that nothing but what is injected differs between
    them; `in_time` keeps the last two weeks together, with all that really changed then.
    """
    import polars as pl

    sales = m5_world.cache.get("sales")
    if sales is None:
        names = ["unique_id", "ds", "y", "price", "dept_id", "cat_id", "store_id", "state_id"]
        sales = pl.read_parquet(Path(folder) / "m5_sales.parquet", columns=names).sort("unique_id", "ds")
        texts = [name for name, kind in sales.schema.items() if kind not in (pl.Float32, pl.Float64, pl.Date)]
        sales = sales.with_columns(pl.col(name).cast(pl.String) for name in texts if name not in ("y", "price", "ds"))
        sales = sales.with_columns(pl.col("ds").cast(pl.Date), pl.col("y").cast(pl.Float64))
        back = [pl.col("y").shift(7 * k).over("unique_id") for k in range(1, 9)]
        sales = sales.with_columns(mean=pl.mean_horizontal(back), weekday=pl.col("ds").dt.weekday()).drop_nulls("mean")
        m5_world.cache["sales"] = sales
    days = sales["ds"].unique().sort()
    start = days[int(rng.integers(400, len(days) - 60))]
    import datetime as dt

    window = sales.filter(pl.col("ds").is_between(start, start + dt.timedelta(days=41)))
    kept = rng.permutation(window["unique_id"].unique().sort().to_numpy())[: rows // 42]
    window = window.filter(pl.col("unique_id").is_in(kept.tolist()))
    level = window.group_by("unique_id").agg(pl.col("mean").mean().alias("level"))
    window = window.join(level, on="unique_id", maintain_order="left")
    names = ["dept_id", "store_id", "state_id"]
    codes = [np.unique(window[name].to_numpy(), return_inverse=True)[1] for name in names]
    cuts = [np.quantile(window[name].fill_null(0).to_numpy(), np.arange(1, 5) / 5) for name in ("price", "level")]
    for name, cut in zip(("price", "level"), cuts, strict=True):
        codes.append(np.searchsorted(cut, window[name].fill_null(0).to_numpy(), side="right"))
    codes.append(window["weekday"].to_numpy().astype(int) - 1)
    period = (window["ds"] - start).dt.total_days().to_numpy()
    late = np.arange(42) >= 28
    late = late if in_time else rng.permutation(late)
    return {
        "codes": codes, "sizes": tuple(int(one.max()) + 1 for one in codes), "y": window["y"].to_numpy(),
        "mean": window["mean"].to_numpy(), "current": late[period],
        "series": np.unique(window["unique_id"].to_numpy(), return_inverse=True)[1],
        "period": period,
    }  # fmt: skip


m5_world.cache = {}


def realised_m5(world, rng, *, scatter=1.0, shift=1.0, volume=1.0):
    """Real sales and their forecast; a fault thins, multiplies or scrambles what was forecast or sold."""
    sold, told = world["y"] * volume, world["mean"] * volume
    extra = np.sqrt(np.maximum(np.asarray(scatter) ** 2 - 1, 0)) * 0.35
    told = told * np.exp(rng.normal(0, 1, len(told)) * extra)
    sold = np.where(
        np.asarray(shift) < 1, rng.binomial(sold.astype(int), np.minimum(shift, 1.0)), np.rint(sold * shift)
    )
    return sold, told


def rows_of(world, sold, told):
    dimensions = tuple(
        Dimension(name=f"d{i}", codes=one.astype(np.int32), labels=tuple(str(k) for k in range(size)))
        for i, (one, size) in enumerate(zip(world["codes"], world["sizes"], strict=True))
    )
    return LossRows(
        current=world["current"], loss=np.abs(told - sold), exposure=sold, error=told - sold, dimensions=dimensions,
        series=world["series"].astype(np.int32), period=world["period"].astype(np.int64),
    )  # fmt: skip


def one_case(make, realise, seed, *, dims, kind, decoy):
    """What the search says of one case, and what is true."""
    rng = np.random.default_rng(seed)
    world = make(rng)
    scatter = shift = np.ones(len(world["current"]))
    truth = None
    if dims:
        truth, _, scatter, shift = fault(world, realise, rng, dims=dims, kind=kind)
    volume = np.ones(len(world["current"]))
    if decoy:
        _, moved = drawn_slice(world, rng, int(rng.integers(1, 3)), least=0.02, most=0.3)
        volume[moved & world["current"]] = rng.choice([rng.uniform(0.3, 0.6), rng.uniform(2.0, 4.0)])
        volume = np.rint(volume) if "y" in world else volume
        volume = np.maximum(volume, 1.0 if "y" in world else 0.0)
    sold, told = realise(world, rng, scatter=scatter, shift=shift, volume=volume)
    rows = rows_of(world, sold, told)
    began = time.process_time()
    found = search_rows(rows)
    spent = time.process_time() - began
    return world, truth, found, spent, truth is not None and answerable(world, truth, rows)


def rank(world, truth, found):
    """Place of the true slice among those found, from 0; None where it is not there."""
    inside = np.ones(len(world["current"]), dtype=bool)
    for d, code in truth:
        inside &= world["codes"][d] == code
    for place, one in enumerate(found):
        mine = np.ones(len(inside), dtype=bool)
        for d, low, high in one.literals:
            mine &= (world["codes"][d] >= low) & (world["codes"][d] <= high)
        if (mine & inside).sum() >= 0.9 * (mine | inside).sum():
            return place
    return None


def oracle(rows, dims):
    """Slices of just so many values, best first, by each of three plain statistics that know how many they look for.

    Welch's t of the loss, of the loss with the largest cut off, and of the signed error, each less its series' mean in
    the reference and over the series' usual loss.
    """
    before = ~rows.current
    size = int(rows.series.max()) + 1
    held = np.maximum(np.bincount(rows.series[before], minlength=size), 1)
    usual = np.bincount(rows.series[before], weights=rows.loss[before], minlength=size) / held
    usual = (usual + 0.5 * rows.loss[before].mean())[rows.series]
    relative = rows.loss / usual
    values = (rows.loss, np.minimum(relative, np.quantile(relative[before], 0.99)), rows.error / usual)
    told = []
    for value in values:
        mean = np.bincount(rows.series[before], weights=value[before], minlength=size) / held
        told.append(_ranked(rows, value - mean[rows.series], dims))
    return told


def _ranked(rows, value, dims):
    found = []
    for chosen in itertools.combinations(range(len(rows.dimensions)), dims):
        sizes = [len(rows.dimensions[d].labels) for d in chosen]
        key = np.ravel_multi_index([rows.dimensions[d].codes for d in chosen], sizes)
        count, total, square = (
            np.bincount(2 * key + rows.current, weights=one, minlength=2 * int(np.prod(sizes))).reshape(-1, 2)
            for one in (np.ones(rows.n), value, value**2)
        )
        mean = total / np.maximum(count, 1)
        error = (square / np.maximum(count, 1) - mean**2) / np.maximum(count - 1, 1)
        t = np.abs(mean[:, 1] - mean[:, 0]) / np.sqrt(np.maximum(error.sum(axis=1), 1e-12))
        t = np.where((count >= 10).all(axis=1), t, 0.0)
        for at in np.argsort(-t)[:3]:
            codes = np.unravel_index(int(at), sizes)
            found.append((float(t[at]), tuple((d, int(c)) for d, c in zip(chosen, codes, strict=True))))
    return [slice_ for _, slice_ in sorted(found, reverse=True)]


def answerable(world, truth, rows):
    """Whether any of the oracle's statistics has the true slice among its first three."""
    asked = _inside(world, truth)
    for told in oracle(rows, len(truth)):
        for one in told[:3]:
            mine = _inside(world, one)
            if (mine & asked).sum() >= 0.9 * (mine | asked).sum():
                return True
    return False


def _inside(world, literals):
    told = np.ones(len(world["current"]), dtype=bool)
    for d, code in literals:
        told &= world["codes"][d] == code
    return told


def hits(make, realise, *, dims, cases, seed):
    places, sure, spent, fair = [], [], [], []
    for case in range(cases):
        kind, decoy = KINDS[case % 3], case % 2 == 1
        world, truth, found, seconds, known = one_case(make, realise, seed + case, dims=dims, kind=kind, decoy=decoy)
        places.append(rank(world, truth, found))
        sure.append(rank(world, truth, [one for one in found if one.sure]))
        spent.append(seconds)
        fair.append(known)

    def within(told, k):
        return round(float(np.mean([place is not None and place < k for place in told])), 3) if told else None

    by_kind = {kind: within(places[i::3], 3) for i, kind in enumerate(KINDS)}
    return {
        "dims": dims, "cases": cases, "hit@1": within(places, 1), "hit@3": within(places, 3), "bar": BAR,
        "answerable": sum(fair), "hit@3 of answerable": within([p for p, k in zip(places, fair, strict=True) if k], 3),
        "sure hit@1": within(sure, 1), "sure hit@3": within(sure, 3), "hit@3 by kind": by_kind,
        "with decoy": within(places[1::2], 3), "without": within(places[::2], 3),
        "cpu_ms": round(1000 * float(np.median(spent)), 1),
    }  # fmt: skip


def quiet(make, realise, *, cases, seed, decoy):
    """Share of cases in which a slice is told with confidence though no forecast got worse."""
    wrong = ranked = 0
    for case in range(cases):
        _, _, found, _, _ = one_case(make, realise, seed + case, dims=0, kind="", decoy=decoy)
        wrong += any(one.sure for one in found)
        ranked += bool(found)
    return {"quiet": "volume only" if decoy else "no change", "cases": cases, "false findings": round(wrong / cases, 3),
            "unsure suggestions": round(ranked / cases, 3), "bar": 0.05}  # fmt: skip


def speed(seed, rows=1_000_000):
    """Seconds of the search over a million rows, with two of the dimensions numbers cut into ranges."""
    rng = np.random.default_rng(seed)
    world = synthetic(rng, rows=rows, per_series=40)
    truth, _, scatter, shift = fault(world, realised, rng, dims=2, kind="both")
    told = rows_of(world, *realised(world, rng, scatter=scatter, shift=shift))
    price = number("price", rng.lognormal(0, 1, rows // 40)[world["series"]])
    many = LossRows(
        current=told.current, loss=told.loss, exposure=told.exposure, error=told.error,
        dimensions=(*told.dimensions, price), series=told.series, period=told.period,
    )  # fmt: skip
    search_rows(told.take(np.arange(2000)))
    cpu, wall = time.process_time(), time.perf_counter()
    found = search_rows(many)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"rows": rows, "dimensions": len(many.dimensions), "cpu_s": round(cpu, 3), "wall_s": round(wall, 3),
            "bar": 1.0, "hit": rank(world, truth, found) == 0}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--source", choices=("synthetic", "m5", "both"), default="both")
    asked = parser.parse_args()
    folder = os.environ.get("FINALMILE_DATA")
    sources = {"synthetic": (synthetic, realised)}
    if folder:
        sources["m5"] = (lambda rng: m5_world(folder, rng), realised_m5)
        sources["m5 in time"] = (lambda rng: m5_world(folder, rng, in_time=True), realised_m5)
    elif asked.source == "m5":
        print(json.dumps({"skipped": "set FINALMILE_DATA to the folder of m5_sales.parquet"}))
        return 0
    missed = False
    for name, (make, realise) in sources.items():
        if asked.source not in (name.split()[0], "both"):
            continue
        for dims in (1, 2, 3):
            told = hits(make, realise, dims=dims, cases=asked.cases, seed=asked.seed + 100_000 * dims)
            missed |= told["hit@3"] < BAR and name != "m5 in time"
            print(json.dumps({"source": name, **told}), flush=True)
        for decoy in (False, True):
            told = quiet(make, realise, cases=asked.cases, seed=asked.seed + 900_000, decoy=decoy)
            missed |= told["false findings"] > told["bar"] and name != "m5 in time"
            print(json.dumps({"source": name, **told}), flush=True)
    if asked.source != "m5":
        told = speed(asked.seed)
        missed |= told["wall_s"] > told["bar"]
        print(json.dumps({"source": "synthetic", **told}), flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
