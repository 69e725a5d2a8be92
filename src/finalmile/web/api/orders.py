"""Orders over HTTP: planners approve, edit and cancel, operators send, and note what was answered and what came."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field

from finalmile.errors import printable
from finalmile.project import Project
from finalmile.records import OrderLine, OrderState
from finalmile.web.api.desk import Caller, Desk
from finalmile.web.api.plain import plain
from finalmile.web.api.policy import AtDesk, Deployer, ForbiddenError, Orderer, Reader
from finalmile.web.api.shapes import ERRORS, Answer, Asked, Why
from finalmile.workflows.order_reports import Moved

router = APIRouter(prefix="/v1", responses=ERRORS, tags=["orders"])
OrderId = Annotated[str, Path(pattern="^[A-Za-z0-9._:-]{1,100}$", description="Id of an order.")]
Product = Annotated[str | None, Field(max_length=500, description="One product; all lines of the order without.")]
Units = Annotated[int, Field(ge=1, le=2**31 - 1)]


Seen = Annotated[
    str,
    Field(
        max_length=300,
        description="A line as it was shown: LINE_ID=QUANTITY, with ,STATE or ,STATE,DAY after it. Where it has "
        "changed since, nothing is done.",
    ),
]
Marks = Annotated[
    tuple[Seen, ...], Field(max_length=10_000, description="Lines as they were shown; all where none is told.")
]


class Choice(Asked):
    """Which lines of an order, and why."""

    product: Product = None
    lines: Marks = ()
    why: Why = "through the API"


class Edit(Asked):
    """Another quantity, another day, or both."""

    product: Annotated[str, Field(min_length=1, max_length=500)]
    quantity: Units | None = None
    due: date | None = None
    code: Annotated[str, Field(max_length=40, description="Reason code; a wrong one is answered with those there are.")]
    note: Annotated[str, Field(max_length=500)] = ""
    seen: Seen | None = None


class Because(Asked):
    """Why."""

    why: Why = "the supplier does not have it"


class Sending(Asked):
    """How it goes out."""

    by_hand: bool = Field(False, description="It was sent by other means; only note it.")
    lines: Marks = ()
    why: Why = "through the API"


class Acknowledgement(Asked):
    """What the supplier answered."""

    product: Product = None
    quantity: Annotated[int, Field(ge=0, le=2**31 - 1, description="0 is a no.")] | None = None
    due: date | None = None
    why: Why = "the supplier answered"


class Arrival(Asked):
    """What came on a day; all that was still to come where no quantity is told."""

    product: Product = None
    quantity: Annotated[float, Field(ge=0, allow_inf_nan=False, description="Of that whole day.")] | None = None
    at: date | None = None


@router.get("/orders", summary="Order lines, oldest first")
def list_orders(
    desk: AtDesk,
    caller: Reader,
    state: Annotated[list[OrderState] | None, Query(description="Only these; repeatable.")] = None,
    supplier: Annotated[str | None, Query(max_length=500)] = None,
    product: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> Answer:
    """As receipts and the calendar leave them, and how many there are in all."""
    found = _acting(desk, caller).orders(states=state or (), supplier=supplier, product=product).rows
    return {"orders": plain(found[offset : offset + limit]), "found": len(found)}


@router.get("/orders/{order_id}", summary="One order")
def show_order(order_id: OrderId, desk: AtDesk, caller: Reader) -> Answer:
    """Its lines, each with every step of its quantity."""
    told = _acting(desk, caller).orders(order_id)
    return {"orders": [_line(line, told.worked(line)) for line in told.rows]}


@router.post("/orders/{order_id}/approve", summary="Approve what is proposed of an order")
def approve(order_id: OrderId, asked: Choice, desk: AtDesk, caller: Orderer) -> Answer:
    """All lines, or those of a product."""
    return _moved(
        _acting(desk, caller).approve_orders(order_id, product=asked.product, marks=asked.lines, why=asked.why)
    )


@router.post("/orders/{order_id}/edit", summary="Order another quantity, or for another day")
def edit(order_id: OrderId, asked: Edit, desk: AtDesk, caller: Orderer) -> Answer:
    """What was proposed is kept beside it."""
    project = _acting(desk, caller)
    return _moved(
        project.edit_order(
            order_id,
            asked.product,
            quantity=asked.quantity,
            due=asked.due,
            code=asked.code,
            note=asked.note,
            seen=asked.seen,
        )
    )


@router.post("/orders/{order_id}/cancel", summary="Cancel what is open of an order")
def cancel(order_id: OrderId, asked: Choice, desk: AtDesk, caller: Orderer) -> Answer:
    """Units that came stay received."""
    return _moved(
        _acting(desk, caller).cancel_orders(order_id, product=asked.product, marks=asked.lines, why=asked.why)
    )


@router.post("/orders/{order_id}/send", summary="Send what is approved of an order")
def send(order_id: OrderId, asked: Sending, desk: AtDesk, caller: Deployer) -> Answer:
    """As the settings say for its supplier; again sends nothing twice."""
    project = _acting(desk, caller)
    return _moved(project.send_order(order_id, by_hand=asked.by_hand, marks=asked.lines, why=asked.why))


@router.post("/orders/{order_id}/not-arrived", summary="Note that what is in doubt of an order never came")
def not_arrived(order_id: OrderId, asked: Because, desk: AtDesk, caller: Deployer) -> Answer:
    """The supplier has said so: it may be edited, and goes out anew."""
    return _moved(_acting(desk, caller).not_arrived(order_id, why=asked.why))


@router.post("/orders/{order_id}/acknowledge", summary="Note what a supplier answered")
def acknowledge(order_id: OrderId, asked: Acknowledgement, desk: AtDesk, caller: Deployer) -> Answer:
    """As asked for, or another quantity or day."""
    project = _acting(desk, caller)
    return _moved(
        project.acknowledge_order(order_id, asked.product, quantity=asked.quantity, due=asked.due, why=asked.why)
    )


@router.post("/orders/{order_id}/receive", summary="Note what came of an order")
def receive(order_id: OrderId, asked: Arrival, desk: AtDesk, caller: Deployer) -> Answer:
    """The same twice changes nothing."""
    return _moved(_acting(desk, caller).receive_order(order_id, asked.product, quantity=asked.quantity, at=asked.at))


async def _content(request: Request) -> bytes:
    return await request.body()


@router.post(
    "/orders/answers",
    summary="Take in a file in which a supplier answers orders",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
def take_answer(
    desk: AtDesk,
    caller: Deployer,
    content: Annotated[bytes, Depends(_content)],
    name: Annotated[str, Query(min_length=1, max_length=200, description="Name of the file, for messages.")] = "answer",
    format: Annotated[  # noqa: A002  # the verb's word
        str | None, Query(max_length=60, description="Format; by default as the file begins.")
    ] = None,
    supplier: Annotated[
        str | None, Query(max_length=500, description="Whose file it is; orders of anybody else are refused then.")
    ] = None,
) -> Answer:
    """All of it or nothing; the same file again changes nothing."""
    taken = _acting(desk, caller).take_answer(content, name=printable(name), format=format, supplier=supplier)
    told: Answer = plain(taken.to_dict())
    return told


@router.get("/suppliers", summary="How suppliers deliver")
def suppliers(desk: AtDesk, caller: Reader) -> Answer:
    """Lead times, on time and in full, with intervals."""
    return plain(_acting(desk, caller).suppliers().to_dict())  # type: ignore[no-any-return]  # a JSON object


@router.get("/overrides", summary="What planners' edits were worth")
def overrides(desk: AtDesk, caller: Reader) -> Answer:
    """By planner and reason, on the demand that came."""
    return plain(_acting(desk, caller).overrides().to_dict())  # type: ignore[no-any-return]  # a JSON object


def _acting(desk: Desk, caller: Caller) -> Project:
    """The project; orders are of all models, so a key of some models has nothing to do with them."""
    if caller.key is not None and caller.key.models:
        raise ForbiddenError("orders are of the whole project, and this key reaches only some models")
    return desk.project.acting(caller.actor)


def _line(line: OrderLine, steps: list[str]) -> Answer:
    told: Answer = plain(line)
    return {**told, "worked": steps}


def _moved(moved: Moved) -> Answer:
    told: Answer = plain(moved.to_dict())
    return told
