"""``finalmile orders``: list, show, approve, edit, send, acknowledge, receive, cancel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from finalmile.cli.arguments import Why, read_when
from finalmile.cli.reasons import ReasonedOrders
from finalmile.cli.report import Note, Report
from finalmile.cli.verb import Session, add_verb
from finalmile.errors import UnknownNameError
from finalmile.records import OrderState

Order = Annotated[str, typer.Argument(metavar="ORDER", help="Id of the order.")]
MaybeOrder = Annotated[str | None, typer.Argument(metavar="[ORDER]", help="Id of the order.")]
State = Annotated[
    list[str] | None, typer.Option("--state", metavar="STATE", help="Only orders in this state; repeatable.")
]
Supplier = Annotated[str | None, typer.Option("--supplier", metavar="NAME", help="Only of this supplier.")]
Product = Annotated[str | None, typer.Option("--product", metavar="ID", help="Only of this product (unique_id).")]
OfProduct = Annotated[str, typer.Argument(metavar="PRODUCT", help="The product (unique_id).")]
WithNumbers = Annotated[bool, typer.Option("--why", help="Print every number and step behind each quantity.")]
Quantity = Annotated[int | None, typer.Option("--quantity", metavar="UNITS", help="Units in place of those it says.")]
Came = Annotated[
    float | None, typer.Option("--quantity", metavar="UNITS", help="Units of the product that came on that day in all.")
]
Due = Annotated[str | None, typer.Option("--due", metavar="DAY", help="Day in place of the one it says.")]
At = Annotated[str | None, typer.Option("--at", metavar="DAY", help="Day it came; the day after the newest sales.")]
Code = Annotated[str, typer.Option("--code", metavar="CODE", help="Why, one of a few words; a wrong one names them.")]
Text = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, in your words.")]
Folder = Annotated[Path | None, typer.Option("--to", metavar="DIR", help="Folder the order is written to, as CSV.")]
Outside = Annotated[bool, typer.Option("--by-hand", help="It was sent by other means; only note it.")]
FromFile = Annotated[Path | None, typer.Option("--file", metavar="FILE", help="Receipts of many orders, as a table.")]

orders = typer.Typer(
    help="List orders, see why each quantity, and move them on until they are here.", no_args_is_help=True
)


def list_orders(
    session: Session,
    state: State = None,
    supplier: Supplier = None,
    product: Product = None,
    why: WithNumbers = False,
) -> Report:
    """List orders by date, with their states; late ones are named so."""
    states: list[OrderState] = [_order_state(name) for name in state or ()]
    found = session.project.orders(None, states=states, supplier=supplier, product=product)
    return ReasonedOrders(found, worked_out=True) if why else found


def show_order(session: Session, order: Order, product: Product = None, why: WithNumbers = False) -> Report:
    """Show the lines of one order, and why each quantity; --why prints every number behind it."""
    return ReasonedOrders(session.project.orders(order, product=product), worked_out=why)


def approve_orders(
    session: Session,
    order: MaybeOrder = None,
    supplier: Supplier = None,
    product: Product = None,
    why: Why = "approved",
) -> Report:
    """Approve the proposals of an order, or all of a supplier or product."""
    return session.project.approve_orders(order, supplier=supplier, product=product, why=why)


def edit_order(
    session: Session,
    order: Order,
    product: OfProduct,
    code: Code,
    quantity: Quantity = None,
    due: Due = None,
    note: Text = "",
) -> Report:
    """Order another quantity, or for another day, than was proposed; what was proposed is kept beside it."""
    day = None if due is None else read_when(due)
    return session.project.edit_order(order, product, quantity=quantity, due=day, code=code, note=note)


def send_order(
    session: Session, order: Order, to: Folder = None, by_hand: Outside = False, why: Why = "sent"
) -> Report:
    """Send the approved lines of an order: noted as sent once the file is on the disk; again sends nothing twice."""
    if (to is None) is not by_hand:
        raise typer.BadParameter("say where it goes with --to DIR, or --by-hand where it was sent by other means")
    return session.project.send_order(order, to=to, why=why)


def acknowledge_order(
    session: Session,
    order: Order,
    product: Product = None,
    quantity: Quantity = None,
    due: Due = None,
    why: Why = "the supplier answered",
) -> Report:
    """Note what the supplier answered: as asked for, or another quantity or day; 0 units is a no."""
    day = None if due is None else read_when(due)
    return session.project.acknowledge_order(order, product, quantity=quantity, due=day, why=why)


def receive_order(
    session: Session,
    order: MaybeOrder = None,
    product: Product = None,
    quantity: Came = None,
    at: At = None,
    file: FromFile = None,
) -> Report:
    """Note what came: all of an order, some units of a product, or a file of receipts; twice changes nothing."""
    if (order is None) is (file is None):
        raise typer.BadParameter("name an order, or a file of receipts with --file")
    if order is not None:
        day = None if at is None else read_when(at)
        return session.project.receive_order(order, product, quantity=quantity, at=day)
    project = session.project
    taken, settled = project.ingest("receipts", str(file)), project.settle_orders()
    return Note(
        said=(*taken.lines(), *settled.lines()), facts={"ingest": taken.to_dict(), "settled": settled.to_dict()}
    )


def cancel_orders(session: Session, order: Order, product: Product = None, why: Why = "cancelled by hand") -> Report:
    """Cancel what is still open of an order; units that came stay received."""
    return session.project.cancel_orders(order, product=product, why=why)


def _order_state(name: str) -> OrderState:
    if name not in get_args(OrderState):
        raise UnknownNameError("order state", name, get_args(OrderState))
    return cast("OrderState", name)


add_verb(orders, list_orders, name="list")
add_verb(orders, show_order, name="show")
add_verb(orders, approve_orders, name="approve")
add_verb(orders, edit_order, name="edit")
add_verb(orders, send_order, name="send")
add_verb(orders, acknowledge_order, name="acknowledge")
add_verb(orders, receive_order, name="receive")
add_verb(orders, cancel_orders, name="cancel")
