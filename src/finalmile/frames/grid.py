"""Rows put on one time grid and in order, each key once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from finalmile.frames.faults import Faults
from finalmile.frames.mixing import mixed, off_grid, one_time_of_day
from finalmile.frames.periods import Frequency, IntArray, detect


def fit_to_grid(
    frame: pl.DataFrame,
    *,
    keys: Sequence[str],
    forecast: bool,
    frequency: Frequency | None,
    sparse: bool,
    faults: Faults,
    notes: list[str],
) -> tuple[pl.DataFrame, Frequency | None]:
    """The frame sorted by key without repeats, ``ds`` in the type of its frequency, and that frequency.

    Rows whose keys could not be read are left aside: they are faults already.
    """
    at = pl.Series(np.arange(len(frame)))
    whole = frame.select(pl.all_horizontal(pl.col(key).is_not_null() for key in keys)).to_series()
    if not whole.all():
        frame, at = frame.filter(whole), at.filter(whole)
    if "ds" in frame.columns and len(frame):
        frequency = _frequency(frame["ds"], frequency, at=at, faults=faults)
        frame = _on_grid(frame, frequency)
        if forecast:
            frame, keys = (
                _with_cutoff(frame, frequency, at=at, faults=faults, notes=notes),
                ("unique_id", "cutoff", "ds"),
            )
    if "known_at" in frame.columns:
        keys = (*keys, "known_at")
    codes = _codes(frame, keys)
    order: IntArray = np.argsort(codes, kind="stable").astype(np.int64)
    if "ds" in frame.columns and frequency is not None and not sparse and not faults.found:
        _complain_of_mixture(frame, frequency, keys=keys, order=order, at=at, faults=faults)
    sortedly = frame if bool((order[1:] > order[:-1]).all()) else frame[order]
    return _once(sortedly, codes[order], keys=keys, at=at.gather(order), faults=faults, notes=notes), frequency


def _frequency(ds: pl.Series, given: Frequency | None, *, at: pl.Series, faults: Faults) -> Frequency | None:
    if given is not None:
        mend = f"the rows are {given}: sum them to that, stamped with the start of the period"
        what = f"do not start a period of frequency {given}"
        faults.add_at("ds", what, mend=mend, at=at.filter(off_grid(ds, given)), values=None)
        return given
    found = detect(ds)
    if found is not None and found.unit == "hour":
        clock = one_time_of_day(ds)
        if clock is not None:
            faults.say(
                "ds", f"every stamp is at {clock}", mend="give local dates: these look like days of another zone"
            )
        mend = "rows look like single transactions: sum them to hours or days"
        faults.add_at("ds", "are within the hour", mend=mend, at=at.filter(off_grid(ds, found)))
    return found


def _on_grid(frame: pl.DataFrame, frequency: Frequency | None) -> pl.DataFrame:
    timed = (frame["ds"].dt.truncate("1d") != frame["ds"]).any()
    dtype = frequency.dtype if frequency is not None else pl.Datetime("us") if timed else pl.Date()
    return frame.with_columns(pl.col("ds", *(["cutoff"] if "cutoff" in frame.columns else [])).cast(dtype))


def _with_cutoff(
    frame: pl.DataFrame, frequency: Frequency | None, *, at: pl.Series, faults: Faults, notes: list[str]
) -> pl.DataFrame:
    if "cutoff" in frame.columns:
        bad = frame["ds"] <= frame["cutoff"]
        mend = "a cutoff is the last period that was known: give the one before the first forecast"
        faults.add_at("cutoff", "do not lie before ds", mend=mend, at=at.filter(bad), values=None)
    elif frequency is None:
        faults.say("cutoff", "is not given, and one ds does not tell the frequency", mend="give a column cutoff")
        frame = frame.with_columns(pl.col("ds").alias("cutoff"))
    else:
        first = frequency.start_of(int(frequency.index(frame["ds"]).min()) - 1)
        notes.append(f"no cutoff given: taken as {first}, the period before the first forecast")
        frame = frame.with_columns(pl.lit(first).cast(frequency.dtype).alias("cutoff"))
    front = ["unique_id", "cutoff", "ds"]
    return frame.select(*front, *(name for name in frame.columns if name not in front))


def _codes(frame: pl.DataFrame, keys: Sequence[str]) -> IntArray:
    """One number per row that orders rows by key, the same for the same key."""
    codes: IntArray = np.zeros(len(frame), dtype=np.int64)
    for key in keys:
        each, size = _ranks(frame[key])
        codes = codes * size + each
    return codes


def _ranks(series: pl.Series) -> tuple[IntArray, int]:
    distinct = series.unique().sort()
    if series.dtype == pl.String:
        ranks = series.cast(pl.Enum(distinct)).to_physical().cast(pl.Int64).to_numpy()
    else:
        ranks = np.searchsorted(distinct.to_physical().to_numpy(), series.to_physical().to_numpy()).astype(np.int64)
    return ranks, max(len(distinct), 1)


def _complain_of_mixture(
    frame: pl.DataFrame, frequency: Frequency, *, keys: Sequence[str], order: IntArray, at: pl.Series, faults: Faults
) -> None:
    series = _codes(frame, [key for key in keys if key not in ("ds", "known_at")])[order]
    ds = frequency.index(frame["ds"])[order]
    dense = np.cumsum(np.concatenate(([0], series[1:] != series[:-1]))).astype(np.int64)
    found = mixed(dense, ds, frequency=frequency)
    if found is None:
        return
    rows = at.gather(order[found.rows]).sort()
    mend = (
        f"give one file per frequency, or sum to {found.coarse}s stamped on one weekday; "
        "where rows are left out because nothing sold, say sparse=True"
    )
    what = f"step by the {found.coarse} in a set that steps by the {found.fine} (mixed frequencies)"
    ids = frame["unique_id"] if "unique_id" in frame.columns and len(frame) == faults.rows else None
    faults.add_at("ds", what, mend=mend, at=rows, values=ids)


def _once(
    frame: pl.DataFrame, codes: IntArray, *, keys: Sequence[str], at: pl.Series, faults: Faults, notes: list[str]
) -> pl.DataFrame:
    again = np.concatenate((codes[1:] == codes[:-1], [False]))
    if not again.any():
        return frame
    touched = again | np.concatenate(([False], again[:-1]))
    doubtful = frame.with_columns(at.alias("row__")).filter(pl.Series(touched))
    single = doubtful.sort("row__").unique(subset=frame.columns, keep="first", maintain_order=True)
    clash = single.filter(single.select(keys).is_duplicated())
    mend = "keep one row for each, or sum them"
    faults.add_at(", ".join(keys), "give different values for the same key", mend=mend, at=clash["row__"].sort())
    dropped = len(doubtful) - len(single)
    if dropped:
        notes.append(f"{dropped:,} rows repeat another one exactly: dropped")
    rest = frame.filter(pl.Series(~touched))
    return pl.concat([rest, single.drop("row__")]).sort(keys)
