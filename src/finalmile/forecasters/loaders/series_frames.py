"""The frames that Nixtla's libraries take and give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

ALIASES = {"hour": "h", "day": "D", "week": "7D", "month": "MS"}


def for_library(sales: pl.DataFrame, covariates: Sequence[str] = ()) -> Any:
    """``unique_id, ds, y`` and covariates as a pandas frame, times as it has them, sales that are unknown left out."""
    import polars as pl

    kept = sales.select("unique_id", pl.col("ds").cast(pl.Datetime("us")), pl.col("y").cast(pl.Float64), *covariates)
    kept = kept.filter(pl.col("y").is_not_null() & pl.col("y").is_not_nan()).sort("unique_id", "ds")
    import pandas as pd

    return pd.DataFrame({name: kept[name].to_numpy() for name in kept.columns})


def from_library(told: Any, sales: pl.DataFrame, *, column: str) -> pl.DataFrame:
    """``unique_id, ds, mean`` with ``ds`` as our sales have it; ``column`` names the model, else the first one."""
    import polars as pl

    told = told.reset_index() if "unique_id" not in told.columns else told
    models = [name for name in told.columns if name not in ("unique_id", "ds", "index", "cutoff")]
    if column and column not in models:
        raise ValueError(f"it answered {', '.join(models)}, not {column!r}; choose with --set column=")
    return pl.DataFrame(
        {
            "unique_id": pl.Series([str(one) for one in told["unique_id"]], dtype=pl.String),
            "ds": pl.Series(told["ds"].to_numpy().astype("datetime64[us]")).cast(sales.schema["ds"]),
            "mean": pl.Series(told[column or models[0]].to_numpy().astype("float64")),
        }
    )
