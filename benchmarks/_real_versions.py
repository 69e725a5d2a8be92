"""Differences of two forecasters' real daily losses, for benchmarks/champion.py.

Repeating last week against the mean of the last 28 days, one step ahead, on the first 1,000 series. Which of the two
is called champion is dealt by chance week by week, so that there is no difference on average while days of a week
stay together; a gain is put on top.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import polars as pl
from _sales import panel_of
from champion import DAYS, SHADOW, followed

from finalmile.monitoring.versions import Rule, persistence, relative_gain

SERIES, REPS = 1000, 300


def real_cells(sales: str, methods: Mapping[str, Rule], *, seed: int) -> bool:
    gains = daily_gains(sales)
    spread = {"days": len(gains), "sd": round(float(gains.std()), 4), "phi": round(persistence(gains), 3)}
    missed = False
    for added in (0.0, 0.02, 0.04):
        for name, rule in methods.items():
            decided = [followed(*dealt(gains, added, [seed, rep]), rule) for rep in range(REPS)]
            words = [word for word, _ in decided]
            wrong = float(np.mean([word == "lose" or (word == "win" and not added) for word in words]))
            middle = float(np.median([day if word == "win" else np.inf for word, day in decided]))
            line = {"method": name, "noise": "m5", "gain": added, "reps": REPS, "wrong": round(wrong, 4), **spread}
            if added:
                line |= {"right": round(words.count("win") / REPS, 4)}
                line |= {"median_day": middle if np.isfinite(middle) else None}
            missed |= wrong > 0.10
            print(json.dumps(line | {"bar_wrong": 0.10, "missed": wrong > 0.10}), flush=True)
    return missed


def daily_gains(sales: str) -> np.ndarray:
    lazy = pl.scan_parquet(sales)
    ids = lazy.select(pl.col("unique_id").unique().sort()).head(SERIES).collect()["unique_id"]
    rows = lazy.filter(pl.col("unique_id").is_in(ids.implode())).select("unique_id", "ds", "y").collect()
    demand = panel_of(rows.with_columns(pl.col("ds").cast(pl.Datetime("us")))).demand().astype(np.float64)
    total = np.cumsum(np.nan_to_num(demand), axis=1)
    mean = (total[:, 28:-1] - total[:, :-29]) / 28
    now, week = demand[:, 29:], demand[:, 22:-7]
    known = np.isfinite(now) & np.isfinite(week)
    losses = [np.where(known, np.abs(told - now), 0.0).sum(axis=0) for told in (week, mean)]
    return np.array([relative_gain(float(one), float(other)) for one, other in zip(*losses, strict=True)])


def dealt(gains: np.ndarray, added: float, seed: list[int]) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    start = chance.integers(0, len(gains) - SHADOW - DAYS)
    stretch = gains[start : start + SHADOW + DAYS] - gains.mean()
    signs = np.repeat(chance.choice([-1.0, 1.0], size=len(stretch) // 7 + 1), 7)[: len(stretch)]
    told = stretch * signs
    return told[SHADOW:] + added, told[:SHADOW]
