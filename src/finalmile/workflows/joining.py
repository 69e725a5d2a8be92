"""What an arriving table means beside those that are there: strangers, closed orders, rows for a whole region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import polars as pl

from finalmile.errors import MissingInputError, SchemaError
from finalmile.frames.dialects import Kind
from finalmile.frames.periods import Frequency, detect
from finalmile.frames.schema import Cleaned
from finalmile.ports import HistoryTable

OWN = ("known_at", "backfilled")
_ENOUGH = 8


def unknown_attributes(told: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Items with at least one attribute that was not known, known ones as they are."""
    places = [name for name in told.columns if name != "unique_id"]
    there = known.select("unique_id", *(name for name in places if name in known.columns))
    joined = told.join(there, on="unique_id", how="left", suffix="__known", maintain_order="left")
    news: list[pl.Expr] = []
    merged: list[pl.Expr] = [pl.col("unique_id")]
    for name in places:
        before = pl.col(f"{name}__known").cast(pl.String) if name in known.columns else pl.lit(None, dtype=pl.String)
        news.append(before.is_null() & pl.col(name).is_not_null())
        merged.append(pl.coalesce(before, pl.col(name)).alias(name))
    return joined.filter(pl.any_horizontal(news)).select(merged)


def known_ahead(
    cleaned: Cleaned,
    source: str,
    tables: Mapping[Kind, HistoryTable],
    known_days_ahead: float | None,
    notes: list[str],
) -> pl.DataFrame:
    """Rows of the future per series, and when they became known."""
    rows = cleaned.frame
    if "unique_id" not in rows.columns:
        places = [name for name in rows.columns if name not in {"ds", "known_at", *cleaned.covariates}]
        rows = _spread(rows, places, source=source, tables=tables, notes=notes)
    if known_days_ahead is None or "known_at" in rows.columns:
        return rows
    known = pl.col("ds").cast(pl.Datetime("us")) - timedelta(days=known_days_ahead)
    return rows.with_columns(known.dt.replace_time_zone("UTC").alias("known_at"))


def _spread(
    rows: pl.DataFrame,
    places: Sequence[str],
    *,
    source: str,
    tables: Mapping[Kind, HistoryTable],
    notes: list[str],
) -> pl.DataFrame:
    """Rows that speak of a region, a store, or of everything, repeated for every series they speak of."""
    items = tables["items"].read() if "items" in tables else pl.DataFrame()
    strange = [name for name in places if name not in items.columns]
    if strange:
        mend = "ingest items or sales with it first, or give unique_id"
        raise SchemaError(source, [f"{', '.join(strange)}: no item has this attribute; {mend}"])
    if places:
        series = items.select("unique_id", *(pl.col(name).cast(pl.String) for name in places))
        spread = series.join(rows, on=places, how="inner").drop(places)
    else:
        series = ids_of("sales", tables) if items.is_empty() else items.select("unique_id")
        spread = series.join(rows, how="cross")
    if spread.is_empty():
        raise MissingInputError(f"{source}: no series is concerned; ingest sales or items first, or give unique_id")
    notes.append(f"rows of {' and '.join(places) or 'every series'} spread over {spread['unique_id'].n_unique():,} ids")
    return spread.sort("unique_id", "ds")


def frequency_so_far(tables: Mapping[Kind, HistoryTable]) -> Frequency | None:
    """Frequency of the sales kept so far, once there are enough periods to be sure of it."""
    rows = tables["sales"].read(columns=["ds"]) if "sales" in tables else pl.DataFrame()
    stamps = rows["ds"].unique() if rows.width else pl.Series(dtype=pl.Date)
    return detect(stamps) if len(stamps) >= _ENOUGH else None


def ids_of(kind: Kind, tables: Mapping[Kind, HistoryTable]) -> pl.DataFrame:
    """Distinct ids of a table, none where there is no such table."""
    rows = tables[kind].read(columns=["unique_id"]) if kind in tables else pl.DataFrame()
    return rows.unique() if rows.width else pl.DataFrame(schema={"unique_id": pl.String})


def strangers(kind: Kind, rows: pl.DataFrame, tables: Mapping[Kind, HistoryTable]) -> list[str]:
    """Ids that the other tables have never heard of: perhaps new, perhaps a slip."""
    against: Kind = "sales" if kind == "items" else "items"
    known = ids_of(against, tables)
    if known.is_empty() and kind != "sales":
        against, known = "sales", ids_of("sales", tables)
    if known.is_empty():
        return []
    strange = _ids_told(rows).join(known, on="unique_id", how="anti")["unique_id"].sort()
    if strange.is_empty():
        return []
    shown = ", ".join(strange.head(3)) + (", ..." if len(strange) > 3 else "")
    count = "1 id is" if len(strange) == 1 else f"{len(strange):,} ids are"
    return [f"{count} not in {against}: {shown}"]


def _ids_told(rows: pl.DataFrame) -> pl.DataFrame:
    """Every id of the rows once; of transfers also those that they go to."""
    ids = pl.concat([rows[name].rename("unique_id") for name in ("unique_id", "to_id") if name in rows.columns])
    return ids.unique().to_frame()


def with_closed(rows: pl.DataFrame, table: HistoryTable, notes: list[str]) -> pl.DataFrame:
    """The open orders and, with quantity 0, those that were open before and are not any more."""
    before = table.read()
    if before.is_empty():
        return rows
    closed = before.filter(pl.col("quantity") > 0).join(rows, on=["order_id", "unique_id"], how="anti")
    if closed.is_empty():
        return rows
    notes.append(f"{len(closed):,} order lines are not listed any more: closed")
    closed = closed.select(pl.all().exclude(OWN)).with_columns(pl.lit(0.0).alias("quantity"))
    return pl.concat([rows, closed], how="diagonal_relaxed")
