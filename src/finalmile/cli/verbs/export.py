"""``finalmile export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from finalmile.cli.arguments import read_when
from finalmile.cli.report import Report
from finalmile.cli.verb import Session

What = Annotated[str, typer.Argument(metavar="WHAT", help="Table: sales, forecasts, orders, findings, ...")]
Where = Annotated[Path, typer.Argument(metavar="FILE", help="File to write.")]
Format = Annotated[
    str | None, typer.Option("--format", metavar="csv|parquet", help="Format; from the file's ending by default.")
]
Start = Annotated[
    str | None, typer.Option("--from", metavar="DAY", help="First day, for forecasts first cutoff; all by default.")
]
End = Annotated[
    str | None, typer.Option("--to", metavar="DAY", help="Last day, for forecasts last cutoff; all by default.")
]


def export(
    session: Session,
    what: What,
    path: Where,
    format: Format = None,  # noqa: A002 - the option's name
    start: Start = None,
    end: End = None,
) -> Report:
    """Write a table to a CSV or Parquet file that other tools read; forecasts are those of every cutoff.

    Text in CSV files that a spreadsheet would run as a formula gets an apostrophe in front; ingest takes it off.
    """
    chosen = (format or path.suffix.removeprefix(".") or "csv").lower()
    if chosen not in {"csv", "parquet"}:
        raise typer.BadParameter(f"{chosen!r} is no format that can be written; give --format csv or --format parquet")
    first, last = (None if day is None else read_when(day) for day in (start, end))
    return session.project.export(what, path, chosen, start=first, end=last)
