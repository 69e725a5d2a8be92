"""Segments of an ANSI X12 interchange."""

from __future__ import annotations

from collections.abc import Iterator

from finalmile.errors import SchemaError, printable
from finalmile.inventory.answers.envelopes import Level, Message, Segment, messages
from finalmile.inventory.answers.text import decoded

_LEVELS = (
    Level(opens="ISA", closes="IEA", control=13),
    Level(opens="GS", closes="GE", control=6, within=("ISA",)),
    Level(opens="ST", closes="SE", control=2, within=("GS",), message=True),
)
_ISA = 106
PIECES = frozenset({"", "EA", "PC", "UN"})
"""Units of measure that count pieces."""


def transactions(content: bytes, /, *, name: str) -> list[Message]:
    """Transaction sets of a file, each from ST to SE, after every count and control number was checked.

    The separators are those that the ISA segment declares by its fixed width. Text is ASCII or UTF-8.

    Raises
    ------
    SchemaError
        With the segment and line of each fault.
    """
    text = decoded(content, name=name).lstrip()
    if len(text) < _ISA or not text.startswith("ISA"):
        found = printable(text[:10])
        raise SchemaError(name, [f"line 1: begins with {found!r}; an X12 file begins with ISA, 106 characters long"])
    element, terminator = text[3], text[_ISA - 1]
    header = text[: _ISA - 1].split(element)
    if len(header) != 17 or terminator.isalnum() or element.isalnum():
        raise SchemaError(
            name, [f"line 1: ISA holds {len(header) - 1} elements in {_ISA} characters; it holds 16, of fixed width"]
        )
    return messages(_segments(text, element, terminator), levels=_LEVELS, name=name)


def sender(message: Message) -> str:
    """Interchange id of who sent a message, with its kind: ``ZZ:ACME``."""
    return f"{message.envelope.get(5).strip()}:{message.envelope.get(6).strip()}"


def _segments(text: str, element: str, terminator: str) -> Iterator[Segment]:
    line, parts = 1, text.split(terminator)
    for number, part in enumerate(parts, 1):
        body = part.lstrip("\r\n \t") if terminator != "\n" else part.strip("\r")
        start = line + part[: len(part) - len(body)].count("\n")
        if body.strip():
            tag, *elements = body.split(element)
            last = number == len(parts)
            yield Segment(tag if not last else f"{tag} cut short", tuple((each,) for each in elements), number, start)
        line += part.count("\n") + (terminator == "\n")
