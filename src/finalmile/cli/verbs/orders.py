"""``finalmile orders list`` and ``finalmile orders show``."""

from __future__ import annotations

from typing import Annotated

import typer

from finalmile.cli.report import Report
from finalmile.cli.verb import Session, add_verb

Order = Annotated[str, typer.Argument(metavar="ORDER", help="Id of the order.")]
State = Annotated[
    list[str] | None, typer.Option("--state", metavar="STATE", help="Only orders in this state; repeatable.")
]

orders = typer.Typer(help="List orders, or show one with the reason for each quantity.", no_args_is_help=True)


def list_orders(session: Session, state: State = None) -> Report:
    """List orders, newest first."""
    return session.project.orders(None, states=tuple(state or ()))


def show_order(session: Session, order: Order) -> Report:
    """Show the lines of one order, and every number each quantity came from."""
    return session.project.orders(order)


add_verb(orders, list_orders, name="list")
add_verb(orders, show_order, name="show")
