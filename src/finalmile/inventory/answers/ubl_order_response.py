"""Answers to orders as OASIS UBL 2.1 OrderResponse and OrderResponseSimple."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from finalmile.errors import SchemaError, printable
from finalmile.inventory.answers.registry import Answers, LineAnswer, OrderAnswer, Outcome, answers, told_twice
from finalmile.inventory.answers.text import iso_day, number_of, price_of, refuse, units_of
from finalmile.inventory.answers.xml_tree import Element, parsed

_SPACE = "urn:oasis:names:specification:ubl:schema:xsd:"
# What holds for lines that say nothing of their own, and for those left out, by the code of the response.
_OF_ORDER: dict[str, tuple[Outcome | None, Outcome | None]] = {
    "": (None, None),
    "AB": ("open", "open"),
    "AP": ("accepted", "accepted"),
    "CA": (None, None),
    "RE": ("rejected", "rejected"),
}
_OF_LINE: dict[str, Outcome] = {"3": "accepted", "5": "accepted", "7": "rejected"}
_PIECES = frozenset({"", "C62", "EA", "H87", "NAR"})
_ISSUED = frozenset({"IssueDate", "IssueTime", "UUID"})
_DAYS = tuple(f"Delivery/{period}/EndDate" for period in ("PromisedDeliveryPeriod", "EstimatedDeliveryPeriod"))


@answers.add("ubl_order_response")
@dataclass(frozen=True, kw_only=True)
class UblOrderResponse:
    """OASIS UBL 2.1 documents OrderResponse and OrderResponseSimple, UTF-8.

    Read are ``OrderReference/ID`` (our order), ``OrderResponseCode`` (AB received, AP accepted, CA with conditions, RE
    rejected) or ``AcceptedIndicator``, and of each line ``LineStatusCode`` (3 changed, 5 accepted, 7 rejected),
    ``Quantity`` and ``MaximumBackorderQuantity`` (added), the end of ``PromisedDeliveryPeriod``, ``PriceAmount``, and
    our product (``BuyersItemIdentification``) or ``OrderLineReference/LineID``. Document types are refused.
    """

    def __call__(self, content: bytes, /, *, name: str) -> Answers:
        """What the file says."""
        root = parsed(content, name=name)
        faults: list[str] = []
        kinds = {f"{_SPACE}{kind}-2": kind for kind in ("OrderResponse", "OrderResponseSimple")}
        if kinds.get(root.space) != root.name:
            raise SchemaError(name, [f"{root.place}: is no OrderResponse or OrderResponseSimple of UBL 2"])
        order = root.said("OrderReference/ID")
        if not order:
            faults.append(f"{root.place}: names no order; OrderReference/ID does")
        of_line, rest = _simple(root, faults) if root.name == "OrderResponseSimple" else _full(root, faults)
        elements = [found for line in root.all("OrderLine") for found in line.all("LineItem")]
        _check_count(root, elements, faults)
        lines = tuple(one for line in root.all("OrderLine") if (one := _line(line, of_line, faults)) is not None)
        orders = (OrderAnswer(place=root.place, order=order, lines=lines, rest=rest, key=_key(root)),)
        faults += told_twice(orders)
        refuse(name, faults)
        return Answers(orders=orders)


def _key(root: Element) -> str:
    """What the document says, as 16 characters: the same whenever it is issued again, and however it is indented."""
    told: list[object] = []
    for part in root.parts:
        if part.name not in _ISSUED:
            _tell(part, told)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def _tell(element: Element, told: list[object]) -> None:
    told.append((element.name, element.text, sorted(element.attributes.items()), len(element.parts)))
    for part in element.parts:
        _tell(part, told)


def _simple(root: Element, faults: list[str]) -> tuple[Outcome | None, Outcome | None]:
    told = root.said("AcceptedIndicator")
    if told not in {"true", "false", "1", "0"}:
        faults.append(f"{root.place}: AcceptedIndicator is {printable(told[:10])!r}, not true or false")
    outcome: Outcome = "accepted" if told in {"true", "1"} else "rejected"
    return outcome, outcome


def _full(root: Element, faults: list[str]) -> tuple[Outcome | None, Outcome | None]:
    code = root.said("OrderResponseCode")
    if code not in _OF_ORDER:
        known = ", ".join(filter(None, _OF_ORDER))
        faults.append(f"{root.place}: OrderResponseCode {printable(code[:10])!r} is not read; read are {known}")
    return _OF_ORDER.get(code, (None, None))


def _check_count(root: Element, lines: Sequence[Element], faults: list[str]) -> None:
    told = root.first("LineCountNumeric")
    if told is not None and number_of(told.text) != len(lines):
        faults.append(f"{told.place}: counts {printable(told.text[:20])!r} lines, and there are {len(lines):,}")


def _line(line: Element, of_line: Outcome | None, faults: list[str]) -> LineAnswer | None:
    item = line.first("LineItem")
    if item is None:
        faults.append(f"{line.place}: holds no LineItem")
        return None
    before = len(faults)
    product = item.said("Item/BuyersItemIdentification/ID") or None
    number = line.said("OrderLineReference/LineID") or item.said("ID")
    if product is None and not (number.isascii() and number.isdigit() and len(number) < 10):
        faults.append(f"{item.place}: names no product of ours (BuyersItemIdentification) and no line number")
    code = item.first("LineStatusCode")
    if code is not None and code.text not in _OF_LINE:
        known = ", ".join(_OF_LINE)
        faults.append(f"{code.place}: {printable(code.text[:10])!r} is not read; read are {known}")
    outcome = (_OF_LINE.get(code.text) if code is not None else of_line) or "accepted"
    price = item.first("Price/PriceAmount")
    told = LineAnswer(
        place=item.place,
        outcome=outcome,
        product=product,
        number=int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None,
        quantity=_units(item, faults) if outcome == "accepted" else None,
        due=_due(item, faults),
        price=None if price is None else price_of(price.text, price.place, faults),
    )
    return told if len(faults) == before else None


def _units(item: Element, faults: list[str]) -> int | None:
    told = [_counted(one, faults) for one in item.all("Quantity")]
    later = [_counted(one, faults) or 0 for one in item.all("MaximumBackorderQuantity")]
    return None if not told or told[0] is None else told[0] + sum(later)


def _counted(quantity: Element, faults: list[str]) -> int | None:
    unit = quantity.attributes.get("unitCode", "")
    if unit not in _PIECES:
        faults.append(f"{quantity.place}: counts in {printable(unit[:6])!r}, and we order in C62; ask for units")
        return None
    return units_of(quantity.text, quantity.place, faults)


def _due(item: Element, faults: list[str]) -> date | None:
    for path in _DAYS:
        days = [day for one in item.all(path) if (day := iso_day(one.text, one.place, faults)) is not None]
        if days:
            return max(days)
    return None
