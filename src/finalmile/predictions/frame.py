"""Logged lines as a long frame: a row per prediction and period, as the lake keeps them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from finalmile.frames import quantile_column

KEYS = ("prediction_id", "step")

_NUMBERS, _INSTANT = pl.List(pl.Float64), pl.Datetime("us", "UTC")
_LINE: dict[str, pl.DataType | type[pl.DataType]] = {
    "prediction_id": pl.String,
    "request_id": pl.String,
    "endpoint": pl.String,
    "model": pl.String,
    "version": pl.Int64,
    "role": pl.String,
    "unique_id": pl.String,
    "cutoff": pl.String,
    "ds": pl.List(pl.String),
    "features": _NUMBERS,
    "given": pl.Boolean,
    "mean": _NUMBERS,
    "levels": _NUMBERS,
    "quantiles": pl.List(_NUMBERS),
    "windows": pl.String,
    "latency_us": pl.Int64,
    "outcome": pl.String,
    "issued_at": pl.Int64,
    "fallback": pl.String,
    "key": pl.String,
    "parent": pl.String,
}
_FORMS = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")
_DEFAULTS = {"given": True, "latency_us": 0, "outcome": "ok", "fallback": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Lines that were read, and those that could not be.

    Parameters
    ----------
    frame
        ``prediction_id, step, request_id, endpoint, model, version, role, unique_id, cutoff, ds, features, given,
        mean, windows, latency_us, outcome, issued_at, fallback, key, parent`` and a column per quantile (``q0.98``);
        ``step`` counts the periods of one prediction from 0 on.
    broken
        Places of the lines that are no prediction.
    """

    frame: pl.DataFrame
    broken: tuple[int, ...] = ()


def read_lines(lines: Sequence[bytes], /) -> Read:
    """What :meth:`~finalmile.predictions.record.Prediction.to_json` wrote, one row per prediction and period.

    A prediction without any period makes one row without ds and mean. Lines that are no prediction are left out and
    told; one of them keeps no other from being read.
    """
    frames, broken = _read(lines, first=0)
    frame = pl.concat(frames, how="diagonal_relaxed") if len(frames) > 1 else (frames or [_frame([])])[0]
    return Read(frame=frame, broken=tuple(broken))


def _read(lines: Sequence[bytes], *, first: int) -> tuple[list[pl.DataFrame], list[int]]:
    """Frames of the lines that can be read and places of the others, found by halving: most lines are sound."""
    try:
        return [_frame(lines)], []
    except (pl.exceptions.PolarsError, OverflowError):
        if len(lines) == 1:
            return [], [first]
    middle = len(lines) // 2
    left, right = _read(lines[:middle], first=first), _read(lines[middle:], first=first + middle)
    return left[0] + right[0], left[1] + right[1]


def first_told(frame: pl.DataFrame, /) -> pl.DataFrame:
    """Each prediction once: of rows with the same id and step the first."""
    return frame.unique(KEYS, keep="first", maintain_order=True) if frame.height else frame


def _frame(lines: Sequence[bytes]) -> pl.DataFrame:
    told = pl.read_ndjson(io.BytesIO(b"\n".join(lines)), schema=_LINE) if lines else pl.DataFrame(schema=_LINE)
    if told.height != len(lines) or told.select(pl.any_horizontal(pl.col(*_NEEDED).is_null().any())).item():
        raise pl.exceptions.ComputeError("a line lacks what every prediction has")
    filled = told.with_columns(pl.col(name).fill_null(value) for name, value in _DEFAULTS.items())
    alike = filled.with_columns(pl.col("levels").fill_null([])).partition_by("levels", maintain_order=True)
    rows = pl.concat([_long(part) for part in alike], how="diagonal") if alike else _long(filled)
    return rows.with_columns(_moment(rows["ds"]), _moment(rows["cutoff"])).select(
        *KEYS, *(name for name in rows.columns if name not in KEYS)
    )


_NEEDED = ("prediction_id", "request_id", "endpoint", "model", "version", "role", "issued_at", "mean", "ds")


def _long(told: pl.DataFrame) -> pl.DataFrame:
    """Rows of predictions that have the same levels."""
    levels: list[float] = told["levels"][0].to_list() if told.height else []
    names = [quantile_column(level) for level in levels]
    return (
        told.with_columns(
            pl.int_ranges(pl.max_horizontal(pl.col("mean").list.len(), 1), dtype=pl.Int32).alias("step"),
            pl.from_epoch("issued_at", time_unit="us").dt.replace_time_zone("UTC").cast(_INSTANT),
            *(pl.col("quantiles").list.get(at).alias(name) for at, name in enumerate(names)),
            *(_never_empty(name) for name in ("mean", "ds")),
        )
        .drop("levels", "quantiles")
        .explode("step", "mean", "ds", *names)
    )


def _never_empty(name: str) -> pl.Expr:
    one_missing = pl.concat_list(pl.lit(None, dtype=_LINE[name].inner))  # type: ignore[union-attr]  # both are lists
    return pl.when(pl.col(name).list.len() > 0).then(pl.col(name)).otherwise(one_missing).alias(name)


def _moment(texts: pl.Series) -> pl.Series:
    """Dates where every text is one, naive instants otherwise; nothing where a text is neither: its row stays."""
    days = texts.str.to_date("%Y-%m-%d", strict=False)
    if days.null_count() == texts.null_count():
        return days
    plain = texts.str.replace(" ", "T", literal=True).str.strip_suffix("Z")
    told = [plain.str.to_datetime(form, time_unit="us", strict=False) for form in _FORMS]
    both = pl.select(pl.coalesce(days.cast(pl.Datetime("us")), *told)).to_series()
    return (days if both.null_count() == days.null_count() else both).alias(texts.name)
