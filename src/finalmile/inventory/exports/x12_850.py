"""Purchase orders as ANSI X12 850, version 004010."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from finalmile.errors import SchemaError
from finalmile.inventory.exports.gs1 import check_numbers
from finalmile.inventory.exports.purchase_orders import (
    PurchaseLine,
    PurchaseOrder,
    by_supplier,
    control_number,
    day_of,
    file_name,
    plain,
)
from finalmile.inventory.exports.registry import OrderFile, exports

# Element, component and segment separators, the usual ones first; a set whose characters occur in the data is no use.
_SEPARATORS = (("*", ">", "~"), ("|", "^", "~"), ("\x1d", "\x1f", "\x1c"))
_ID = re.compile("[A-Za-z0-9][A-Za-z0-9 .-]{0,14}")
_NAME = 60
_LONGEST = {"order id": 22, "product": 48, "quantity": 15, "unit cost": 17}


@exports.add("x12_850")
@dataclass(frozen=True, kw_only=True)
class X12PurchaseOrder:
    """ANSI ASC X12 transaction set 850, version and release 004010: one interchange for each supplier.

    Segments: ISA, GS, then for each order ST, BEG (00 original, SA stand-alone; the number of a second document of an
    order as release number where the order id leaves it no room), CUR, N1 BY and SU, for each line PO1
    and DTM (002 delivery requested), CTT (lines, and units as hash total), SE; then GE, IEA. Nothing in the data is
    ever changed to make room for separators: where a name holds ``*``, ``>`` or ``~``, other separators are taken,
    which the header declares and ``notes`` say. Control numbers and times follow from the orders, so that the same
    orders are the same bytes. Text outside ASCII is written as UTF-8 and said.

    Parameters
    ----------
    sender, sender_qualifier
        The buyer's interchange id, at most 15 characters, and its kind (``ZZ`` mutually defined, ``01`` DUNS, ...).
    receivers
        Interchange id of each supplier by name, as ``"ID"`` or ``"qualifier:ID"``. A supplier who is not listed gets
        the letters and digits of its name, which ``notes`` say.
    buyer
        The buyer's name.
    gtins
        GTIN of products by our id, written beside it.
    production
        Whether the interchange is marked ``P`` for production or ``T`` for test.
    """

    sender: str = "BUYER"
    sender_qualifier: str = "ZZ"
    receivers: Mapping[str, str] = field(default_factory=dict[str, str])
    buyer: str = "BUYER"
    gtins: Mapping[str, str] = field(default_factory=dict[str, str])
    production: bool = True

    def __post_init__(self) -> None:
        check_numbers(gtins=self.gtins, glns={})
        if not re.fullmatch(r"[A-Za-z0-9 .-]{1,15}", self.sender) or not re.fullmatch(
            "[A-Z0-9]{2}", self.sender_qualifier
        ):
            raise ValueError("sender must be 1 to 15 letters and digits, and sender_qualifier two, such as ZZ")

    def __call__(self, orders: Sequence[PurchaseOrder], /) -> list[OrderFile]:
        """One file for each supplier."""
        faults = [fault for order in orders for fault in _too_long(order)]
        if faults:
            raise SchemaError("x12_850", faults)
        return [self._interchange(name, theirs) for name, theirs in by_supplier(orders).items()]

    def _interchange(self, supplier: str, orders: Sequence[PurchaseOrder]) -> OrderFile:
        notes = [note for order in orders for note in order.notes]
        if max(len(self.buyer), len(supplier)) > _NAME:
            notes.append(f"names of buyer and supplier are cut to the {_NAME} characters that N1 has for them")
        qualifier, receiver = self._receiver(supplier, notes)
        control = control_number(orders, digits=9)
        body = [segment for n, order in enumerate(orders, 1) for segment in self._transaction(n, order)]
        element, component, terminator = _separators([text for segment in body for text in segment], notes)
        day = f"{max(day_of(order.ordered_at) for order in orders):%Y%m%d}"
        usage = "P" if self.production else "T"
        to = [self.sender_qualifier, f"{self.sender:<15}", qualifier, f"{receiver:<15}"]
        isa = [
            "ISA",
            "00",
            " " * 10,
            "00",
            " " * 10,
            *to,
            day[2:],
            "0000",
            "U",
            "00401",
            control,
            "0",
            usage,
            component,
        ]
        gs = ["GS", "PO", self.sender.strip(), receiver, day, "0000", control.lstrip("0"), "X", "004010"]
        ends = [["GE", str(len(orders)), control.lstrip("0")], ["IEA", "1", control]]
        text = "".join(element.join(segment) + terminator + "\n" for segment in [isa, gs, *body, *ends])
        if not text.isascii():
            notes.append(f"text outside ASCII is written as UTF-8; agree on that with {supplier}")
        return OrderFile(
            name=file_name(f"850-{receiver}-{control}", "edi"),
            content=text.encode(),
            orders=tuple(order.order_id for order in orders),
            notes=tuple(notes),
        )

    def _receiver(self, supplier: str, notes: list[str]) -> tuple[str, str]:
        given = self.receivers.get(supplier)
        if given is None:
            name = re.sub("[^A-Z0-9]", "", supplier.upper())[:15] or "SUPPLIER"
            notes.append(f"no interchange id is known for {supplier}: {name} is written; set it under receivers")
            return "ZZ", name
        qualifier, _, name = given.rpartition(":")
        if not re.fullmatch(r"[A-Za-z0-9 .-]{1,15}", name) or not re.fullmatch("([A-Z0-9]{2})?", qualifier):
            raise SchemaError(
                "x12_850", [f"receiver {given!r} of {supplier} is not ID or qualifier:ID, ID up to 15 long"]
            )
        return qualifier or "ZZ", name

    def _transaction(self, number: int, order: PurchaseOrder) -> Iterator[list[str]]:
        day = f"{day_of(order.ordered_at):%Y%m%d}"
        segments = [
            ["ST", "850", f"{number:04d}"],
            ["BEG", "00", "SA", *_number_and_release(order.order_id), day],
            ["CUR", "BY", order.currency],
            ["N1", "BY", self.buyer[:_NAME]],
            ["N1", "SU", order.supplier[:_NAME] or "SUPPLIER"],
            *(segment for line in order.lines for segment in self._line(line)),
            ["CTT", str(len(order.lines)), str(order.units)[-10:]],
        ]
        yield from segments
        yield ["SE", str(len(segments) + 1), f"{number:04d}"]

    def _line(self, line: PurchaseLine) -> Iterator[list[str]]:
        price = ["", ""] if line.price is None else [plain(line.price), "PE"]
        gtin = self.gtins.get(line.product)
        names = ["BP", line.product, *(["UK", gtin] if gtin else [])]
        yield ["PO1", str(line.number), str(line.quantity), "EA", *price, *names]
        hour = [f"{line.due:%H%M}"] if isinstance(line.due, datetime) else []
        yield ["DTM", "002", f"{day_of(line.due):%Y%m%d}", *hour]


def _number_and_release(order: str) -> tuple[str, str]:
    """The order's number, and apart from it the number of a later document of the order where both find no room."""
    number, _, release = order.rpartition("-")
    apart = len(order) > _LONGEST["order id"] >= len(number) > 0 and release.isascii() and release.isdigit()
    return (number, release) if apart else (order, "")


def _separators(texts: Sequence[str], notes: list[str]) -> tuple[str, str, str]:
    """The first set of separators that occurs nowhere in the data; the last one is control characters, which cannot."""
    used = frozenset("".join(texts))
    chosen = next(candidates for candidates in _SEPARATORS if used.isdisjoint(candidates))
    if chosen != _SEPARATORS[0]:
        notes.append(f"the data hold * > or ~: the separators are {', '.join(repr(each)[1:-1] for each in chosen)}")
    return chosen


def _too_long(order: PurchaseOrder) -> Iterator[str]:
    """What the standard has no room for: cut short it would be another order or another product."""
    told = [("order id", _number_and_release(order.order_id)[0])]
    for line in order.lines:
        price = "" if line.price is None else plain(line.price)
        told += [("product", line.product), ("quantity", str(line.quantity)), ("unit cost", price)]
    for what, text in told:
        most = _LONGEST[what]
        if len(text.replace(".", "") if what == "unit cost" else text) > most:
            yield f"order {order.order_id}: {what} {text!r} is longer than the {most} characters of an X12 850"
        if what in {"order id", "product"} and not text.strip():
            yield f"order {order.order_id}: {what} {text!r} is blank"
