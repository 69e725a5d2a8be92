"""What a verb gives back, and how it is shown: sentences for people, one JSON object for programs."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import orjson
from rich.console import Console

from finalmile.errors import CONTROL, printable

_JSON = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
_BEYOND_ASCII = re.compile(CONTROL.replace(r"\x00-\x1f", ""))


class Report(Protocol):
    """What was done or found."""

    @property
    def breached(self) -> bool:
        """Whether a check failed; the command then exits with 1."""
        ...

    def to_dict(self) -> Mapping[str, object]:
        """Everything, for programs."""
        ...

    def lines(self) -> Iterable[str]:
        """What a person wants to know, one sentence a line."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A report of a few sentences, for verbs whose work gives back nothing more."""

    said: tuple[str, ...]
    facts: Mapping[str, object] = field(default_factory=dict[str, object])
    breached: bool = False

    def to_dict(self) -> Mapping[str, object]:
        """The facts."""
        return self.facts

    def lines(self) -> Iterable[str]:
        """The sentences."""
        return self.said


def show(report: Report, *, as_json: bool, hint: Callable[[str], str] = str) -> None:
    """Write a report to standard output; ``hint`` completes the commands that its lines hint at."""
    if as_json:
        write_json(report.to_dict())
        return
    console = Console(soft_wrap=True, markup=False, emoji=False)
    for line in report.lines():
        console.print(printable(hint(line)))


def write_json(body: Mapping[str, object]) -> None:
    """One line of JSON on standard output; what JSON has no type for becomes text, NaN and infinity become null.

    Control characters are written as escapes, those beyond ASCII too.
    """
    told = orjson.dumps(body, default=_plain, option=_JSON).decode()
    sys.stdout.flush()
    sys.stdout.buffer.write(_BEYOND_ASCII.sub(lambda found: f"\\u{ord(found[0]):04x}", told).encode())
    sys.stdout.buffer.flush()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # any mapping
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # any set
    return str(value)
