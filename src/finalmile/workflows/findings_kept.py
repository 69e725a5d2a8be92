"""Findings as a table and back: how a replay keeps what its looks found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import time
from typing import Any

import polars as pl

from finalmile.records import Finding

SCHEMA: Mapping[str, Any] = {
    "check": pl.String,
    "subject": pl.String,
    "at": pl.Datetime("us"),
    "value": pl.Float64,
    "benchmark": pl.Float64,
    "effect": pl.Float64,
    "unit": pl.String,
    "log_evidence": pl.Float64,
    "threshold": pl.Float64,
    "n": pl.Int64,
    "since": pl.Datetime("us"),
    "breached": pl.Boolean,
    "severity": pl.String,
    "money_at_risk": pl.Float64,
    "why": pl.String,
}
"""Columns of a table of findings; days are told as their midnight."""


def to_frame(findings: Iterable[Finding]) -> pl.DataFrame:
    """A row per finding, in order.

    Examples
    --------
    >>> from datetime import date
    >>> told = Finding(check="loss", subject="fleet", at=date(2024, 3, 1), value=0.4, benchmark=0.3, why="worse")
    >>> from_frame(to_frame([told]))[0].value
    0.4
    """
    rows = [asdict(one) for one in findings]
    frame = pl.DataFrame({name: [row[name] for row in rows] for name in SCHEMA}, strict=False)
    return frame.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())


def from_frame(frame: pl.DataFrame) -> list[Finding]:
    """The inverse of :func:`to_frame`; stamps are days again where every look was at midnight."""
    days = frame.select((pl.col("at").dt.time() == time()).all()).item() if frame.height else True
    whole = frame.with_columns(pl.col("at", "since").cast(pl.Date)) if days else frame
    return [Finding(**row) for row in whole.iter_rows(named=True)]
