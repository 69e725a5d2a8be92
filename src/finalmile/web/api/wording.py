"""What a caller is told of a value that cannot be used, and of a path that there is not."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Request

from finalmile.web.api.fast_paths import PATHS

_Told = Mapping[str, Any]
_KINDS: Mapping[str, Callable[[_Told], str]] = {
    "missing": lambda _: "is missing; give it",
    "extra_forbidden": lambda _: "is not known here; leave it out, or see the names in /openapi.json",
    "json_invalid": lambda _: 'the body is not JSON, such as {"why": "canary did well"}',
    "model_attributes_type": lambda _: (
        'must be a JSON object such as {"why": "canary did well"}, sent as application/json'
    ),
    "string_type": lambda _: "must be text",
    "string_pattern_mismatch": lambda one: f"must match {one['pattern']}",
    "string_too_short": lambda one: f"must have at least {_count(one['min_length'], 'character')}",
    "string_too_long": lambda one: f"must have at most {_count(one['max_length'], 'character')}",
    "too_long": lambda one: f"must have at most {_count(one['max_length'], 'entry', 'entries')}",
    "greater_than_equal": lambda one: f"must be at least {one['ge']}",
    "less_than_equal": lambda one: f"must be at most {one['le']}",
    "finite_number": lambda _: "must be a finite number",
    "list_type": lambda _: "must be a list",
    "timezone_aware": lambda _: "must say its time zone, as in 2026-03-01T00:00:00Z",
}
_ALIKE: Mapping[str, str] = {
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "datetime": "must be an instant such as 2026-03-01T00:00:00Z",
    "dict": "must be a JSON object",
    "model": "must be a JSON object",
}


def plainly(fault: _Told, /) -> str:
    """What is wrong with one value and what would be right; the value itself is not repeated.

    Examples
    --------
    >>> plainly({"type": "greater_than_equal", "ctx": {"ge": 1}})
    'must be at least 1'
    >>> plainly({"type": "int_parsing"}), plainly({"type": "missing"})
    ('must be a whole number', 'is missing; give it')
    """
    kind = str(fault["type"])
    if kind in _KINDS:
        return _KINDS[kind](fault.get("ctx", {}))
    for start, text in _ALIKE.items():
        if kind.startswith(f"{start}_"):
            return text
    return "cannot be used; /openapi.json says what may stand here"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def no_path(request: Request, /) -> str:
    """That there is no such path, and which one is close."""
    path = str(request.scope["path"])[:200]
    own = [str(getattr(route, "path", "")) for route in request.app.routes]
    head, _, verb = path.rpartition("/")
    colon = f"{head}:{verb}"  # verbs stand behind a colon, parts of a model behind a slash
    if any(":" in one and _filled(one, colon) == colon for one in (*own, *PATHS)):
        return f"there is no {path}. Did you mean {colon}?"
    known = sorted({_filled(one, path) for one in (*own, *PATHS) if one})
    close = difflib.get_close_matches(path, known, n=1, cutoff=0.75)
    hint = f"Did you mean {close[0]}?" if close else "Every path is in /openapi.json"
    return f"there is no {path}. {hint}"


def _filled(template: str, path: str) -> str:
    """A path of the API with the names that the caller gave, where it has as many parts."""
    parts, given = template.split("/"), path.split("/")
    if len(parts) != len(given):
        return template
    return "/".join(_part(mine, theirs) for mine, theirs in zip(parts, given, strict=True))


def _part(mine: str, theirs: str) -> str:
    if not mine.startswith("{"):
        return mine
    _, _, verb = mine.partition("}")
    return theirs.partition(":")[0] + verb
