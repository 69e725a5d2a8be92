"""Purchase orders as UN/EDIFACT ORDERS, directory D.96A."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

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

Composite = Sequence[str]
Segment = tuple[str, *tuple[Composite, ...]]
_RELEASED = str.maketrans({each: "?" + each for each in "?:+'"})
_NAME = 175
_LONGEST = {"order id": 35, "product": 35, "quantity": 15, "unit cost": 15}


@exports.add("edifact_orders")
@dataclass(frozen=True, kw_only=True)
class EdifactOrders:
    """UN/EDIFACT message ORDERS of directory D.96A: one interchange for each supplier.

    Segments: UNA, UNB, then for each order UNH, BGM (220), DTM (137), NAD BY and SU, CUX, for each line LIN, PIA where
    a GTIN is known, QTY (21), DTM (2), MOA (203), PRI (AAA), then UNS, MOA (79), CNT (2), UNT; then UNZ. Separators in
    the data are released by ``?``. The character set is UNOC (ISO 8859-1, syntax 3); where a name does not fit in it,
    UNOW (UTF-8, syntax 4), which ``notes`` say. References and times follow from the orders, so that the same orders
    are the same bytes.

    Parameters
    ----------
    sender
        The buyer's interchange id, at most 35 characters.
    receivers
        Interchange id of each supplier by name; a supplier who is not listed gets its name, which ``notes`` say.
    buyer
        The buyer's name.
    buyer_gln, supplier_glns
        Global location numbers of 13 digits, of the buyer and of suppliers by name.
    gtins
        GTIN of products by our id; the line is then identified by it, and our id stands beside it.
    """

    sender: str = "BUYER"
    receivers: Mapping[str, str] = field(default_factory=dict[str, str])
    buyer: str = "BUYER"
    buyer_gln: str = ""
    supplier_glns: Mapping[str, str] = field(default_factory=dict[str, str])
    gtins: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        check_numbers(gtins=self.gtins, glns={"buyer": self.buyer_gln, **self.supplier_glns})
        if not 1 <= len(self.sender) <= 35:
            raise ValueError("sender must be 1 to 35 characters long")

    def __call__(self, orders: Sequence[PurchaseOrder], /) -> list[OrderFile]:
        """One file for each supplier."""
        faults = [fault for order in orders for fault in _too_long(order)]
        if faults:
            raise SchemaError("edifact_orders", faults)
        return [self._interchange(name, theirs) for name, theirs in by_supplier(orders).items()]

    def _interchange(self, supplier: str, orders: Sequence[PurchaseOrder]) -> OrderFile:
        notes = [note for order in orders for note in order.notes]
        if max(len(self.buyer), len(supplier)) > _NAME:
            notes.append(f"names of buyer and supplier are cut to the {_NAME} characters that NAD has for them")
        receiver = self.receivers.get(supplier)
        if receiver is None:
            receiver = supplier[:35].strip() or "SUPPLIER"
            notes.append(f"no interchange id is known for {supplier}: {receiver} is written; set it under receivers")
        reference = control_number(orders, digits=9)
        messages = [segment for n, order in enumerate(orders, 1) for segment in self._message(n, order)]
        latin = _fits_latin([self.sender, receiver, *(_written(*segment) for segment in messages)])
        if not latin:
            notes.append(f"names do not fit in ISO 8859-1: the file is UTF-8 (UNOW); agree on that with {supplier}")
        day = max(day_of(order.ordered_at) for order in orders)
        prepared = [f"{day:%y%m%d}" if latin else f"{day:%Y%m%d}", "0000"]
        unb: Segment = (
            "UNB",
            ["UNOC", "3"] if latin else ["UNOW", "4"],
            [self.sender],
            [receiver],
            prepared,
            [reference],
        )
        unz: Segment = ("UNZ", [str(len(orders))], [reference])
        whole: list[Segment] = [unb, *messages, unz]
        text = "UNA:+.? '\n" + "".join(_written(*segment) + "'\n" for segment in whole)
        return OrderFile(
            name=file_name(f"ORDERS-{reference}", "edi"),
            content=text.encode("iso8859-1" if latin else "utf-8"),
            orders=tuple(order.order_id for order in orders),
            notes=tuple(notes),
        )

    def _message(self, number: int, order: PurchaseOrder) -> Iterator[Segment]:
        total = [] if order.total is None else [("MOA", ["79", plain(order.total)])]
        segments: list[Segment] = [
            ("UNH", [str(number)], ["ORDERS", "D", "96A", "UN"]),
            ("BGM", ["220"], [order.order_id], ["9"]),
            ("DTM", _when("137", order.ordered_at)),
            _party("BY", self.buyer_gln, self.buyer),
            _party("SU", self.supplier_glns.get(order.supplier, ""), order.supplier),
            ("CUX", ["2", order.currency, "9"]),
            *(segment for line in order.lines for segment in self._line(line)),
            ("UNS", ["S"]),
            *total,
            ("CNT", ["2", str(len(order.lines))]),
        ]
        yield from segments
        yield ("UNT", [str(len(segments) + 1)], [str(number)])

    def _line(self, line: PurchaseLine) -> Iterator[Segment]:
        gtin = self.gtins.get(line.product)
        yield ("LIN", [str(line.number)], [""], [gtin, "EN"] if gtin else [line.product, "IN"])
        if gtin:
            yield ("PIA", ["1"], [line.product, "IN"])
        yield ("QTY", ["21", str(line.quantity), "PCE"])
        yield ("DTM", _when("2", line.due))
        if line.price is not None and line.amount is not None:
            yield ("MOA", ["203", plain(line.amount)])
            yield ("PRI", ["AAA", plain(line.price)])


def _party(role: str, gln: str, name: str) -> Segment:
    """A party: its number where it has one, its name in lines of 35 characters."""
    lines = [name[at : at + 35] for at in range(0, min(len(name), _NAME), 35)] or [role]
    return ("NAD", [role], [gln, "", "9"] if gln else [""], [""], lines)


def _when(role: str, at: date | datetime) -> Composite:
    """Date (format 102), or date and minute (203) where the order has hours."""
    return [role, f"{at:%Y%m%d%H%M}", "203"] if isinstance(at, datetime) else [role, f"{at:%Y%m%d}", "102"]


def _written(tag: str, *composites: Composite) -> str:
    return "+".join([tag, *(":".join(text.translate(_RELEASED) for text in each) for each in composites)])


def _fits_latin(texts: Sequence[str]) -> bool:
    return all(ord(character) < 256 for text in texts for character in text)


def _too_long(order: PurchaseOrder) -> Iterator[str]:
    """What the directory has no room for: cut short it would be another order or another product."""
    told = [("order id", order.order_id)]
    for line in order.lines:
        price = "" if line.price is None else plain(line.price)
        told += [("product", line.product), ("quantity", str(line.quantity)), ("unit cost", price)]
    for what, text in told:
        most = _LONGEST[what]
        if len(text.replace(".", "") if what == "unit cost" else text) > most:
            yield f"order {order.order_id}: {what} {text!r} is longer than the {most} characters that ORDERS has for it"
        if what in {"order id", "product"} and not text.strip():
            yield f"order {order.order_id}: {what} {text!r} is blank"
