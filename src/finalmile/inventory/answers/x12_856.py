"""Announced deliveries as ANSI X12 856."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from finalmile.errors import printable
from finalmile.inventory.answers.despatches import Shipped, announced
from finalmile.inventory.answers.envelopes import Message, Segment
from finalmile.inventory.answers.registry import Answers, Shipment, answers
from finalmile.inventory.answers.text import LONGEST_REFERENCE, compact_day, number_of, refuse, units_of
from finalmile.inventory.answers.x12 import PIECES, sender, transactions

_HERE = frozenset({"002", "017", "067", "069", "074", "371"})
_OURS, _PARTNERS = ("BP", "IN"), 31
_PURPOSES: dict[str, Literal["original", "replace", "cancel"]] = {
    **{"00": "original", "07": "original"},
    **{"05": "replace", "01": "cancel"},
}


@answers.add("x12_856")
@dataclass(frozen=True, kw_only=True)
class X12ShipNotice:
    """ANSI ASC X12 transaction set 856, Ship Notice/Manifest, version 004010.

    Of each transaction BSN (number of the shipment, which is counted once however often it is told; purpose 00
    original, 07 duplicate, 05 replace, 01 cancellation), the tree of HL segments (shipment, order, packs, items in any
    depth), PRF (our order number), DTM (017 estimated delivery and the like), LIN (our product under ``BP`` or ``IN``,
    or the line's number) and SN1 (units shipped) are read; units of a product in several packs are added up. Counts
    and control numbers of SE, GE, IEA and CTT are checked.
    """

    def __call__(self, content: bytes, /, *, name: str) -> Answers:
        """What the file announces."""
        faults: list[str] = []
        shipped: list[Shipped] = []
        shipments: list[Shipment] = []
        for message in transactions(content, name=name):
            start = message.segments[0]
            if start.get(1) == "997":
                continue
            if start.get(1) != "856":
                told = printable(start.get(1)[:6])
                faults.append(f"{start.place}: transaction {told!r} is no ship notice; 856 is")
            elif (shipment := _shipment(message, faults)) is not None:
                shipments.append(shipment)
                shipped += _Notice(message.segments, faults, shipment).items()
        if not faults and not shipped and all(one.purpose != "cancel" for one in shipments):
            faults.append("announces no item")
        refuse(name, faults)
        return Answers(orders=announced(shipped), shipments=tuple(shipments))


def _shipment(message: Message, faults: list[str]) -> Shipment | None:
    begin = next((one for one in message.segments if one.tag == "BSN"), None)
    if begin is None or not 1 <= len(begin.get(2).strip()) <= LONGEST_REFERENCE:
        place = (begin or message.segments[0]).place
        faults.append(f"{place}: names no shipment; BSN holds its number, up to 70 characters, in its second element")
        return None
    purpose = _PURPOSES.get(begin.get(1).strip())
    if purpose is None:
        told = printable(begin.get(1)[:6])
        faults.append(
            f"{begin.place}: purpose {told!r} is not read; read are 00 original, 07 duplicate, 05 replace and 01 "
            "cancellation: ask for all of the shipment again under 05"
        )
        return None
    number, by = begin.get(2).strip(), sender(message)
    return Shipment(place=begin.place, number=number, sender=by, purpose=purpose, key=message.key(by))


@dataclass(slots=True)
class _Level:
    """An HL segment, what it stands under, and what follows it."""

    start: Segment
    parent: str
    kind: str
    parts: list[Segment] = field(default_factory=list[Segment])

    def first(self, tag: str) -> Segment | None:
        return next((part for part in self.parts if part.tag == tag), None)


class _Notice:
    """One ship notice."""

    def __init__(self, segments: Sequence[Segment], faults: list[str], shipment: Shipment) -> None:
        self.segments, self.faults, self.shipment = segments, faults, shipment
        self.levels: dict[str, _Level] = {}

    def items(self) -> Iterator[Shipped]:
        """Every item, with its order and its day."""
        self._read()
        if self.faults:
            return
        self._check_totals()
        for level in self.levels.values():
            if level.kind == "I" and (told := self._item(level)) is not None:
                yield told

    def _read(self) -> None:
        now: _Level | None = None
        for segment in self.segments:
            if segment.tag == "HL":
                now = _Level(segment, segment.get(2).strip(), segment.get(3).strip())
                number = segment.get(1).strip()
                if number in self.levels:
                    self.faults.append(f"{segment.place}: {printable(number[:12])!r} is there twice")
                if now.parent and now.parent not in self.levels:
                    self.faults.append(f"{segment.place}: {printable(now.parent[:12])!r} above it is not there")
                self.levels[number] = now
            elif segment.tag == "CTT":
                break
            elif now is not None:
                now.parts.append(segment)

    def _check_totals(self) -> None:
        """CTT holds the number of HL segments, and where it holds a hash total, that of SN1."""
        total = next((one for one in self.segments if one.tag == "CTT"), None)
        if total is None:
            return
        if number_of(total.get(1)) != len(self.levels):
            told = printable(total.get(1)[:20])
            self.faults.append(f"{total.place}: counts {told!r}, and there are {len(self.levels):,} HL segments")
        sent = [part for level in self.levels.values() for part in level.parts if part.tag == "SN1"]
        units = sum((number_of(one.get(2)) or Decimal(0) for one in sent), Decimal(0))
        if total.get(2) and number_of(total.get(2)) not in {units, units % 10**10}:
            told = printable(total.get(2)[:20])
            self.faults.append(f"{total.place}: a hash total of {told!r}, and quantities of SN1 add up to {units:,}")

    def _above(self, level: _Level) -> Iterator[_Level]:
        """The level and those that it stands under, innermost first; a level is always read after its parent."""
        now: _Level | None = level
        while now is not None:
            yield now
            now = self.levels.get(now.parent) if now.parent else None

    def _item(self, level: _Level) -> Shipped | None:
        before = len(self.faults)
        order = next((found.get(1) for one in self._above(level) if (found := one.first("PRF")) is not None), "")
        if not order.strip():
            self.faults.append(f"{level.start.place}: stands under no order; PRF names one")
        product, number = _named(level.first("LIN"))
        if product is None and number is None:
            self.faults.append(f"{level.start.place}: names no product of ours (BP or IN in LIN) and no line number")
        units = self._units(level)
        due = self._due(level)
        if len(self.faults) > before or units is None:
            return None
        return Shipped(
            place=level.start.place,
            shipment=self.shipment,
            order=order,
            product=product,
            number=number,
            units=units,
            due=due,
        )

    def _units(self, level: _Level) -> int | None:
        sent = level.first("SN1")
        if sent is None:
            self.faults.append(f"{level.start.place}: says no quantity; SN1 does")
            return None
        if sent.get(3).strip() not in PIECES:
            unit = printable(sent.get(3)[:6])
            self.faults.append(f"{sent.place}: counts in {unit!r}, and we order in EA; ask for units")
            return None
        return units_of(sent.get(2), sent.place, self.faults)

    def _due(self, level: _Level) -> date | None:
        """The day of arrival told closest to the item."""
        for one in self._above(level):
            days = [part for part in one.parts if part.tag == "DTM" and part.get(1) in _HERE]
            if days:
                return compact_day(days[-1].get(2), days[-1].place, self.faults)
        return None


def _named(line: Segment | None) -> tuple[str | None, int | None]:
    """Our product's id and the line's number, where they are told."""
    if line is None:
        return None, None
    told: Mapping[str, str] = {line.get(at): line.get(at + 1) for at in range(2, _PARTNERS, 2)}
    product = next((told[kind] for kind in _OURS if told.get(kind, "").strip()), None)
    number = line.get(1)
    return product, int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None
