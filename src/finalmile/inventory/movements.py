"""What moved on and off the shelf: receipts, adjustments, write-offs, transfers between locations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from finalmile.frames import BoolArray, Frequency, IntArray, NameArray
from finalmile.frames.rows import rows_in
from finalmile.simulation import UnitsArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Movements:
    """``m`` movements of items.

    Parameters
    ----------
    row : array of shape (m,)
        Item.
    period : array of shape (m,)
        When the shelf gains or loses the units.
    units : array of shape (m,)
        Gained, or lost below 0.
    coming : array of shape (m,), bool
        Goods on their way, which are not on the shelf before their period.
    awaited : array of shape (m,), bool
        Not there yet, whatever their period says: no count has them in it.
    """

    row: IntArray
    period: IntArray
    units: UnitsArray
    coming: BoolArray
    awaited: BoolArray

    def take(self, which: BoolArray) -> Movements:
        """Some of them."""
        return Movements(
            row=self.row[which],
            period=self.period[which],
            units=self.units[which],
            coming=self.coming[which],
            awaited=self.awaited[which],
        )


def moved(
    ids: NameArray,
    frequency: Frequency,
    *,
    receipts: pl.DataFrame,
    adjustments: pl.DataFrame,
    transfers: pl.DataFrame,
    cutoff: int,
) -> Movements:
    """Every movement of these items, whenever it was or will be.

    Goods received count from the day they are put away, where ``available_at`` says so. What left one location for
    another has left it from ``shipped_at`` on; until it is received it is on its way, due the period after the cutoff
    where no day is told.
    """
    soon = frequency.start_of(cutoff + 1)
    parts = [part for part in (_receipts(receipts), _adjustments(adjustments), *_transfers(transfers, soon)) if part]
    if not parts:
        none: IntArray = np.zeros(0, dtype=np.int64)
        no = np.zeros(0, dtype=np.bool_)
        return Movements(row=none, period=none, units=np.zeros(0), coming=no, awaited=no)
    told = pl.concat(
        [frame.with_columns(coming=pl.lit(value=kind > 0), awaited=pl.lit(value=kind > 1)) for frame, kind in parts]
    )
    told = told.filter(pl.col("at").is_not_null() & (pl.col("units") != 0))
    rows = rows_in(ids, told["unique_id"].to_numpy().astype(object))
    every = Movements(
        row=rows,
        period=frequency.index(told["at"]).astype(np.int64),
        units=told["units"].to_numpy().astype(np.float64),
        coming=told["coming"].to_numpy(),
        awaited=told["awaited"].to_numpy(),
    )
    return every.take(rows >= 0)


_HERE, _COMING, _AWAITED = 0, 1, 2
_Part = tuple[pl.DataFrame, int]


def _receipts(receipts: pl.DataFrame) -> _Part | None:
    if receipts.is_empty():
        return None
    at = pl.col("received_at")
    if "available_at" in receipts.columns:
        at = pl.max_horizontal(at, "available_at")
    return _part(receipts, "unique_id", at, pl.col("quantity")), _COMING


def _adjustments(adjustments: pl.DataFrame) -> _Part | None:
    return (
        None if adjustments.is_empty() else (_part(adjustments, "unique_id", pl.col("at"), pl.col("quantity")), _HERE)
    )


def _transfers(transfers: pl.DataFrame, soon: object) -> list[_Part]:
    if transfers.is_empty():
        return []
    there = {"due", "received_at", "received"} & set(transfers.columns)
    told = transfers.with_columns(
        pl.lit(None, dtype=pl.Date).alias(name) for name in ("due", "received_at") if name not in there
    )
    whole = pl.when(pl.col("received_at").is_not_null()).then(pl.col("quantity")).otherwise(0.0)
    came = pl.coalesce("received", whole) if "received" in there else whole
    told = told.with_columns(came.cast(pl.Float64).alias("came"))
    return [
        (_part(told, "unique_id", pl.col("shipped_at"), -pl.col("quantity")), _HERE),
        (_part(told, "to_id", pl.coalesce("received_at", pl.lit(soon)), pl.col("came")), _COMING),
        (
            _part(
                told,
                "to_id",
                pl.max_horizontal(pl.coalesce("due", pl.lit(soon)), pl.lit(soon)),
                (pl.col("quantity") - pl.col("came")).clip(lower_bound=0),
            ),
            _AWAITED,
        ),
    ]


def _part(frame: pl.DataFrame, ids: str, at: pl.Expr, units: pl.Expr) -> pl.DataFrame:
    return frame.select(
        pl.col(ids).cast(pl.String).alias("unique_id"),
        at.cast(pl.Datetime("us")).alias("at"),
        units.cast(pl.Float64).alias("units"),
    )


def came_in(receipts: pl.DataFrame, *, until: datetime | None = None) -> Mapping[tuple[str, str], float]:
    """Units received by order and item, over all deliveries; empty for no receipts.

    Parameters
    ----------
    until
        As was known at this instant; receipts then are versions, oldest first. History that was loaded in one go counts
        as known on the day of the receipt.
    """
    if until is not None and {"known_at", "backfilled"} <= set(receipts.columns):
        happened = pl.col("received_at").cast(pl.Datetime("us", "UTC"))
        known = pl.when(pl.col("backfilled")).then(happened).otherwise(pl.col("known_at"))
        keys = ["order_id", "unique_id", "received_at"]
        receipts = receipts.filter(known <= until).unique(keys, keep="last", maintain_order=True)
    if receipts.is_empty():
        return {}
    summed = receipts.group_by("order_id", "unique_id").agg(pl.col("quantity").sum())
    return {(str(order), str(item)): float(units) for order, item, units in summed.iter_rows()}
