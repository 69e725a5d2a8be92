"""``finalmile export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from finalmile.cli.arguments import order_state, read_when
from finalmile.cli.report import Report
from finalmile.cli.verb import Session

What = Annotated[str, typer.Argument(metavar="WHAT", help="Table: sales, forecasts, orders, findings, ...")]
Where = Annotated[Path, typer.Argument(metavar="FILE", help="File to write.")]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="csv or parquet, by default as the file ends; for orders also odoo, x12_850, ... (finalmile plugins).",
    ),
]
Start = Annotated[
    str | None, typer.Option("--from", metavar="DAY", help="First day, for forecasts first cutoff; all by default.")
]
End = Annotated[
    str | None, typer.Option("--to", metavar="DAY", help="Last day, for forecasts last cutoff; all by default.")
]
Order = Annotated[
    list[str] | None, typer.Option("--order", metavar="ORDER", help="Only this order, in any state; repeatable.")
]
State = Annotated[
    list[str] | None,
    typer.Option("--state", metavar="STATE", help="Only orders in this state; approved by default; repeatable."),
]


def export(
    session: Session,
    what: What,
    path: Where,
    format: Format = None,  # noqa: A002 - the option's name
    start: Start = None,
    end: End = None,
    order: Order = None,
    state: State = None,
) -> Report:
    """Write a table to a CSV or Parquet file that other tools read; forecasts are those of every cutoff.

    Text in CSV files that a spreadsheet would run as a formula gets an apostrophe in front; ingest takes it off.
    Orders are also written as suppliers and other systems read them: --format odoo, erpnext, ubl_order, x12_850, ...
    """
    chosen = (format or path.suffix.removeprefix(".") or "csv").lower()
    if what == "orders" and format is not None and chosen not in {"csv", "parquet"}:
        if start or end:
            raise typer.BadParameter("--from and --to choose days of a table; choose orders by --order or --state")
        return session.project.export_orders(
            path, chosen, orders=order or (), states=[order_state(name) for name in state or ("approved",)]
        )
    if order or state:
        raise typer.BadParameter("--order and --state choose purchase orders; give their --format too, such as odoo")
    if chosen not in {"csv", "parquet"}:
        raise typer.BadParameter(f"{chosen!r} is no format that can be written; give --format csv or --format parquet")
    first, last = (None if day is None else read_when(day) for day in (start, end))
    return session.project.export(what, path, chosen, start=first, end=last)
