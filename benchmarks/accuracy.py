"""How good is the mean: 28 days from four origins, pooled; ours, the baselines and, where asked, a peer.

`python benchmarks/accuracy.py --sales m5_sales.parquet [--peer PYTHON | --install-peer]` prints a JSON line per
model: wrmsse (item-store: weights are revenue of the last 28 periods, scale is the in-sample naive RMSE from the
first sale, as in M5), wape, wape_total (of the total per period), fva (over seasonal naive) and bias (relative).
Price, event and SNAP columns of the periods ahead count as known, to ours and to the peer; sales never do.
The peer is mlforecast + LightGBM (tweedie, 500 days, 300 trees, recursive) in an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
import venv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from _sales import origins, panel_of, read, split

from finalmile.frames import FloatArray, Panel
from finalmile.ports import forecasters

RULES = ("seasonal_naive", "window_average", "sba", "tsb")
PEER = Path(__file__).parent / "_peers" / "mlforecast_lightgbm.py"
PEER_NEEDS = ("mlforecast==1.1.0", "lightgbm==4.7.0", "pyarrow")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sales", required=True)
    parser.add_argument("--horizon", type=int, default=28)
    parser.add_argument("--origins", type=int, default=4)
    parser.add_argument("--skip", type=int, default=0, help="leave out this many of the newest periods")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peer", help="python with mlforecast 1.1.0 and lightgbm 4.7.0")
    parser.add_argument("--peer-forecasts", help="what the peer wrote before: unique_id, ds, mean, cutoff")
    parser.add_argument("--install-peer", action="store_true", help="make an environment for the peer and run it")
    asked = parser.parse_args()
    sales = read(asked.sales)
    whole = panel_of(sales)
    whole = whole.at(whole.cutoff - asked.skip)
    parts = [split(whole, at, asked.horizon) for at in origins(whole, horizon=asked.horizon, count=asked.origins)]
    told: dict[str, list[FloatArray]] = {name: rule(name, parts, asked.horizon) for name in RULES}
    for name in RULES:
        report(name, told[name], told["seasonal_naive"], parts, asked.horizon)
    began = time.monotonic()
    ours = [model(past, asked.horizon, asked.threads) for past, _ in parts]
    report("lightgbm", ours, told["seasonal_naive"], parts, asked.horizon, seconds=time.monotonic() - began)
    if asked.peer or asked.install_peer or asked.peer_forecasts:
        with tempfile.TemporaryDirectory() as folder:
            peers = peer_forecasts(asked, sales, parts, Path(folder))
        filled = [np.where(np.isnan(one), naive, one) for one, naive in zip(peers, told["seasonal_naive"], strict=True)]
        report("mlforecast", filled, told["seasonal_naive"], parts, asked.horizon)


def rule(name: str, parts: list[tuple[Panel, Panel]], horizon: int) -> list[FloatArray]:
    told: list[FloatArray] = []
    for past, _ in parts:
        fitted = forecasters.make(name).fit(past.last(400))
        told.append(fitted.predict(past.last(max(fitted.needs, 400)), horizon=horizon).mean)
    return told


def model(past: Panel, horizon: int, threads: int) -> FloatArray:
    fitted = forecasters.make("lightgbm", threads=threads, horizon=horizon).fit(past)
    return fitted.predict(past.last(fitted.needs), horizon=horizon).mean


def report(
    name: str,
    told: list[FloatArray],
    naive: list[FloatArray],
    parts: list[tuple[Panel, Panel]],
    horizon: int,
    *,
    seconds: float | None = None,
) -> None:
    came = [went_on.demand()[:, -horizon:] for _, went_on in parts]
    absolute = sum(_miss(one, actual) for one, actual in zip(told, came, strict=True))
    reference = sum(_miss(one, actual) for one, actual in zip(naive, came, strict=True))
    demand = sum(float(np.nansum(actual, dtype=np.float64)) for actual in came)
    signed = [np.nan_to_num(one - actual) for one, actual in zip(told, came, strict=True)]
    line: Mapping[str, object] = {
        "model": name,
        "wrmsse": round(float(np.mean([wrmsse(p, a, t) for (p, _), a, t in zip(parts, came, told, strict=True)])), 4),
        "wape": round(absolute / demand, 4),
        "wape_total": round(sum(float(np.abs(error.sum(axis=0)).sum()) for error in signed) / demand, 4),
        "fva": round(1 - absolute / reference, 4),
        "bias": round(sum(float(error.sum(dtype=np.float64)) for error in signed) / demand, 4),
        "origins": [str(past.frequency.start_of(past.cutoff)) for past, _ in parts],
    }
    print(json.dumps(line if seconds is None else {**line, "seconds": round(seconds, 1)}), flush=True)


def _miss(told: FloatArray, came: FloatArray) -> float:
    return float(np.nansum(np.abs(told - came), dtype=np.float64))


def wrmsse(past: Panel, came: FloatArray, told: FloatArray) -> float:
    """M5's weighted RMSSE at the level of the series themselves."""
    y = past.y.astype(np.float64)
    step = np.diff(y, axis=1)
    sold = np.logical_or.accumulate(np.nan_to_num(y) > 0, axis=1)[:, :-1]
    keep = np.isfinite(step) & sold
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt((np.where(keep, step, 0) ** 2).sum(axis=1) / keep.sum(axis=1))
        error = np.sqrt(np.nanmean((told - came).astype(np.float64) ** 2, axis=1))
    price = past.covariates["price"][:, past.length - 28 : past.length] if "price" in past.covariates else 1.0
    weight = np.nansum(y[:, -28:] * price, axis=1)
    good = np.isfinite(scale) & (scale > 0) & np.isfinite(error)
    return float((weight[good] / weight.sum() * error[good] / scale[good]).sum())


def peer_forecasts(
    asked: argparse.Namespace, sales: pl.DataFrame, parts: list[tuple[Panel, Panel]], folder: Path
) -> list[FloatArray]:
    out = Path(asked.peer_forecasts) if asked.peer_forecasts else folder / "told.parquet"
    if not asked.peer_forecasts:
        python = asked.peer or install(folder / "venv")
        sales.sort("unique_id", "ds").write_parquet(folder / "sales.parquet")
        cutoffs = [str(past.frequency.start_of(past.cutoff)) for past, _ in parts]
        command = [python, str(PEER), str(folder / "sales.parquet"), str(out), "--horizon", str(asked.horizon)]
        command += ["--threads", str(asked.threads), "--cutoffs", *cutoffs]
        subprocess.run(command, check=True, capture_output=True)
    frame = pl.read_parquet(out).with_columns(pl.col("unique_id").cast(pl.String))
    return [_wide(frame, past, asked.horizon) for past, _ in parts]


def _wide(frame: pl.DataFrame, past: Panel, horizon: int) -> FloatArray:
    made = frame.filter(pl.Series(past.frequency.index(frame["cutoff"]) == past.cutoff))
    row = {name: at for at, name in enumerate(past.ids.tolist())}
    made = made.filter(pl.col("unique_id").is_in(list(row)))
    wide = np.full((past.n, horizon), np.nan, dtype=np.float32)
    rows = np.array([row[name] for name in made["unique_id"]], dtype=np.int64)
    wide[rows, past.frequency.index(made["ds"]) - past.cutoff - 1] = made["mean"].to_numpy()
    return wide


def install(folder: Path) -> str:
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PEER_NEEDS], check=True)
    return python


if __name__ == "__main__":
    main()
