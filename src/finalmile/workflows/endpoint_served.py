"""A trial as the endpoint's own log has it: what the log of later days is held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from finalmile.monitoring.operations.windows import in_windows
from finalmile.predictions.frame import read_lines
from finalmile.workflows.endpoint_trial import Effort, Measured

MOST_LOGGED = 1_000_000
"""Lines that are read, the newest: more of them tell no more."""


def served_windows(lines: Sequence[bytes], told: Measured, effort: Effort, /) -> Mapping[str, tuple[float, ...]]:
    """Quantiles of each window of the certified rate in milliseconds, by name; empty where the log is too short.

    The certified rate is what was asked last, so its windows are the newest ones.
    """
    if not lines or told.loaded.windows == ():
        return {}
    at, took = pl.col("issued_at").max().cast(pl.Int64), pl.col("latency_us").max()
    by_request = read_lines(lines).frame.group_by("request_id").agg(at.alias("at"), took.alias("took"))
    newest = by_request.filter(pl.col("at") > pl.col("at").max() - int(effort.windows * effort.window_s * 1e6))
    windows = in_windows(
        newest["at"].to_numpy() / 1e6,
        newest["took"].to_numpy() / 1e3,
        (newest["took"] < 0).to_numpy(),
        window_s=effort.window_s,
    )
    kept = {name: tuple(one for one in values.tolist() if one > 0) for name, values in windows.quantiles.items()}
    return {name: values for name, values in kept.items() if len(values) > 1}
