"""Demand over lead-time windows at 98 %: does it cover, and what does it cost in stock?

`python benchmarks/lead_time_demand.py --sales m5_sales.parquet` prints a JSON line per window: window, coverage,
coverage_by_class (five classes of mean demand before the origin), pinball over demand, stock over demand. Levels are
rounded up to whole units where sales are whole. Nothing after an origin is seen but price, event and SNAP columns.
"""

from __future__ import annotations

import argparse
import json
import math
import time

import numpy as np
from _sales import origins, panel_of, read, split

from finalmile.forecasters.levels import recent_level
from finalmile.frames import same_windows
from finalmile.metrics.volume import VolumeClasses
from finalmile.ports import forecasters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sales", required=True)
    parser.add_argument("--forecaster", default="lightgbm")
    parser.add_argument("--windows", type=int, nargs="+", default=[7, 14, 28])
    parser.add_argument("--level", type=float, default=0.98)
    parser.add_argument("--origins", type=int, default=4)
    parser.add_argument("--skip", type=int, default=0, help="leave out this many of the newest periods")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    panel = panel_of(read(asked.sales))
    panel = panel.at(panel.cutoff - asked.skip)
    whole = bool(np.all(np.nan_to_num(panel.y) % 1 == 0))
    settings = {"threads": asked.threads} if asked.forecaster == "lightgbm" else {}
    longest = max(asked.windows)
    seen: dict[int, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {window: [] for window in asked.windows}
    began = time.monotonic()
    for cutoff in origins(panel, horizon=longest, count=asked.origins):
        past, went_on = split(panel, cutoff, longest)
        fitted = forecasters.make(asked.forecaster, **settings).fit(past)
        told = fitted.predict(
            past.last(fitted.needs),
            horizon=longest,
            windows=same_windows(past.n, asked.windows),
            levels=[asked.level],
        ).cumulative
        assert told is not None
        came = went_on.demand()[:, -longest:].cumsum(axis=1)
        level = recent_level(past)
        group = VolumeClasses.of_means(level).of(level)
        for at, window in enumerate(asked.windows):
            value = told.values[:, at, 0]
            value = np.ceil(value - 1e-4) if whole else value
            seen[window].append((came[:, window - 1], value, group))
    took = time.monotonic() - began
    for window, parts in seen.items():
        print(json.dumps(summary(window, parts, asked.level) | {"seconds": round(took, 1), "level": asked.level}))


def summary(window: int, parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]], level: float) -> dict[str, object]:
    came, value, group = (np.concatenate(column) for column in zip(*parts, strict=True))
    judged = np.isfinite(came)
    came, value, group = came[judged].astype(float), value[judged].astype(float), group[judged]
    short = came - value
    covered = short <= 0
    loss = np.maximum(level * short, (level - 1) * short).sum()
    demand = came.sum()
    return {
        "window": window,
        "coverage": round(float(covered.mean()), 4),
        "coverage_by_class": [round(float(covered[group == one].mean()), 4) for one in np.unique(group)],
        "pinball": round(loss / demand, 4) if demand else math.nan,
        "stock_over_demand": round(value.sum() / demand, 3) if demand else math.nan,
        "windows": len(came),
        "left_out": int((~judged).sum()),
    }


if __name__ == "__main__":
    main()
