"""``finalmile ingest``."""

from __future__ import annotations

from typing import Annotated

import typer

from finalmile.cli.arguments import read_columns, read_instant, read_roles
from finalmile.cli.report import Report
from finalmile.cli.verb import Session

Kind = Annotated[
    str,
    typer.Argument(
        metavar="KIND",
        help="What it is: sales, items, stock, receipts, open_orders, adjustments, transfers, future or forecasts.",
    ),
]
Source = Annotated[str, typer.Argument(metavar="SOURCE", help="CSV, Parquet, a glob of them, or a database URL.")]
Query = Annotated[str | None, typer.Option("--query", metavar="SQL", help="What to read from the database.")]
Columns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="OURS=THEIRS", help="A column that is called differently there; repeatable."),
]
KnownAt = Annotated[
    str | None, typer.Option("--known-at", metavar="WHEN", help="When these rows became known; now by default.")
]
Ahead = Annotated[
    float | None,
    typer.Option("--known-days-ahead", metavar="DAYS", help="How long before its day each row was known (future)."),
]
Backfill = Annotated[
    bool | None,
    typer.Option(
        "--backfill/--no-backfill",
        help="Rows count as known when they happened, or since now; by default by the age of the oldest.",
    ),
]
Comma = Annotated[bool, typer.Option("--decimal-comma", help="Numbers are written 1,5 and 1.000,5.")]
DateFormat = Annotated[
    str | None, typer.Option("--date-format", metavar="FORMAT", help="How dates are written: %d/%m/%Y, for example.")
]
Roles = Annotated[
    list[str] | None,
    typer.Option("--role", metavar="COLUMN=ROLE", help="A column is number, text or hierarchy; repeatable."),
]
Sparse = Annotated[bool, typer.Option("--sparse", help="Rows are left out where nothing sold.")]
Complete = Annotated[
    bool,
    typer.Option("--complete/--partial", help="Whether open orders that the table leaves out are open no more."),
]
Model = Annotated[str | None, typer.Option("--model", metavar="MODEL", help="Model that forecasts are a version of.")]


def ingest(
    session: Session,
    kind: Kind,
    source: Source,
    query: Query = None,
    column: Columns = None,
    known_at: KnownAt = None,
    known_days_ahead: Ahead = None,
    backfill: Backfill = None,
    decimal_comma: Comma = False,
    date_format: DateFormat = None,
    role: Roles = None,
    sparse: Sparse = False,
    complete: Complete = True,
    model: Model = None,
) -> Report:
    """Take in sales, items, stock, what moved it, open orders, future covariates or ready-made forecasts.

    Taking in the same rows again changes nothing; a corrected row becomes a new version of the old one.
    """
    return session.new_project.ingest(
        kind.replace("-", "_"),
        source,
        columns=read_columns(column or ()),
        query=query,
        known_at=None if known_at is None else read_instant(known_at),
        known_days_ahead=known_days_ahead,
        backfill=backfill,
        decimal_comma=decimal_comma,
        date_format=date_format,
        roles=read_roles(role or ()),
        sparse=sparse,
        complete=complete,
        model=model,
    )
