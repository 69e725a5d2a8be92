"""What a supplier answers to an order, whatever the file it came in, and where readers are found by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, Protocol

from finalmile.plugins import Registry

Outcome = Literal["accepted", "rejected", "open"]
"""Whether units will come; ``open`` where the supplier has not decided, or asks for a decision."""
Purpose = Literal["original", "change"]
"""Whether an answer says that it is the first one, or that it changes an earlier one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAnswer:
    """What a supplier says of one line of an order.

    Parameters
    ----------
    place
        Where in the file it says so, for messages.
    product
        Our id of the product; ``None`` where the answer holds only the line's number.
    number
        The line's number in the order, from 1.
    quantity
        Units that will come in all; ``None`` where the answer names none, which means as asked.
    due
        Day on which the last of them will be here; ``None`` where the answer names none.
    price
        Of one unit; ``None`` where the answer names none.
    shipped
        Units that are on their way, where the file announces a delivery; ``None`` in an answer to the order.
    """

    place: str
    outcome: Outcome
    product: str | None = None
    number: int | None = None
    quantity: int | None = None
    due: date | None = None
    price: Decimal | None = None
    shipped: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A delivery, as the notice that announces it names it.

    Parameters
    ----------
    number
        The shipment's own number, the same in each file that tells of it.
    sender
        Who numbered it: interchange id, as the file has it.
    purpose
        ``original`` announces it, also again; ``replace`` says all of it anew; ``cancel`` says that it does not come.
    key
        What tells the notice itself from others; see :class:`OrderAnswer`.
    """

    place: str
    number: str
    sender: str
    purpose: Literal["original", "replace", "cancel"]
    key: str = ""

    @property
    def name(self) -> str:
        """Number and sender in one."""
        return f"{self.number} of {self.sender}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAnswer:
    """What a supplier says of one order.

    Parameters
    ----------
    order
        Id under which the order was sent.
    rest
        What holds for the lines of the order that are not among ``lines``; ``None`` where nothing is said of them.
    purpose
        ``None`` where the answer does not say whether there was one before it.
    key
        What tells it from other answers, whatever envelope it comes in; empty where only the file as a whole does.
    shipment
        The delivery that it announces; ``None`` in an answer to the order.
    """

    place: str
    order: str
    lines: tuple[LineAnswer, ...] = ()
    rest: Outcome | None = None
    purpose: Purpose | None = None
    key: str = ""
    shipment: Shipment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """All that one file says.

    Parameters
    ----------
    shipments
        Every delivery that it announces, replaces or cancels, also those of which it names no order.
    notes
        What was read and left aside, one sentence each.
    """

    orders: tuple[OrderAnswer, ...]
    shipments: tuple[Shipment, ...] = ()
    notes: tuple[str, ...] = ()


class AnswerReader(Protocol):
    """A format of answers; a frozen dataclass whose fields are its settings."""

    def __call__(self, content: bytes, /, *, name: str) -> Answers:
        """What a file says; ``name`` is what messages call the file.

        Raises
        ------
        SchemaError
            With every fault of the file and its place: counts and control numbers that do not agree, what is cut
            short, other encodings, codes that are not known.
        """
        ...


answers: Registry[AnswerReader] = Registry("answer format", "finalmile.inventory.answers")


def told_twice(orders: tuple[OrderAnswer, ...]) -> Iterator[str]:
    """Faults of answers that say something of the same line twice, be it as one of the rest of an order."""
    seen: dict[tuple[str, str | int | None], str] = {}
    before: dict[str, OrderAnswer] = {}
    for order in orders:
        first = before.setdefault(order.order, order)
        if first is not order and (first.rest is not None or order.rest is not None):
            yield (
                f"{order.place}: order {order.order!r} was answered before, at {first.place}, and one of both speaks "
                "of all its lines; ask for one answer"
            )
        if order.rest is not None:
            before[order.order] = order
        for line in order.lines:
            key = (order.order, line.product if line.product is not None else line.number)
            if key in seen:
                yield f"{line.place}: {key[1]!r} of order {order.order!r} was answered before, at {seen[key]}"
            seen[key] = line.place
