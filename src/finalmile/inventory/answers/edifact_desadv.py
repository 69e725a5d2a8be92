"""Announced deliveries as UN/EDIFACT DESADV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from finalmile.errors import printable
from finalmile.inventory.answers.despatches import Shipped, announced
from finalmile.inventory.answers.edifact import PIECES, interchange, sender
from finalmile.inventory.answers.edifact_ordrsp import Line, our_product
from finalmile.inventory.answers.envelopes import Message, Segment
from finalmile.inventory.answers.registry import Answers, Shipment, answers
from finalmile.inventory.answers.text import LONGEST_REFERENCE, compact_day, number_of, refuse, units_of

_HERE = frozenset({"2", "17", "67", "69", "132", "358"})
_PURPOSES: dict[str, Literal["original", "replace", "cancel"]] = {
    **dict.fromkeys(("", "7", "9", "31"), "original"),
    **{"5": "replace", "1": "cancel"},
}


@answers.add("edifact_desadv")
@dataclass(frozen=True, kw_only=True)
class EdifactDespatchAdvice:
    """UN/EDIFACT message DESADV of directory D.96A and of later ones with the same segments.

    Of each message BGM (number of the shipment, which is counted once however often it is told; function 9 original,
    7 duplicate, 31 copy, 5 replace, 1 cancellation), RFF+ON (our order number, of the message or of a line), DTM (17
    estimated arrival and the like, of the message or of a line), LIN (our product under ``IN``, or in PIA, or the
    line's number) and QTY (12 units despatched) are read; units of a product in several packs (CPS) are added up. UNT,
    UNZ, CNT and references are checked.
    """

    def __call__(self, content: bytes, /, *, name: str) -> Answers:
        """What the file announces."""
        faults: list[str] = []
        shipped: list[Shipped] = []
        shipments: list[Shipment] = []
        for message in interchange(content, name=name):
            start = message.segments[0]
            if start.get(2) == "CONTRL":
                continue
            if start.get(2) != "DESADV":
                faults.append(f"{start.place}: message {printable(start.get(2)[:10])!r} is no announcement; DESADV is")
            elif (shipment := _shipment(message, faults)) is not None:
                shipments.append(shipment)
                shipped += _Advice(message.segments, faults, shipment).items()
        if not faults and not shipped and all(one.purpose != "cancel" for one in shipments):
            faults.append("announces no item")
        refuse(name, faults)
        return Answers(orders=announced(shipped), shipments=tuple(shipments))


def _shipment(message: Message, faults: list[str]) -> Shipment | None:
    begin = next((one for one in message.segments if one.tag == "BGM"), None)
    if begin is None or not 1 <= len(begin.get(2).strip()) <= LONGEST_REFERENCE:
        place = (begin or message.segments[0]).place
        faults.append(f"{place}: names no shipment; BGM holds its number, up to 70 characters, in its second element")
        return None
    purpose = _PURPOSES.get(begin.get(3).strip())
    if purpose is None:
        told = printable(begin.get(3)[:6])
        faults.append(
            f"{begin.place}: function {told!r} is not read; read are 9 original, 7 duplicate, 31 copy, 5 replace and 1 "
            "cancellation: ask for all of the shipment again under 5"
        )
        return None
    number, by = begin.get(2).strip(), sender(message)
    return Shipment(place=begin.place, number=number, sender=by, purpose=purpose, key=message.key(by))


class _Advice:
    """One despatch advice."""

    def __init__(self, segments: Sequence[Segment], faults: list[str], shipment: Shipment) -> None:
        self.segments, self.faults, self.shipment = segments, faults, shipment

    def items(self) -> Iterator[Shipped]:
        """Every item, with its order and its day."""
        head, lines = self._parts()
        for total in (one for one in self.segments if one.tag == "CNT" and one.get(1) == "2"):
            if number_of(total.get(1, 2), total.notation) != len(lines):
                told = printable(total.get(1, 2)[:20])
                self.faults.append(f"{total.place}: counts {told!r} lines, and there are {len(lines):,} LIN segments")
        for line in lines:
            if (told_item := self._item(line, head)) is not None:
                yield told_item

    def _parts(self) -> tuple[list[Segment], list[Line]]:
        """Segments before the first pack or line, and the lines."""
        head: list[Segment] = []
        lines: list[Line] = []
        inside: Line | None = None
        before = True
        for segment in self.segments:
            if segment.tag in {"CPS", "CNT", "UNT"}:
                inside, before = None, False
            elif segment.tag == "LIN":
                inside, before = Line(segment), False
                lines.append(inside)
            elif inside is not None:
                inside.parts.append(segment)
            elif before:
                head.append(segment)
        return head, lines

    def _item(self, line: Line, head: Sequence[Segment]) -> Shipped | None:
        before = len(self.faults)
        named = {one.get(1, 2) for one in _orders(line.parts) or _orders(head)}
        if len(named) != 1:
            found = "several orders" if named else "no order"
            self.faults.append(f"{line.start.place}: belongs to {found}; RFF+ON names one")
        product, number = our_product(line), line.start.get(1)
        counted = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None
        if product is None and counted is None:
            self.faults.append(f"{line.start.place}: names no product of ours (IN) and no line number")
        units = self._units(line)
        due = self._due(line.parts) or self._due(head)
        if len(self.faults) > before or units is None:
            return None
        return Shipped(
            place=line.start.place,
            shipment=self.shipment,
            order=named.pop(),
            product=product,
            number=counted,
            units=units,
            due=due,
        )

    def _units(self, line: Line) -> int | None:
        sent = [one for one in line.of("QTY") if one.get(1) == "12"]
        if not sent:
            self.faults.append(f"{line.start.place}: says no quantity; QTY+12 does")
            return None
        if sent[0].get(1, 3).strip() not in PIECES:
            unit = printable(sent[0].get(1, 3)[:6])
            self.faults.append(f"{sent[0].place}: counts in {unit!r}, and we order in PCE; ask for units")
            return None
        return units_of(sent[0].get(1, 2), sent[0].place, self.faults, sent[0].notation)

    def _due(self, parts: Sequence[Segment]) -> date | None:
        days = [one for one in parts if one.tag == "DTM" and one.get(1) in _HERE and one.get(1, 2)]
        return compact_day(days[-1].get(1, 2), days[-1].place, self.faults) if days else None


def _orders(parts: Sequence[Segment]) -> list[Segment]:
    return [one for one in parts if one.tag == "RFF" and one.get(1) == "ON" and one.get(1, 2).strip()]
