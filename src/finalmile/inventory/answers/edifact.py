"""Segments of a UN/EDIFACT interchange."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from finalmile.errors import SchemaError, printable
from finalmile.inventory.answers.envelopes import Level, Message, Segment, messages
from finalmile.inventory.answers.text import Notation, decoded

_LEVELS = (
    Level(opens="UNB", closes="UNZ", control=5),
    Level(opens="UNG", closes="UNE", control=5, within=("UNB",)),
    Level(opens="UNH", closes="UNT", control=1, within=("UNB", "UNG"), message=True),
)
_ENCODINGS = {
    **{"UNOA": "ascii", "UNOB": "ascii", "UNOC": "iso8859-1", "UNOD": "iso8859-2", "UNOE": "iso8859-5"},
    **{"UNOF": "iso8859-7", "UNOG": "iso8859-3", "UNOH": "iso8859-4", "UNOI": "iso8859-6", "UNOJ": "iso8859-8"},
    **{"UNOK": "iso8859-9", "UNOW": "utf-8"},
}
PIECES = frozenset({"", "PCE", "EA", "C62", "NAR"})
"""Units of measure that count pieces."""

_BEGINS = re.compile(rb"\s*(UNA.{6}\s*)?UNB.(UNO[A-Z])", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Signs:
    """What separates components and elements, releases a character, ends a segment, parts decimals."""

    component: str = ":"
    element: str = "+"
    release: str = "?"
    terminator: str = "'"
    decimal: str = "."

    @property
    def notation(self) -> Notation:
        """Point and comma part decimals, whichever UNA declares; the other one is in doubt before three digits."""
        sure = "," if self.decimal == "," else "."
        return Notation(sure=sure, doubtful="." if sure == "," else ",")


def interchange(content: bytes, /, *, name: str) -> list[Message]:
    """Messages of a file, each from UNH to UNT, after every count and control number was checked.

    The separators are those that UNA declares, the character set is the one that UNB names. Point and comma are both
    decimal signs, as the syntax has it; nothing parts thousands.

    Raises
    ------
    SchemaError
        With the segment and line of each fault.
    """
    decoded(content, name=name, encoding="iso8859-1")  # size, archives and UTF-16 come first
    begins = _BEGINS.match(content.removeprefix(b"\xef\xbb\xbf"))
    if begins is None:
        found = printable(content[:12].decode("ascii", "replace"))
        raise SchemaError(name, [f"line 1: begins with {found!r}; an EDIFACT file begins with UNA or UNB+UNO..."])
    charset = begins[2].decode("ascii")
    if charset not in _ENCODINGS:
        raise SchemaError(name, [f"line 1: the character set {charset} is not read; read are {', '.join(_ENCODINGS)}"])
    text = decoded(content, name=name, encoding=_ENCODINGS[charset])
    skipped = len(text) - len(text.lstrip())
    body = text[skipped:]
    signs = _Signs()
    if body.startswith("UNA"):
        signs = _Signs(body[3], body[4], body[6], body[8], decimal=body[5])
        body, skipped = body[9:], skipped + 9
    return messages(_segments(body, signs, first_line=text[:skipped].count("\n") + 1), levels=_LEVELS, name=name)


def sender(message: Message) -> str:
    """Interchange id of who sent a message, with its kind where one is told: ``ACME``, ``14:4012345000009``."""
    name, kind = message.envelope.get(2).strip(), message.envelope.get(2, 2).strip()
    return f"{kind}:{name}" if kind else name


def _segments(text: str, signs: _Signs, *, first_line: int) -> Iterator[Segment]:
    line, at = first_line, 0
    for number, found in enumerate(_ended(signs.release, signs.terminator).finditer(text), 1):
        if not found[2]:
            break
        raw: str = found[1]
        body = raw.lstrip()
        start = line + raw[: len(raw) - len(body)].count("\n")
        elements = [_split(each, signs.component, signs.release) for each in _cut(body, signs.element, signs.release)]
        yield Segment(elements[0][0], tuple(elements[1:]), number, start, signs.notation)
        line, at = line + raw.count("\n"), found.end()
    if rest := text[at:].strip():
        yield Segment(f"{rest[:3]} cut short", (), text[:at].count(signs.terminator) + 1, line)


def _ended(release: str, sign: str) -> re.Pattern[str]:
    """Text up to a sign that is not released, and the sign; else up to the end.

    It matches wherever it begins, so that no text is looked through again from each of its characters.
    """
    r, s = re.escape(release), re.escape(sign)
    end = f"({s}|\\Z)"
    return re.compile(f"([^{s}]*+){end}" if release == " " else f"((?:[^{r}{s}]++|{r}.?)*+){end}", re.DOTALL)


def _cut(text: str, sign: str, release: str) -> list[str]:
    """Parts between signs that are not released."""
    if release == " " or release not in text:
        return text.split(sign)
    parts: list[str] = []
    part = ""
    for piece in re.split(f"({re.escape(release)}.|{re.escape(sign)})", text, flags=re.DOTALL):
        if piece == sign:
            parts.append(part)
            part = ""
        else:
            part += piece
    return [*parts, part]


def _split(text: str, sign: str, release: str) -> tuple[str, ...]:
    """Components, their released characters as they are."""
    parts = _cut(text, sign, release)
    if release == " " or release not in text:
        return tuple(parts)
    return tuple(re.sub(f"{re.escape(release)}(.)", r"\1", part, flags=re.DOTALL) for part in parts)
