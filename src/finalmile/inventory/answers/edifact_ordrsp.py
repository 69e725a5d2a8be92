"""Answers to orders as UN/EDIFACT ORDRSP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from finalmile.errors import printable
from finalmile.inventory.answers.edifact import PIECES, interchange, sender
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

# Code list 1225, function of the message: what holds for its lines where they say nothing, and for those left out.
_OF_MESSAGE: dict[str, tuple[Outcome | None, Outcome | None]] = {
    "": (None, None),
    "4": (None, None),
    "5": (None, None),
    "9": (None, None),
    "12": ("open", "open"),
    "27": ("rejected", "rejected"),
    "29": ("accepted", "accepted"),
}
_PURPOSES: dict[str, Purpose] = {"9": "original", "4": "change", "5": "change"}
# Code list 1229, what is done to a line.
_OF_LINE: dict[str, Outcome] = {
    **dict.fromkeys(("3", "4", "5", "6", "9", "11"), "accepted"),
    **dict.fromkeys(("2", "7", "10"), "rejected"),
    **dict.fromkeys(("12", "16", "17"), "open"),
}
_PROMISED = ("113", "12", "194")
_LATER, _ORDERED = "83", "21"
_HERE = frozenset({"2", "17", "67", "69", "132", "358"})
_LEAVES = frozenset({"10", "11", "79"})
_OURS = ("IN", "BP")


@answers.add("edifact_ordrsp")
@dataclass(frozen=True, kw_only=True)
class EdifactOrderResponse:
    """UN/EDIFACT message ORDRSP of directory D.96A and of later ones with the same segments.

    Of each message BGM (function), RFF+ON (our order number), LIN (line, what is done to it, our product under ``IN``
    or in PIA), QTY (113, 12 or 194, else 21; 83 backorders are added), DTM and PRI are read; UNT, UNZ, CNT and
    references are checked. Days of shipping are no days of arrival and are left aside, which ``notes`` say.
    """

    def __call__(self, content: bytes, /, *, name: str) -> Answers:
        """What the file says."""
        faults: list[str] = []
        notes: list[str] = []
        orders: list[OrderAnswer] = []
        for message in interchange(content, name=name):
            start = message.segments[0]
            kind = start.get(2)
            if kind == "ORDRSP":
                orders += _Message(message, faults, notes).answer()
            elif kind == "CONTRL":
                notes.append(f"{start.place}: a CONTRL message says nothing of units; left aside")
            else:
                mend = MEND_RECEIPTS if kind in OF_RECEIPTS else ""
                faults.append(f"{start.place}: message {printable(kind[:10])!r} is no answer; ORDRSP is{mend}")
        faults += told_twice(tuple(orders))
        if not orders and not faults:
            faults.append("holds no message ORDRSP, so no answer to an order")
        refuse(name, faults)
        return Answers(orders=tuple(orders), notes=tuple(dict.fromkeys(notes)))


@dataclass(slots=True)
class Line:
    """A LIN segment and what follows it."""

    start: Segment
    parts: list[Segment] = field(default_factory=list[Segment])

    def of(self, tag: str) -> list[Segment]:
        """Its segments of a tag."""
        return [part for part in self.parts if part.tag == tag]


class _Message:
    """One answer."""

    def __init__(self, message: Message, faults: list[str], notes: list[str]) -> None:
        self.segments, self.faults, self.notes = message.segments, faults, notes
        self.key = message.key(sender(message))

    def answer(self) -> Iterator[OrderAnswer]:
        """What it says; nothing, with a fault noted, where that cannot be known."""
        head, lines = self._parts()
        begin = next((one for one in head if one.tag == "BGM"), None)
        named = [one for one in head if one.tag == "RFF" and one.get(1) == "ON" and one.get(1, 2).strip()]
        if begin is None or len({one.get(1, 2) for one in named}) != 1:
            place = (begin or self.segments[0]).place
            self.faults.append(f"{place}: names {'no order' if not named else 'several orders'}; RFF+ON names one")
            return
        if begin.get(3) not in _OF_MESSAGE:
            known = ", ".join(filter(None, _OF_MESSAGE))
            self.faults.append(f"{begin.place}: function {printable(begin.get(3)[:6])!r} is not read; read are {known}")
            return
        of_line, rest = _OF_MESSAGE[begin.get(3)]
        self._check_count(lines)
        answered = tuple(one for line in lines if (one := self._line(line, of_line)) is not None)
        yield OrderAnswer(
            place=begin.place,
            order=named[0].get(1, 2),
            lines=answered,
            rest=rest,
            purpose=_PURPOSES.get(begin.get(3)),
            key=self.key,
        )

    def _parts(self) -> tuple[list[Segment], list[Line]]:
        """Segments before the lines, and the lines."""
        head: list[Segment] = []
        lines: list[Line] = []
        for segment in self.segments:
            if segment.tag == "UNS":
                break
            if segment.tag == "LIN":
                lines.append(Line(segment))
            elif lines:
                lines[-1].parts.append(segment)
            else:
                head.append(segment)
        return head, lines

    def _check_count(self, lines: Sequence[Line]) -> None:
        """CNT 2 holds the number of lines, CNT 1 the sum of their quantities."""
        units = sum((number_of(one.get(1, 2), one.notation) or 0 for line in lines for one in line.of("QTY")[:1]), 0)
        for total in (one for one in self.segments if one.tag == "CNT"):
            told = printable(total.get(1, 2)[:20])
            if total.get(1) == "2" and number_of(total.get(1, 2), total.notation) != len(lines):
                self.faults.append(f"{total.place}: counts {told!r} lines, and there are {len(lines):,} LIN segments")
            if total.get(1) == "1" and number_of(total.get(1, 2), total.notation) != units:
                self.faults.append(f"{total.place}: a sum of {told!r}, and quantities of lines add up to {units}")

    def _line(self, line: Line, of_line: Outcome | None) -> LineAnswer | None:
        before = len(self.faults)
        outcome = self._outcome(line, of_line)
        prices = [one for one in line.of("PRI") if one.get(1, 2).strip()]
        number = line.start.get(1)
        told = LineAnswer(
            place=line.start.place,
            outcome=outcome,
            product=our_product(line),
            number=int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None,
            quantity=self._quantity(line) if outcome == "accepted" else None,
            due=self._due(line),
            price=price_of(prices[0].get(1, 2), prices[0].place, self.faults, prices[0].notation) if prices else None,
        )
        if told.product is None and told.number is None:
            self.faults.append(f"{line.start.place}: names no product of ours (IN) and no line number")
        return told if len(self.faults) == before else None

    def _outcome(self, line: Line, of_line: Outcome | None) -> Outcome:
        code = line.start.get(2).strip()
        if code and code not in _OF_LINE:
            known = ", ".join(_OF_LINE)
            self.faults.append(f"{line.start.place}: action {printable(code[:6])!r} is not read; read are {known}")
        outcome = _OF_LINE.get(code) or of_line or "accepted"
        if outcome == "open":
            self.notes.append(f"{line.start.place}: asks for a decision; the line stays as it was")
        return outcome

    def _quantity(self, line: Line) -> int | None:
        """Units that come in all."""
        told: dict[str, int] = {}
        for one in line.of("QTY"):
            kind, unit = one.get(1), one.get(1, 3).strip()
            if kind not in {*_PROMISED, _LATER, _ORDERED}:
                continue
            if unit not in PIECES:
                told_unit = printable(unit[:6])
                self.faults.append(f"{one.place}: counts in {told_unit!r}, and we order in PCE; ask for units")
            elif (units := units_of(one.get(1, 2), one.place, self.faults, one.notation)) is not None:
                told[kind] = told.get(kind, 0) + units
        promised = next((told[kind] for kind in _PROMISED if kind in told), None)
        return told.get(_ORDERED) if promised is None else promised + told.get(_LATER, 0)

    def _due(self, line: Line) -> date | None:
        """The last day on which something arrives."""
        days: list[date] = []
        for one in line.of("DTM"):
            kind, text = one.get(1), one.get(1, 2)
            if kind in _LEAVES:
                self.notes.append("days of shipping are no days of arrival and are left aside")
            if kind in _HERE and text and (day := compact_day(text, one.place, self.faults)) is not None:
                days.append(day)
        return max(days, default=None)


def our_product(line: Line) -> str | None:
    """Our id, in LIN or else in PIA."""
    if line.start.get(3, 2) in _OURS and line.start.get(3).strip():
        return line.start.get(3)
    for one in line.of("PIA"):
        for at in range(2, 7):
            if one.get(at, 2) in _OURS and one.get(at).strip():
                return one.get(at)
    return None
