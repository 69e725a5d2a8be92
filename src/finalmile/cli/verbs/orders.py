"""``finalmile orders``: list, show, approve, edit, send, acknowledge, answers, receive, cancel, overrides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from finalmile.cli.arguments import Why, read_when, user_name
from finalmile.cli.reasons import ReasonedOrders
from finalmile.cli.report import Report
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
Code = Annotated[
    str,
    typer.Option(
        "--code",
        metavar="CODE",
        show_default=False,
        help="Why: promotion, event, stock_wrong, forecast_wrong, supplier, budget, new_product or other.",
    ),
]
Text = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, in your words.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who decided so; whoever is logged in here.")]
Folder = Annotated[
    Path | None, typer.Option("--to", metavar="DIR", help="Folder to write to, in place of what the settings say.")
]
Format = Annotated[
    str | None, typer.Option("--format", metavar="NAME", help="Format, in place of the one in the settings.")
]
Every = Annotated[bool, typer.Option("--all", help="Every order that is approved.")]
Outside = Annotated[bool, typer.Option("--by-hand", help="It was sent by other means; only note it.")]
NeverCame = Annotated[
    bool,
    typer.Option(
        "--not-arrived", help="The supplier says that what is in doubt never came: free it to be edited and sent anew."
    ),
]
FromFile = Annotated[Path | None, typer.Option("--file", metavar="FILE", help="Receipts of many orders, as a table.")]
AnswerFiles = Annotated[list[Path], typer.Argument(metavar="FILE...", help="The supplier's files, oldest first.")]
AnswerFormat = Annotated[
    str | None,
    typer.Option("--format", metavar="FORMAT", help="x12_855, edifact_ordrsp, ...; as the file begins by default."),
]
FromSupplier = Annotated[
    str | None, typer.Option("--supplier", metavar="NAME", help="Refuse a file that speaks of orders of anybody else.")
]

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
    code: Code = "",
    quantity: Quantity = None,
    due: Due = None,
    note: Text = "",
    by: By = None,
) -> Report:
    """Order another quantity, or for another day, than was proposed; what was proposed is kept beside it."""
    day = None if due is None else read_when(due)
    who = by or user_name()
    return session.project.edit_order(order, product, quantity=quantity, due=day, code=code, note=note, by=who)


def send_orders(
    session: Session,
    order: MaybeOrder = None,
    supplier: Supplier = None,
    every: Every = False,
    to: Folder = None,
    file_format: Format = None,
    by_hand: Outside = False,
    not_arrived: NeverCame = False,
    why: Why = "sent",
) -> Report:
    """Send what is approved, as the settings say for each supplier; sent once it is there for good, and never twice."""
    if sum((order is not None, supplier is not None, every)) != 1:
        raise typer.BadParameter("name an order, or --supplier NAME, or --all")
    project = session.project
    if not_arrived:
        if order is None or by_hand or to is not None or file_format is not None:
            raise typer.BadParameter("--not-arrived stands beside one order alone")
        return project.not_arrived(order)
    if order is not None:
        return project.send_order(order, to=to, file_format=file_format, by_hand=by_hand, why=why)
    return project.send_orders(supplier=supplier, to=to, file_format=file_format, by_hand=by_hand, why=why)


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


def take_answers(
    session: Session,
    files: AnswerFiles,
    format: AnswerFormat = None,  # noqa: A002 - the option's name
    supplier: FromSupplier = None,
) -> Report:
    """Note what a supplier's file says: X12 855 and 856, EDIFACT ORDRSP and DESADV, UBL, CSV; all of it or nothing."""
    project = session.project
    if len(files) == 1:
        return project.take_answers(files[0], format=format, supplier=supplier)
    return project.take_answer_files(files, format=format, supplier=supplier)


def receive_order(
    session: Session,
    order: MaybeOrder = None,
    product: Product = None,
    quantity: Came = None,
    at: At = None,
    file: FromFile = None,
    supplier: FromSupplier = None,
) -> Report:
    """Note what came: all of an order, some units of a product, or a file of receipts; twice changes nothing."""
    if (order is None) is (file is None):
        raise typer.BadParameter("name an order, or a file of receipts with --file")
    if order is not None:
        day = None if at is None else read_when(at)
        return session.project.receive_order(order, product, quantity=quantity, at=day)
    return session.project.take_receipts(str(file), supplier=supplier)


def cancel_orders(session: Session, order: Order, product: Product = None, why: Why = "cancelled by hand") -> Report:
    """Cancel what is still open of an order; units that came stay received."""
    return session.project.cancel_orders(order, product=product, why=why)


def value_of_overrides(session: Session) -> Report:
    """Whether planners beat the system: money that edits saved on the demand that came, by planner and reason."""
    return session.project.overrides()


def _order_state(name: str) -> OrderState:
    if name not in get_args(OrderState):
        raise UnknownNameError("order state", name, get_args(OrderState))
    return cast("OrderState", name)


add_verb(orders, list_orders, name="list")
add_verb(orders, show_order, name="show")
add_verb(orders, approve_orders, name="approve")
add_verb(orders, edit_order, name="edit")
add_verb(orders, send_orders, name="send")
add_verb(orders, acknowledge_order, name="acknowledge")
add_verb(orders, take_answers, name="answers")
add_verb(orders, receive_order, name="receive")
add_verb(orders, cancel_orders, name="cancel")
add_verb(orders, value_of_overrides, name="overrides")
