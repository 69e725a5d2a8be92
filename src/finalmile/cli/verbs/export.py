"""``finalmile export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from finalmile.cli.report import Report
from finalmile.cli.verb import Session

What = Annotated[str, typer.Argument(metavar="WHAT", help="Table: sales, forecasts, orders, findings, ...")]
Where = Annotated[Path, typer.Argument(metavar="FILE", help="File to write.")]
Format = Annotated[
    str | None, typer.Option("--format", metavar="csv|parquet", help="Format; from the file's ending by default.")
]


def export(session: Session, what: What, path: Where, format: Format = None) -> Report:  # noqa: A002 - the option's name
    """Write a table to a CSV or Parquet file that other tools read."""
    chosen = (format or path.suffix.removeprefix(".") or "csv").lower()
    if chosen not in {"csv", "parquet"}:
        raise typer.BadParameter(f"{chosen!r} is no format that can be written; give --format csv or --format parquet")
    return session.project.export(what, path, chosen)
