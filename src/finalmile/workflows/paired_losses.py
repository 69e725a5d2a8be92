"""Losses of two versions on the same series and periods: from forecasts of the same cutoffs, or from the log."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from finalmile.errors import FinalMileError
from finalmile.frames import BoolArray, FloatArray, IntArray, NameArray, Panel
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.versions import PairedLook, paired_looks
from finalmile.ports import Lake
from finalmile.predictions.record import ANSWERED
from finalmile.records import Version
from finalmile.workflows.arms import rows_in
from finalmile.workflows.forecast import next_period
from finalmile.workflows.rescore import PREVIOUS, SHADOW
from finalmile.workflows.seal import PREDICTIONS
from finalmile.workflows.shop import Issued, Shop
from finalmile.workflows.terms import last_price
from finalmile.workflows.train import load_version

_BESIDE = (SHADOW, PREVIOUS)
_BEFORE = 56


def batch_looks(shop: Shop, champion: Version, challenger: Version, *, first: int, last: int) -> list[PairedLook]:
    """One-step forecasts of both versions from the same cutoffs, beside what came true; a look per period.

    What was logged counts; a version that was not asked then is asked now, with what was known at the cutoff. Neither
    is asked about a period that it learned from.
    """
    if last < first:
        return []
    panel = shop.known.panel(last, periods=last - first + 1)
    price = last_price(panel)
    return [_batch_look(shop, champion, challenger, panel, price, period) for period in range(first, last + 1)]


def reference_gains(shop: Shop, champion: Version, challenger: Version) -> Doubles:
    """Relative gains over the periods that both versions were backtested on before they were made; may be empty."""
    try:
        told = [load_version(shop, one).reference() for one in (champion, challenger)]
        first = max(one.first for one in told)
        length = min(one.first + one.mean.shape[1] for one in told) - first
        if length <= 0:
            return np.empty(0)
        panel = shop.known.panel(first + length - 1, periods=length)
    except FinalMileError:
        return np.empty(0)
    looks: list[PairedLook] = []
    for period in range(first, first + length):
        issued = [
            Issued(ids=one.ids, mean=one.mean[:, period - one.first], version=0, cutoff=period - 1) for one in told
        ]
        looks += _look(panel, issued, np.full(panel.n, np.nan), period)
    return np.array([look.gain for look in looks])


def shadow_looks(
    shop: Shop, lake: Lake, champion: Version, challenger: Version, *, first: int, last: int
) -> list[PairedLook]:
    """Rows that one version answered and the other scored again from the log, beside what came true."""
    rows = shadow_rows(shop, lake, champion, challenger, first=first, last=last)
    if last < first:
        return []
    panel = shop.known.panel(last, periods=last - first + 1)
    ids: NameArray = rows["unique_id"].to_numpy().astype(object)
    at = rows_in(panel.ids, ids)
    period: IntArray = rows["period"].to_numpy().astype(np.int64)
    inside = (at >= 0) & (period >= panel.first) & (period <= panel.cutoff)
    actual = np.full(len(ids), np.nan)
    actual[inside] = panel.demand()[at[inside], period[inside] - panel.first]
    price = last_price(panel)
    return paired_looks(
        period,
        _numbers(rows["champion"]),
        _numbers(rows["challenger"]),
        actual=actual,
        price=np.where(at >= 0, price[at], np.nan) if panel.n else None,
        first=first,
        last=last,
    )


def shadow_rows(
    shop: Shop, lake: Lake, champion: Version, challenger: Version, *, first: int, last: int
) -> pl.DataFrame:
    """``unique_id, period, champion, challenger``: answers to the same logged rows, the newest of each period."""
    rows = _rows(shop, lake, (champion, challenger), first=first, last=last)
    mine, theirs = (pl.col("version") == one.number for one in (champion, challenger))
    keys = ["unique_id", "period", "step", "made", "issued_at"]
    parts: list[pl.DataFrame] = []
    for answered, beside, names in (
        (mine, theirs, ("champion", "challenger")),
        (theirs, mine, ("challenger", "champion")),
    ):
        left = rows.filter(answered, pl.col("role").is_in(ANSWERED)).select("prediction_id", *keys, "mean")
        right = rows.filter(beside, pl.col("role").is_in(_BESIDE)).select("parent", "step", "mean")
        both = left.join(
            right.unique(["parent", "step"]), left_on=["prediction_id", "step"], right_on=["parent", "step"],
            suffix="_beside", how="inner",
        )  # fmt: skip
        parts.append(both.rename({"mean": names[0], "mean_beside": names[1]}).select(*keys, "champion", "challenger"))
    newest = pl.concat(parts).sort("made", "issued_at", "step", nulls_last=False)
    return newest.unique(["unique_id", "period"], keep="last", maintain_order=True).select(
        "unique_id", "period", "champion", "challenger"
    )


def arm_losses(
    shop: Shop, lake: Lake, champion: Version, challenger: Version, *, first: int, last: int
) -> tuple[Doubles, Doubles, BoolArray]:
    """Absolute errors of series that one version alone answered, shape (n, T); before the split; whose they were.

    Before the split every series is measured by its mean change from one period to the next, over 56 periods.
    """
    rows = _rows(shop, lake, (champion, challenger), first=first, last=last).filter(pl.col("role").is_in(ANSWERED))
    rows = rows.filter(pl.col("version").n_unique().over("unique_id") == 1)
    rows = rows.sort("made", "issued_at").unique(["unique_id", "period"], keep="last", maintain_order=True)
    names = rows["unique_id"].unique().sort()
    ids: NameArray = names.to_numpy().astype(object)
    told = np.full((len(ids), max(last - first + 1, 0)), np.nan)
    at = names.search_sorted(rows["unique_id"]).to_numpy().astype(np.int64)
    told[at, rows["period"].to_numpy() - first] = _numbers(rows["mean"])
    whose = np.zeros(len(ids), dtype=np.bool_)
    whose[at] = (rows["version"] == challenger.number).to_numpy()
    panel = shop.known.panel(last, periods=last - first + 1 + _BEFORE)
    demand = np.full((len(ids), panel.length), np.nan)
    found = rows_in(panel.ids, ids)
    demand[found >= 0] = panel.demand()[found[found >= 0]]
    split = first - panel.first
    return np.abs(demand[:, split:] - told), _restless(demand[:, : max(split, 0)]), whose


def _restless(demand: Doubles) -> Doubles:
    change = np.abs(np.diff(demand, axis=1))
    known = np.isfinite(change)
    mean = np.where(known, change, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(known.any(axis=1), mean, np.nan)


def _rows(shop: Shop, lake: Lake, pair: Sequence[Version], *, first: int, last: int) -> pl.DataFrame:
    """Logged answers of a pair of versions about periods from first to last, each made before its period."""
    numbers = [one.number for one in pair]
    needed = ("prediction_id", "parent", "step", "unique_id", "ds", "cutoff", "version", "role", "mean", "issued_at")
    sealed = lake.scan(PREDICTIONS)
    if not sealed.collect_schema():
        return _EMPTY
    rows = (
        sealed.filter(
            pl.col("model") == pair[0].model,
            pl.col("version").is_in(numbers),
            pl.col("outcome") == "ok",
            pl.col("mean").is_not_null(),
            pl.col("unique_id").is_not_null(),
            pl.col("ds").is_not_null(),
        )
        .select(needed)
        .collect()
    )
    if rows.is_empty():
        return _EMPTY
    frequency = shop.frequency
    made = rows["cutoff"]
    known = rows.filter(pl.col("cutoff").is_not_null())
    numbered = rows.with_columns(pl.Series("period", frequency.index(rows["ds"]), dtype=pl.Int64))
    if known.is_empty():
        numbered = numbered.with_columns(pl.lit(None, dtype=pl.Int64).alias("made"))
    else:
        stand_in = made.fill_null(known["cutoff"][0])
        numbers_made = pl.Series("made", frequency.index(stand_in), dtype=pl.Int64)
        numbered = numbered.with_columns(
            pl.when(pl.col("cutoff").is_not_null()).then(numbers_made).otherwise(None).alias("made")
        )
    return numbered.filter(
        pl.col("period").is_between(first, last), pl.col("made").is_null() | (pl.col("made") < pl.col("period"))
    ).select(_EMPTY.columns)


_EMPTY = pl.DataFrame(
    schema={
        "prediction_id": pl.String,
        "parent": pl.String,
        "step": pl.Int32,
        "unique_id": pl.String,
        "period": pl.Int64,
        "made": pl.Int64,
        "issued_at": pl.Datetime("us", "UTC"),
        "version": pl.Int64,
        "role": pl.String,
        "mean": pl.Float64,
    }
)


def _batch_look(
    shop: Shop, champion: Version, challenger: Version, panel: Panel, price: Doubles, period: int
) -> PairedLook:
    issued = [one_step(shop, one, period) for one in (champion, challenger)]
    both = [one for one in issued if one is not None]
    if len(both) < 2:
        return PairedLook(period=period, champion=float("nan"), challenger=float("nan"))
    return _look(panel, both, price, period)[0]


def _look(panel: Panel, issued: Sequence[Issued], price: Doubles, period: int) -> list[PairedLook]:
    told = [_aligned(panel, one.ids, one.mean) for one in issued]
    actual = panel.demand()[:, period - panel.first].astype(np.float64)
    asked = np.isfinite(told[0]) | np.isfinite(told[1])
    at = np.full(int(asked.sum()), period, dtype=np.int64)
    return paired_looks(
        at, told[0][asked], told[1][asked], actual=actual[asked], price=price[asked], first=period, last=period
    )


def one_step(shop: Shop, version: Version, period: int) -> Issued | None:
    """What a version said of a period one step before; ``None`` where it cannot have known nothing of it."""
    cutoff = period - 1
    logged = shop.forecasts.issued(version.model, period, cutoff=cutoff, version=version.number)
    if logged is not None:
        return logged
    if shop.frequency.index_of(version.cutoff) > cutoff:
        return None
    try:
        told = next_period(shop, version, cutoff)
    except FinalMileError:
        return None
    return Issued(ids=told.ids, mean=told.mean[:, 0], version=version.number, cutoff=cutoff)


def _aligned(panel: Panel, ids: NameArray, mean: FloatArray) -> Doubles:
    at = rows_in(panel.ids, ids)
    told = np.full(panel.n, np.nan)
    told[at[at >= 0]] = mean[at >= 0]
    return told


def _numbers(values: pl.Series) -> Doubles:
    told: Doubles = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return told
