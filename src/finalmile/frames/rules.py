"""What each kind of table decides beyond types and bounds: stock-outs, returns, crossed quantiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from finalmile.frames.dialects import Kind, quantile_level
from finalmile.frames.faults import Faults


def apply(kind: Kind, frame: pl.DataFrame, *, faults: Faults, notes: list[str]) -> pl.DataFrame:
    """The frame after the rules of its kind; rows keep their places."""
    rule = _RULES.get(kind)
    return frame if rule is None else rule(frame, faults, notes)


def listed(sales: pl.DataFrame) -> pl.DataFrame:
    """Only rows since a series was listed: since it first sold (or took back) something or was in stock.

    A series that is out of stock before it ever was in stock or sold is not short of stock, it is not there yet.
    Rows are looked at as given, so hand in only what was known at the time. Frames without ``censored`` come back
    as they are, and a series that was never listed has no rows left.

    Examples
    --------
    >>> from datetime import date
    >>> days = [date(2024, 1, d) for d in (1, 2, 3)]
    >>> sales = pl.DataFrame({"unique_id": ["a"] * 3, "ds": days, "y": [0, 2, 0], "censored": [True, False, True]})
    >>> listed(sales)["ds"].to_list() == days[1:]
    True
    """
    if "censored" not in sales.columns or not sales["censored"].any():
        return sales
    return sales.filter(~_unlisted(sales))


def first_listed(sales: pl.DataFrame) -> pl.DataFrame:
    """``unique_id`` and ``ds`` of the first row that shows each series to be listed; see :func:`listed`.

    Examples
    --------
    >>> sales = pl.DataFrame({"unique_id": ["a", "a"], "ds": [1, 2], "y": [0, 0], "censored": [True, False]})
    >>> first_listed(sales).rows()
    [('a', 2)]
    """
    there = ~pl.col("censored").fill_null(value=False) | (pl.col("y") != 0) if "censored" in sales.columns else True
    return sales.filter(there).group_by("unique_id").agg(pl.col("ds").min()).sort("unique_id")


def _unlisted(sales: pl.DataFrame) -> pl.Series:
    there = ~pl.col("censored").fill_null(value=False) | (pl.col("y") != 0)
    silent = sales.with_row_index("row").filter(~there)
    began = (
        sales.join(silent.select("unique_id").unique(), on="unique_id", how="semi")
        .filter(there)
        .group_by("unique_id")
        .agg(pl.col("ds").min().alias("began"))
    )
    early = silent.join(began, on="unique_id", how="left").filter(
        pl.col("began").is_null() | (pl.col("ds") < pl.col("began"))
    )
    return pl.Series(values=[False]).new_from_index(0, len(sales)).scatter(early["row"], values=True)


def _sales(frame: pl.DataFrame, faults: Faults, notes: list[str]) -> pl.DataFrame:
    out = _out_of_stock(frame)
    silent = frame["y"].is_null()
    mend = "give 0 where nothing was sold, leave the row out where nothing is known, or say in_stock = false"
    if not any(fault.startswith("y:") for fault in faults.found):
        faults.add("y", "are empty", mend=mend, bad=silent & ~out)
    if (silent & out).any():
        notes.append(f"{(silent & out).sum():,} rows without sales are out of stock: taken as 0 and censored")
    frame = frame.with_columns(pl.col("y").fill_null(0.0), out.alias("censored")).drop("in_stock", strict=False)
    returns = int((frame["y"] < 0).sum())
    if returns:
        notes.append(f"{returns:,} rows are negative: kept as returns; demand is learned from what is above 0")
    if out.any():
        early = int(_unlisted(frame).sum())
        notes.append(f"{out.sum() - early:,} rows are out of stock: censored")
        if early:
            notes.append(
                f"{early:,} rows are out of stock before the series was first there: not listed yet, not short"
            )
    front = ["unique_id", "ds", "y", "censored"]
    return frame.select(*front, *(name for name in frame.columns if name not in front))


def _out_of_stock(frame: pl.DataFrame) -> pl.Series:
    """What the flag says; where it says nothing, whether anything was left at the end of the period."""
    flags: list[pl.Expr] = []
    if "in_stock" in frame.columns:
        flags.append(~pl.col("in_stock"))
    if "on_hand" in frame.columns:
        flags.append(pl.col("on_hand") <= 0)
    if not flags:
        return pl.Series([False]).new_from_index(0, len(frame))
    return frame.select(pl.coalesce(*flags, pl.lit(value=False))).to_series()


def _forecasts(frame: pl.DataFrame, faults: Faults, notes: list[str]) -> pl.DataFrame:
    del faults
    levels = [name for name in frame.columns if quantile_level(name) is not None]
    below = int(frame.select(pl.any_horizontal(pl.col("mean", *levels) < 0).sum()).item())
    if below:
        notes.append(f"{below:,} rows have negative values: raised to 0")
        frame = frame.with_columns(pl.col("mean", *levels).clip(lower_bound=0))
    if len(levels) > 1:
        frame = _uncrossed(frame, levels, notes)
    return frame


def _uncrossed(frame: pl.DataFrame, levels: list[str], notes: list[str]) -> pl.DataFrame:
    values = frame.select(levels).to_numpy().copy()
    crossed = int((values[:, 1:] < values[:, :-1]).any(axis=1).sum())
    if not crossed:
        return frame
    notes.append(f"{crossed:,} rows have crossed quantiles: sorted")
    values.sort(axis=1)
    return frame.with_columns(pl.Series(name, values[:, at]) for at, name in enumerate(levels))


def _stock(frame: pl.DataFrame, faults: Faults, notes: list[str]) -> pl.DataFrame:
    del faults
    below = int((frame["on_hand"] < 0).sum())
    if below:
        notes.append(f"{below:,} counts are negative: kept; planning takes them as owed")
    return frame


def _adjustments(frame: pl.DataFrame, faults: Faults, notes: list[str]) -> pl.DataFrame:
    del faults
    units = frame["quantity"].fill_null(0.0)
    off, on = -float(units.clip(upper_bound=0).sum()), float(units.clip(lower_bound=0).sum())
    notes.append(f"{off + 0.0:,.10g} units are written off and {on:,.10g} are found")
    return frame


def _transfers(frame: pl.DataFrame, faults: Faults, notes: list[str]) -> pl.DataFrame:
    del notes
    if {"unique_id", "to_id"} <= set(frame.columns):
        mend = "name the item where it left and where it goes to"
        faults.add("to_id", "are where the units came from", mend=mend, bad=frame["unique_id"] == frame["to_id"])
    if "received" in frame.columns:
        there = (
            frame["received_at"] if "received_at" in frame.columns else pl.Series([None]).new_from_index(0, len(frame))
        )
        mend = "give received_at, the day on which they came"
        faults.add("received", "came on no day", mend=mend, bad=(frame["received"] > 0) & there.is_null())
        mend = "correct one of them; what was found beside a transfer is an adjustment"
        faults.add("received", "are more than quantity", mend=mend, bad=frame["received"] > frame["quantity"])
    return frame


_RULES: Mapping[Kind, Callable[[pl.DataFrame, Faults, list[str]], pl.DataFrame]] = {
    "sales": _sales,
    "stock": _stock,
    "adjustments": _adjustments,
    "transfers": _transfers,
    "forecasts": _forecasts,
}
