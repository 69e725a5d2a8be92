"""Read a sales file of the shape of m5_sales for the benchmarks: a panel, and what it says about the days ahead."""

from __future__ import annotations

import polars as pl

from finalmile.frames import Panel, detect, panel_from_sales

NOT_KNOWN_AHEAD = {"customers", "sales", "turnover"}


def read(path: str) -> pl.DataFrame:
    """Sales with plain types: text events become numbers in order of first appearance, 0 where there is none."""
    sales = pl.read_parquet(path) if path.endswith(".parquet") else pl.read_csv(path, try_parse_dates=True)
    texts = [name for name, kind in sales.schema.items() if kind in (pl.Categorical, pl.Enum, pl.String)]
    sales = sales.with_columns(pl.col(texts).cast(pl.String), pl.col("ds").cast(pl.Datetime("us")))
    flags = [name for name in texts if name.startswith(("event", "holiday", "promo"))]
    for name in flags:
        seen = sales.drop_nulls(name).group_by(name).agg(pl.col("ds").min()).sort("ds", name)
        codes = seen.with_row_index(f"{name}_code", offset=1).select(name, pl.col(f"{name}_code").cast(pl.Float32))
        sales = sales.join(codes, on=name, how="left", maintain_order="left")
        sales = sales.with_columns(pl.col(f"{name}_code").fill_null(0.0))
    return sales.drop(flags)


def panel_of(sales: pl.DataFrame) -> Panel:
    """All of it as one panel. Numeric columns are covariates that count as known ahead; y never is."""
    frequency = detect(sales["ds"])
    if frequency is None:
        raise ValueError("fewer than two dates: no frequency can be told")
    statics = [name for name, kind in sales.schema.items() if kind == pl.String and name != "unique_id"]
    numeric = [name for name, kind in sales.schema.items() if kind.is_numeric() or kind == pl.Boolean]
    covariates = [name for name in numeric if name not in {"y", "in_stock", "on_hand", *NOT_KNOWN_AHEAD}]
    ids = [name for name in covariates if name.endswith("_id")]
    if "in_stock" in sales.columns:
        sales = sales.with_columns(censored=~pl.col("in_stock").cast(pl.Boolean))
    items = sales.group_by("unique_id").agg(pl.col(*statics, *ids).first().cast(pl.String)) if statics or ids else None
    return panel_from_sales(
        sales,
        frequency=frequency,
        cutoff=int(frequency.index(sales["ds"]).max()),  # type: ignore[arg-type]
        covariates=[name for name in covariates if name not in ids],
        items=items,
        statics=[*statics, *ids],
    )


def origins(panel: Panel, *, horizon: int, count: int) -> list[int]:
    """Cutoffs of ``count`` windows of ``horizon`` periods that do not overlap and end with the data, newest first."""
    return [panel.cutoff - horizon * (k + 1) for k in range(count)]


def split(panel: Panel, cutoff: int, horizon: int) -> tuple[Panel, Panel]:
    """The panel as known at a cutoff (covariates of the periods ahead with it), and the same series as they went on."""
    past = panel.at(cutoff, ahead=horizon)
    went_on = panel.at(cutoff + horizon)
    rows = [at for at, name in enumerate(went_on.ids) if name in set(past.ids.tolist())]
    import numpy as np

    return past, went_on.take(np.asarray(rows, dtype=np.int64))
