"""``finalmile orders list`` and ``finalmile orders show``."""

from __future__ import annotations

from typing import Annotated, cast, get_args

import typer

from finalmile.cli.reasons import ReasonedOrders
from finalmile.cli.report import Report
from finalmile.cli.verb import Session, add_verb
from finalmile.errors import UnknownNameError
from finalmile.records import OrderState

Order = Annotated[str, typer.Argument(metavar="ORDER", help="Id of the order.")]
State = Annotated[
    list[str] | None, typer.Option("--state", metavar="STATE", help="Only orders in this state; repeatable.")
]

orders = typer.Typer(help="List orders, or show one with the reason for each quantity.", no_args_is_help=True)


def list_orders(session: Session, state: State = None) -> Report:
    """List orders, newest first."""
    return session.project.orders(None, states=[_order_state(name) for name in state or ()])


def show_order(session: Session, order: Order) -> Report:
    """Show the lines of one order, and why each quantity; --json gives every number behind it."""
    return ReasonedOrders(session.project.orders(order))


def _order_state(name: str) -> OrderState:
    if name not in get_args(OrderState):
        raise UnknownNameError("order state", name, get_args(OrderState))
    return cast("OrderState", name)


add_verb(orders, list_orders, name="list")
add_verb(orders, show_order, name="show")
