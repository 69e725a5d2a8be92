"""Answers to orders as ANSI X12 855."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from finalmile.errors import printable
from finalmile.inventory.answers.envelopes import Message, Segment
from finalmile.inventory.answers.registry import Answers, LineAnswer, OrderAnswer, Outcome, Purpose, answers, told_twice
from finalmile.inventory.answers.text import (
    MEND_RECEIPTS,
    OF_RECEIPTS,
    compact_day,
    number_of,
    price_of,
    refuse,
    units_of,
)
from finalmile.inventory.answers.x12 import PIECES, sender, transactions

_COMES = frozenset({"AA", "AC", "AR", "BP", "DR", "IA", "IB", "IC", "IE", "IP", "IQ", "SP"})
_NEVER = frozenset({"ID", "IR", "R1", "R2", "R3", "R4", "R5", "R6"})
_WAITS = frozenset({"IF", "IH", "IS", "IW"})
_OF_ORDER: dict[str, tuple[Outcome | None, Outcome | None]] = {
    # what holds for lines that say nothing of their own, and for lines that are left out
    **dict.fromkeys(("AK", "AT", "AP", "AD", "AE"), ("accepted", "accepted")),
    **dict.fromkeys(("RJ", "RD", "RF"), ("rejected", "rejected")),
    **dict.fromkeys(("AC", "RO"), (None, None)),
    "AH": ("open", "open"),
}
_PURPOSES: dict[str, Purpose | None] = {"00": "original", "07": "original", "04": "change", "05": "change", "06": None}
_HERE = frozenset({"002", "017", "067", "069", "074", "371"})
_LEAVES = frozenset({"010", "011", "068", "079", "118"})
_OURS, _PARTNERS = ("BP", "IN"), 25


@answers.add("x12_855")
@dataclass(frozen=True, kw_only=True)
class X12Acknowledgement:
    """ANSI ASC X12 transaction set 855, Purchase Order Acknowledgment, version 004010.

    Of each transaction BAK (purpose 00 original, 07 duplicate, 04 change, 05 replace, 06 confirmation; type of the
    answer, our order number), PO1 (line, our product under ``BP`` or ``IN``), ACK
    (status, units, day) and DTM are read, counts and control numbers of SE, GE, IEA and CTT are checked. Units of all
    ACK segments of a line that say that something comes, backorders too, are added up, the last day counts. Days of
    shipping are no days of arrival and are left aside, which ``notes`` say.
    """

    def __call__(self, content: bytes, /, *, name: str) -> Answers:
        """What the file says."""
        faults: list[str] = []
        notes: list[str] = []
        orders: list[OrderAnswer] = []
        for message in transactions(content, name=name):
            start = message.segments[0]
            kind = start.get(1)
            if kind == "855":
                orders += _Transaction(message, faults, notes).answer()
            elif kind == "997":
                notes.append(f"{start.place}: a 997 says nothing of units and is left aside")
            else:
                mend = MEND_RECEIPTS if kind in OF_RECEIPTS else ""
                faults.append(f"{start.place}: transaction {printable(kind[:6])!r} is no answer; 855 is{mend}")
        faults += told_twice(tuple(orders))
        if not orders and not faults:
            faults.append("holds no transaction 855, so no answer to an order")
        refuse(name, faults)
        return Answers(orders=tuple(orders), notes=tuple(dict.fromkeys(notes)))


@dataclass(slots=True)
class _Line:
    """A PO1 segment and what follows it."""

    start: Segment
    acks: list[Segment] = field(default_factory=list[Segment])
    days: list[tuple[Segment, str, str]] = field(default_factory=list[tuple[Segment, str, str]])


class _Transaction:
    """One answer."""

    def __init__(self, message: Message, faults: list[str], notes: list[str]) -> None:
        self.segments, self.faults, self.notes = message.segments, faults, notes
        self.key = message.key(sender(message))

    def answer(self) -> Iterator[OrderAnswer]:
        """What it says; nothing, with a fault noted, where that cannot be known."""
        bak = next((one for one in self.segments if one.tag == "BAK"), None)
        order = "" if bak is None else bak.get(3).strip()
        if bak is None or not order:
            place = (bak or self.segments[0]).place
            self.faults.append(f"{place}: names no order; BAK holds its number in its third element")
            return
        if bak.get(1) not in _PURPOSES:
            given, known = printable(bak.get(1)[:6]), ", ".join(_PURPOSES)
            self.faults.append(f"{bak.place}: purpose {given!r} is not read; read are {known}")
            return
        if bak.get(2) not in _OF_ORDER:
            kind, known = printable(bak.get(2)[:6]), ", ".join(_OF_ORDER)
            self.faults.append(f"{bak.place}: answer of type {kind!r} is not read; read are {known}")
            return
        of_line, rest = _OF_ORDER[bak.get(2)]
        lines = self._lines()
        self._check_totals(lines)
        release = bak.get(5).strip()
        yield OrderAnswer(
            place=bak.place,
            order=f"{order}-{release}" if release else order,
            lines=tuple(told for line in lines if (told := self._line(line, of_line)) is not None),
            rest=rest,
            purpose=_PURPOSES[bak.get(1)],
            key=self.key,
        )

    def _lines(self) -> list[_Line]:
        lines: list[_Line] = []
        for segment in self.segments:
            if segment.tag == "PO1":
                lines.append(_Line(segment))
            elif segment.tag == "CTT":
                break
            elif lines and segment.tag == "ACK":
                lines[-1].acks.append(segment)
                lines[-1].days.append((segment, segment.get(4), segment.get(5)))
            elif lines and segment.tag == "DTM":
                lines[-1].days.append((segment, segment.get(1), segment.get(2)))
        return lines

    def _check_totals(self, lines: Sequence[_Line]) -> None:
        """CTT holds the number of lines, and the sum of what they order as far as its digits reach."""
        total = next((one for one in self.segments if one.tag == "CTT"), None)
        if total is None:
            return
        if number_of(total.get(1)) != len(lines):
            told = printable(total.get(1)[:20])
            self.faults.append(f"{total.place}: counts {told!r} lines, and there are {len(lines):,} PO1 segments")
        units = sum((number_of(line.start.get(2)) or Decimal(0) for line in lines), Decimal(0))
        if total.get(2) and number_of(total.get(2)) not in {units, units % 10**10}:
            told = printable(total.get(2)[:20])
            self.faults.append(f"{total.place}: a hash total of {told!r}, and quantities of PO1 add up to {units:,}")

    def _line(self, line: _Line, of_line: Outcome | None) -> LineAnswer | None:
        before = len(self.faults)
        outcome, quantity = self._outcome(line, of_line)
        price = line.start.get(4)
        told = LineAnswer(
            place=line.start.place,
            outcome=outcome,
            product=self._product(line),
            number=_number(line.start.get(1)),
            quantity=quantity,
            due=self._due(line),
            price=price_of(price, line.start.place, self.faults) if price.strip() else None,
        )
        if told.product is None and told.number is None:
            self.faults.append(f"{line.start.place}: names no product of ours (BP or IN) and no line number")
        return told if len(self.faults) == before else None

    def _product(self, line: _Line) -> str | None:
        """Our id, in PO1 or else in an ACK."""
        for segment, first in ((line.start, 6), *((ack, 7) for ack in line.acks)):
            for at in range(first, _PARTNERS + 4, 2):
                if segment.get(at) in _OURS and segment.get(at + 1).strip():
                    return segment.get(at + 1)
        return None

    def _outcome(self, line: _Line, of_line: Outcome | None) -> tuple[Outcome, int | None]:
        """Whether units come, and how many in all where the answer says so."""
        asked = self._units(line.start, 2, unit=3)
        if not line.acks:
            if of_line == "rejected":
                return "rejected", None
            return ("open", None) if of_line == "open" else ("accepted", asked)
        come: list[int | None] = []
        refused: list[int | None] = []
        for ack in line.acks:
            status, units = ack.get(1), self._units(ack, 2, unit=3)
            if status in _WAITS:
                self.notes.append(f"{ack.place}: status {status} asks for a decision; the line stays as it was")
                return "open", None
            if status in _COMES:
                come.append(units)
            elif status in _NEVER:
                refused.append(units)
            else:
                known = ", ".join(sorted(_COMES | _NEVER | _WAITS))
                self.faults.append(f"{ack.place}: status {printable(status[:6])!r} is not read; read are {known}")
        return _added_up(come, refused, asked)

    def _units(self, segment: Segment, at: int, *, unit: int) -> int | None:
        text, measure = segment.get(at), segment.get(unit).strip()
        if not text.strip():
            return None
        if measure not in PIECES:
            told = printable(measure[:6])
            self.faults.append(f"{segment.place}: counts in {told!r}, and we order in EA; ask for units")
            return None
        return units_of(text, segment.place, self.faults)

    def _due(self, line: _Line) -> date | None:
        """The last day on which something arrives."""
        days: list[date] = []
        for segment, kind, text in line.days:
            if kind in _LEAVES:
                self.notes.append("days of shipping are no days of arrival and are left aside")
            if kind in _HERE and text and (day := compact_day(text, segment.place, self.faults)) is not None:
                days.append(day)
        return max(days, default=None)


def _added_up(
    come: Sequence[int | None], refused: Sequence[int | None], asked: int | None
) -> tuple[Outcome, int | None]:
    """What several ACK segments of a line come to."""
    if come:
        return "accepted", None if None in come else sum(units or 0 for units in come)
    no = [units for units in refused if units is not None]
    left = asked - sum(no) if asked is not None and len(no) == len(refused) else 0
    return ("accepted", left) if left > 0 else ("rejected", None)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 10 else None
