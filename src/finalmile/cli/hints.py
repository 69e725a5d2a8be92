"""Commands that a sentence hints at, so that they can be typed as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

_VERBS = (
    "check|doctor|ingest|train|certify|promote|rollback|models|forecast|monitor|plan|orders list|orders show|impact"
    "|incidents list|incidents show|incidents acknowledge|incidents resolve|why|compare"
    "|run|replay|export|dashboard|register|serve|keys create|keys list|keys revoke|routes show"
)
_COMMAND = re.compile(rf"\bfinalmile (?:{_VERBS})\b")
_NEXT = re.compile(rf"(?:^|\. )(?:Next|Run): finalmile (?:{_VERBS})\b[^,;.:]*$")


def with_project(line: str, folder: Path | None) -> str:
    """The line with ``--project`` in every command it hints at, where a folder was given.

    Examples
    --------
    >>> with_project("Next: finalmile certify demand", Path("my shop"))
    "Next: finalmile certify demand --project 'my shop'"
    >>> with_project("Propose some with finalmile plan, or see all: finalmile orders list", Path("shop"))
    'Propose some with finalmile plan --project shop, or see all: finalmile orders list --project shop'
    >>> with_project("Make one with finalmile keys create NAME, or serve on 127.0.0.1", Path("shop"))
    'Make one with finalmile keys create --project shop NAME, or serve on 127.0.0.1'
    >>> with_project("Next: finalmile certify demand", None)
    'Next: finalmile certify demand'
    """
    if folder is None or "--project" in line:
        return line
    option = f" --project {shlex.quote(str(folder))}"
    if _NEXT.search(line):
        return line + option
    return _COMMAND.sub(lambda command: command[0] + option, line)
