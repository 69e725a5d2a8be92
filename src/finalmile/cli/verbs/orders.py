"""``finalmile orders``."""

from __future__ import annotations

from typing import Annotated

import typer

from finalmile.cli.report import Report
from finalmile.cli.verb import Session

Order = Annotated[str | None, typer.Argument(metavar="[ORDER]", help="One order, with the reason of each line.")]
State = Annotated[
    list[str] | None, typer.Option("--state", metavar="STATE", help="Only orders in this state; repeatable.")
]


def orders(session: Session, order: Order = None, state: State = None) -> Report:
    """List orders, or show the lines of one and the reason for each quantity."""
    return session.project.orders(order, states=tuple(state or ()))
