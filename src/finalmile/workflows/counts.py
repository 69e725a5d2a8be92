"""How long ago stock was counted: a plan that stands on an old count says so."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

SLACK_DAYS = 7


def old_counts(
    stock: pl.DataFrame, items: pl.DataFrame, *, day: date | datetime, review_period_days: float
) -> str | None:
    """A note on items last counted longer ago than their review period and a week, ``None`` where there are none.

    Sales and receipts since are reckoned with, but not what was stolen, broken or mislaid; that shows when somebody
    counts.

    Parameters
    ----------
    stock
        ``unique_id, at, on_hand``.
    items
        ``unique_id`` and perhaps ``review_period_days``.
    day
        The day of the plan: the newest sales.
    review_period_days
        Of items that say nothing.

    Examples
    --------
    >>> stock = pl.DataFrame({"unique_id": ["milk", "bread"], "at": [date(2024, 1, 1), date(2024, 1, 30)]})
    >>> old_counts(stock, pl.DataFrame(), day=date(2024, 2, 1), review_period_days=7)[:68]
    'The stock of 1 item was last counted more than a review period and 7'
    """
    if stock.is_empty():
        return None
    counted = stock.group_by(pl.col("unique_id").cast(pl.String)).agg(pl.col("at").cast(pl.Date).max())
    counted = counted.with_columns(_review(counted["unique_id"], items, default=review_period_days))
    limit = pl.col("review_period_days") + SLACK_DAYS
    age = (pl.lit(day).cast(pl.Date) - pl.col("at")).dt.total_days()
    old = counted.filter(age > limit).sort("at", "unique_id")
    if old.is_empty():
        return None
    name, at, _ = old.row(0)
    many = "1 item" if len(old) == 1 else f"{len(old):,} items"
    return (
        f"The stock of {many} was last counted more than a review period and {SLACK_DAYS} days before the newest "
        f"sales ({name} on {at}): sales and receipts since are reckoned with, losses are not. "
        "Count again and ingest it: finalmile ingest stock FILE"
    )


def _review(ids: pl.Series, items: pl.DataFrame, *, default: float) -> pl.Series:
    if "review_period_days" not in items.columns:
        return pl.Series("review_period_days", [default] * len(ids), dtype=pl.Float64)
    told = items.select(pl.col("unique_id").cast(pl.String), "review_period_days")
    joined = ids.to_frame().join(told, on="unique_id", how="left", maintain_order="left")
    return joined["review_period_days"].cast(pl.Float64).fill_null(default)
