"""The peer of benchmarks/accuracy.py: mlforecast + LightGBM (tweedie, 500 days, 300 trees), recursive.

Runs in an environment of its own (mlforecast pins pandas below 3):
`python mlforecast_lightgbm.py SALES.parquet OUT.parquet --horizon 28 --cutoffs 2016-03-27 ...`.
SALES holds unique_id, ds, y, price, snap, event_code and hierarchy columns. Price, snap and event of the days
ahead are given to it, as they are to finalmile. Sales after a cutoff never are.
"""

from __future__ import annotations

import argparse

import lightgbm as lgb
import pandas as pd
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean

KNOWN_AHEAD = ["price", "snap", "event_code"]
STATICS = ["item_id", "dept_id", "cat_id", "store_id", "state_id"]


def forecast(sales: pd.DataFrame, cutoff: pd.Timestamp, horizon: int, threads: int) -> pd.DataFrame:
    past = sales[(sales.ds <= cutoff) & (sales.ds > cutoff - pd.Timedelta(days=500 + 60))]
    model = lgb.LGBMRegressor(
        objective="tweedie", tweedie_variance_power=1.1, n_estimators=300, learning_rate=0.05, num_leaves=63,
        min_child_samples=50, subsample=0.8, subsample_freq=1, colsample_bytree=0.8, n_jobs=threads,
        random_state=0, verbosity=-1,
    )  # fmt: skip
    lags = [1, 2, 3, 7, 14, 21, 28]
    rolling = [RollingMean(7), RollingMean(28), RollingMean(56)]
    peer = MLForecast(
        models={"mean": model}, freq="D", lags=lags, lag_transforms={1: rolling, 7: rolling[:2]},
        date_features=["dayofweek", "day", "month", "dayofyear"], num_threads=1,
    )  # fmt: skip
    peer.fit(past, static_features=[name for name in STATICS if name in past], keep_last_n=60)
    ahead = sales[(sales.ds > cutoff) & (sales.ds <= cutoff + pd.Timedelta(days=horizon))]
    known = [name for name in KNOWN_AHEAD if name in sales]
    future = peer.make_future_dataframe(horizon).merge(
        ahead[["unique_id", "ds", *known]], on=["unique_id", "ds"], how="left"
    )
    told = peer.predict(horizon, X_df=future.ffill())
    return told.assign(cutoff=cutoff, mean=told["mean"].clip(lower=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sales")
    parser.add_argument("out")
    parser.add_argument("--horizon", type=int, default=28)
    parser.add_argument("--cutoffs", nargs="+", required=True)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    sales = pd.read_parquet(asked.sales)
    for name in STATICS:
        if name in sales:
            sales[name] = sales[name].astype("category")
    parts = [forecast(sales, pd.Timestamp(at), asked.horizon, asked.threads) for at in asked.cutoffs]
    pd.concat(parts).to_parquet(asked.out, index=False)


if __name__ == "__main__":
    main()
