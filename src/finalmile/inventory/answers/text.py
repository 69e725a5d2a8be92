"""The text of a file that came from elsewhere, and numbers and days in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from finalmile.errors import SchemaError, printable

LARGEST = 16 * 2**20
"""Bytes of the largest file that is read: more than 100,000 lines in any of the formats."""
MOST_PARTS = 1_000_000
"""Segments, elements or rows of the largest file that is read: small ones could fill the memory otherwise."""

_ARCHIVES = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"
_ISO_DAY = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_THOUSANDS = re.compile(r"\s*[+-]?[1-9][0-9]{0,2}([.,])[0-9]{3}\s*")
_LARGEST_NUMBER, _LONGEST_NUMBER = Decimal(10) ** 15, 40


LONGEST_REFERENCE = 70
"""Characters of the longest number that a partner's shipment has in any of the standards."""
OF_RECEIPTS = frozenset({"861", "RECADV"})
"""Messages that say what came, written by whoever receives goods: no answers of suppliers."""
MEND_RECEIPTS = "; what came is a table with a row for each day: finalmile orders receive --file"

MOST_TOLD = 20
"""Faults of a file that are told; of more, that there are more."""


def refuse(name: str, faults: Sequence[str], /) -> None:
    """Raise a SchemaError of the faults of a file; nothing where there are none."""
    if faults:
        more = ["there are more faults than these"] if len(faults) > MOST_TOLD else []
        raise SchemaError(name, [*faults[:MOST_TOLD], *more])


def decoded(content: bytes, /, *, name: str, encoding: str = "utf-8", utf16: bool = False) -> str:
    """The text, without a byte order mark.

    Parameters
    ----------
    encoding
        What the bytes must be.
    utf16
        Whether UTF-16 with a byte order mark is read too.

    Raises
    ------
    SchemaError
        Where the file is too large, an archive, empty, or in another encoding; with line and byte.
    """
    if len(content) > LARGEST:
        raise SchemaError(name, [f"has {len(content):,} bytes; files of answers have at most {LARGEST:,}"])
    if content.startswith(_ARCHIVES):
        raise SchemaError(name, ["is an archive; unpack it and name the file in it"])
    if content.startswith(_UTF16) or b"\x00" in content[:200]:
        if utf16 and content.startswith(_UTF16):
            return _decode(content, name, "utf-16")
        raise SchemaError(name, ["is UTF-16, or no text at all; ask for UTF-8, or save it as UTF-8"])
    text = _decode(content.removeprefix(_UTF8_MARK), name, encoding)
    if not text.strip():
        raise SchemaError(name, ["is empty"])
    return text


def _decode(content: bytes, name: str, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line, found = content[: error.start].count(b"\n") + 1, content[error.start]
        right = encoding.upper()
        told = f"line {line}, byte {error.start}: 0x{found:02X} is not {right}"
        raise SchemaError(name, [f"{told}; ask the supplier for {right}, or save the file as that"]) from None


@dataclass(frozen=True, slots=True)
class Notation:
    """How a file writes numbers.

    Parameters
    ----------
    sure
        Signs that are the decimal sign for certain.
    doubtful
        Signs that are the decimal sign too, but where one may as well part thousands: 1.000, 12,345.
    """

    sure: str = "."
    doubtful: str = ""

    def plain(self, text: str) -> str:
        """The number with a point for its decimal sign; as it is where that is in doubt, or where it has two signs."""
        signs = [sign for sign in text if sign in {*self.sure, *self.doubtful, *".,"}]
        if len(signs) != 1 or signs[0] not in {*self.sure, *self.doubtful} or self.in_doubt(text):
            return text
        return text.replace(signs[0], ".")

    def in_doubt(self, text: str) -> bool:
        """Whether one and a thousand, as of 1.000, may both be meant."""
        told = _THOUSANDS.fullmatch(text)
        return told is not None and told[1] in self.doubtful


PLAIN = Notation()
"""A point parts decimals, and nothing parts thousands."""
OF_SPREADSHEETS = Notation(sure="", doubtful=".,")
"""Where semicolons or tabs part cells: in many countries a comma parts decimals there, and a point thousands."""


def number_of(text: str, notation: Notation = PLAIN) -> Decimal | None:
    """A decimal number as partners write them; ``None`` where it is none, or may be two.

    Examples
    --------
    >>> number_of("3.50"), number_of("-1"), number_of("1e9"), number_of("")
    (Decimal('3.50'), Decimal('-1'), None, None)
    >>> number_of("3,50", OF_SPREADSHEETS), number_of("1.000", OF_SPREADSHEETS), number_of("1.000")
    (Decimal('3.50'), None, Decimal('1.000'))
    """
    stripped = notation.plain(text).strip()
    if len(stripped) > _LONGEST_NUMBER or not stripped.isascii() or any(sign in stripped for sign in "eEnN_"):
        return None
    if notation.in_doubt(text):
        return None
    try:
        value = Decimal(stripped)
    except InvalidOperation:
        return None
    return value if abs(value) < _LARGEST_NUMBER else None


def units_of(text: str, place: str, faults: list[str], notation: Notation = PLAIN) -> int | None:
    """Whole units, not below zero; ``None``, with a fault noted, where the text is none."""
    value = number_of(text, notation)
    if value is None or value < 0 or value != value.to_integral_value():
        told = _doubts(text, notation) or "is not a whole number of units from 0 up"
        faults.append(f"{place}: the quantity {printable(text)!r} {told}")
        return None
    return int(value)


def price_of(text: str, place: str, faults: list[str], notation: Notation = PLAIN) -> Decimal | None:
    """A price, not below zero; ``None``, with a fault noted, where the text is none."""
    value = number_of(text, notation)
    if value is None or value < 0:
        told = _doubts(text, notation) or "is not a number from 0 up"
        faults.append(f"{place}: the price {printable(text)!r} {told}")
        return None
    return value


def _doubts(text: str, notation: Notation) -> str:
    if not notation.in_doubt(text):
        return ""
    written = text.strip()
    whole, sign, thousandths = written[:-4], written[-4], written[-3:]
    other = whole if thousandths == "000" else f"{whole}{sign}{thousandths}0"
    return f"may be {whole}{thousandths} or {other}: write one of the two"


def compact_day(text: str, place: str, faults: list[str]) -> date | None:
    """A day written as ``CCYYMMDD``, whatever time follows; ``None``, with a fault noted, where the text is none."""
    try:
        if not (text.isascii() and text.isdigit() and len(text) in {8, 12, 14}):
            raise ValueError(text)
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        faults.append(f"{place}: {printable(text)!r} is not a day written as year, month, day: 20240531")
        return None


def iso_day(text: str, place: str, faults: list[str]) -> date | None:
    """A day written as ``CCYY-MM-DD``, whatever time or zone follows; ``None``, with a fault, where it is none."""
    try:
        if not _ISO_DAY.fullmatch(text.strip()):
            raise ValueError(text)
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        faults.append(f"{place}: {printable(text)!r} is not a day such as 2024-05-31")
        return None
