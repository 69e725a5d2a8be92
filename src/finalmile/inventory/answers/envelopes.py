"""Messages within interchanges: opened, closed, counted and numbered the same way in X12 and in EDIFACT."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from finalmile.errors import SchemaError, printable
from finalmile.inventory.answers.text import MOST_PARTS, PLAIN, Notation

_MOST_FAULTS = 20


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment: its tag, its elements of components, where it stands, and how it writes numbers."""

    tag: str
    elements: tuple[tuple[str, ...], ...]
    number: int
    line: int
    notation: Notation = PLAIN

    @property
    def place(self) -> str:
        """As messages name it."""
        return f"segment {self.number} ({printable(self.tag[:10])}), line {self.line}"

    def get(self, element: int, component: int = 1) -> str:
        """A component by its place from 1; empty where there is none."""
        parts = self.elements[element - 1] if element <= len(self.elements) else ()
        return parts[component - 1] if component <= len(parts) else ""


@dataclass(frozen=True, slots=True)
class Message:
    """Segments from the one that opens a message to the one that closes it, and the envelope around all."""

    segments: Sequence[Segment]
    envelope: Segment

    def key(self, sender: str) -> str:
        """Sender and content as 16 characters: the same in whatever envelope, under whatever control numbers."""
        said = repr([sender, *((one.tag, one.elements) for one in self.segments[1:-1])])
        return hashlib.sha256(said.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One kind of envelope.

    Parameters
    ----------
    control
        Element of the opening segment whose number the closing one repeats in its second element.
    within
        Tags of the envelopes it may stand in; none for the outermost.
    message
        Whether it holds segments, which the closing segment counts with both ends; else it counts envelopes.
    """

    opens: str
    closes: str
    control: int
    within: tuple[str, ...] = ()
    message: bool = False


@dataclass(slots=True)
class _Open:
    level: Level
    start: Segment
    children: int = 0
    segments: list[Segment] = field(default_factory=list[Segment])


def messages(segments: Iterable[Segment], /, *, levels: Sequence[Level], name: str) -> list[Message]:
    """Every message, in the order of the file.

    Raises
    ------
    SchemaError
        Where envelopes are not closed, counts or control numbers do not agree, or a segment stands outside.
    """
    book = _Book(levels)
    last: Segment | None = None
    for count, segment in enumerate(segments, 1):
        if count > MOST_PARTS:
            book.faults.append(f"{segment.place}: there are more than {MOST_PARTS:,} segments; divide the file")
            break
        book.take(segment)
        last = segment
        if len(book.faults) >= _MOST_FAULTS:
            break
    if book.open and not book.faults:
        missing = " and ".join(one.level.closes for one in reversed(book.open))
        end = "" if last is None else f" after {last.place}"
        book.faults.append(f"the file ends{end}, and {missing} is missing: it is cut short; ask for it again")
    if book.faults:
        raise SchemaError(name, book.faults)
    return book.done


class _Book:
    """Envelopes that are open, messages that are complete, and what was wrong."""

    def __init__(self, levels: Sequence[Level]) -> None:
        self.opening: Mapping[str, Level] = {level.opens: level for level in levels}
        self.closing: Mapping[str, Level] = {level.closes: level for level in levels}
        self.open: list[_Open] = []
        self.done: list[Message] = []
        self.faults: list[str] = []

    def take(self, segment: Segment) -> None:
        if segment.tag in self.opening:
            self._begin(self.opening[segment.tag], segment)
        elif segment.tag in self.closing:
            self._end(self.closing[segment.tag], segment)
        elif self.open and self.open[-1].level.message:
            self.open[-1].segments.append(segment)
        else:
            self.faults.append(f"{segment.place}: stands outside of every message")

    def _begin(self, level: Level, segment: Segment) -> None:
        around = self.open[-1].level.opens if self.open else ""
        if around not in (level.within or ("",)):
            expected = " or ".join(level.within) or "nothing"
            self.faults.append(f"{segment.place}: stands within {around or 'nothing'}, where {expected} is right")
        if self.open:
            self.open[-1].children += 1
        self.open.append(_Open(level, segment, segments=[segment]))

    def _end(self, level: Level, segment: Segment) -> None:
        if not self.open or self.open[-1].level is not level:
            inner = self.open[-1].level.closes if self.open else "nothing"
            self.faults.append(f"{segment.place}: closes what is not open; {inner} is expected here")
            self.open = [one for one in self.open if one.level is not level]
            return
        closed = self.open.pop()
        closed.segments.append(segment)
        told, counted = segment.get(1), len(closed.segments) if level.message else closed.children
        if told.strip().lstrip("0") != (str(counted) if counted else ""):
            self.faults.append(f"{segment.place}: counts {printable(told[:20])!r}, and there are {counted:,}")
        before, after = closed.start.get(level.control), segment.get(2)
        if before.strip().lstrip("0") != after.strip().lstrip("0"):
            told = f"control number {printable(after[:35])!r}, and {closed.start.place} has {printable(before[:35])!r}"
            self.faults.append(f"{segment.place}: {told}")
        if level.message:
            self.done.append(Message(closed.segments, self.open[0].start if self.open else closed.start))
