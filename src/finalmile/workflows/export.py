"""Export: a table as a CSV or Parquet file that other tools read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from finalmile.errors import ConfigError, MissingInputError, UnknownNameError
from finalmile.frames.dialects import Kind
from finalmile.frames.spreadsheets import guarded
from finalmile.ports import HistoryTable, Lake, Ledger
from finalmile.workflows.logbook import CUMULATIVE, FORECASTS
from finalmile.workflows.reports import Exported, order_frame
from finalmile.workflows.seal import PREDICTIONS

FORMATS = ("csv", "parquet")
_TIMES = ("cutoff", "ds", "at", "received_at", "ordered_at", "opened_at", "period")


def export(
    what: str,
    path: Path,
    *,
    file_format: str,
    tables: Mapping[Kind, HistoryTable],
    lake: Lake,
    ledger: Ledger,
    predictions: Callable[[], pl.DataFrame] = pl.DataFrame,
    start: date | None = None,
    end: date | None = None,
) -> Exported:
    """Write a table to a file, all of it or nothing.

    Text in a CSV file that a spreadsheet would run as a formula has an apostrophe in front, which reading such a
    file takes off again; see :func:`finalmile.frames.spreadsheets.guarded`.

    Parameters
    ----------
    what
        ``forecasts``, ``cumulative``, ``predictions``, ``orders``, ``incidents``, ``findings``, ``audit``, or a table
        that was ingested.
    predictions
        Gives every logged prediction.
    start, end
        First and last day to keep, by cutoff where the table has one, else by its own time; predictions by when they
        were issued. Without them everything
        is written; forecasts are those of every cutoff that was ever logged.

    Raises
    ------
    MissingInputError
        Where the table holds nothing, in all or in the span.
    ConfigError
        Where a span is asked of a table without time.
    """
    if file_format not in FORMATS:
        raise ConfigError("--format", [f"{file_format!r} cannot be written; give csv or parquet"])
    frame = predictions() if what == PREDICTIONS else _frame(what, tables=tables, lake=lake, ledger=ledger)
    if frame.is_empty():
        raise MissingInputError(f"there are no {what} to export yet")
    if start is not None or end is not None:
        frame = _within(frame, what, start, end)
    _write(frame, path, file_format)
    return Exported(what=what, path=str(path), rows=frame.height)


def _within(frame: pl.DataFrame, what: str, start: date | None, end: date | None) -> pl.DataFrame:
    """Rows of a span of days, its last day included."""
    times = ("issued_at",) if what == PREDICTIONS else _TIMES
    time = next((name for name in times if name in frame.columns), None)
    if time is None:
        raise ConfigError("--from, --to", [f"{what} have no time to choose by; leave them out"])
    day = pl.col(time).cast(pl.Date)
    kept = frame.filter(day >= start if start else True, day <= end if end else True)
    if kept.is_empty():
        first, last = frame.select(day.min().alias("first"), day.max().alias("last")).row(0)
        raise MissingInputError(
            f"there are no {what} from {start or first} to {end or last} by {time}; "
            f"there are some from {first} to {last}"
        )
    return kept


def _frame(what: str, *, tables: Mapping[Kind, HistoryTable], lake: Lake, ledger: Ledger) -> pl.DataFrame:
    if what in (FORECASTS, CUMULATIVE):
        return lake.scan(what).collect()
    if what == "orders":
        return order_frame(ledger.orders())
    records: Mapping[str, Callable[[], Sequence[Any]]] = {
        "incidents": ledger.incidents,
        "audit": ledger.audit_rows,
        "findings": lambda: [
            finding
            for model in sorted({version.model for version in ledger.versions()})
            for finding in ledger.findings(model, last_runs=1_000_000)
        ],
    }
    if what in records:
        return pl.DataFrame([_flat(asdict(record)) for record in records[what]()], infer_schema_length=None)
    known: dict[str, HistoryTable] = {
        "ready_made" if name == "forecasts" else name: table for name, table in tables.items()
    }
    if what not in known:
        raise UnknownNameError("table", what, [*known, FORECASTS, CUMULATIVE, PREDICTIONS, "orders", *records])
    return known[what].read()


def _flat(record: Mapping[str, object]) -> dict[str, object]:
    """Nested values as JSON text, so that every column has one type."""
    return {
        name: orjson.dumps(value, default=str).decode() if isinstance(value, dict | list | tuple) else value
        for name, value in record.items()
    }


def _listed(frame: pl.DataFrame) -> pl.DataFrame:
    """Lists of numbers as JSON text: a CSV file has no lists."""
    texts = pl.element().cast(pl.String).fill_null("null")
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    return frame.with_columns(
        pl.format("[{}]", pl.col(name).list.eval(texts).list.join(",")).alias(name) for name in lists
    )


def _write(frame: pl.DataFrame, path: Path, file_format: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pending = path.parent / f".{path.name}-{os.getpid()}"
    try:
        if file_format == "csv":
            guarded(_listed(frame)).write_csv(pending)
        else:
            frame.write_parquet(pending, compression="zstd")
        pending.replace(path)
    finally:
        pending.unlink(missing_ok=True)
