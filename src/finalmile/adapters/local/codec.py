"""Records, dates and instants as JSON text and back, the same text for the same content."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import PurePath
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import orjson

T = TypeVar("T")
_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def dumps(value: object) -> str:
    """Canonical JSON: keys sorted, no blanks; NaN and infinities become null.

    Examples
    --------
    >>> dumps({"b": date(2024, 1, 7), "a": (1, float("nan"))})
    '{"a":[1,null],"b":"2024-01-07"}'

    Raises
    ------
    TypeError
        For what has no JSON.
    """
    try:
        return orjson.dumps(value, default=_plain, option=_CANONICAL).decode()
    except orjson.JSONEncodeError as error:
        raise TypeError(f"this cannot be kept as JSON ({error}): {value!r}") from error


def loads(text: str) -> Any:
    """Plain values from JSON text; dates stay text."""
    return orjson.loads(text)


def load(cls: type[T], text: str) -> T:
    """Record of a class from its JSON; fields the text lacks keep their defaults, unknown ones are left out."""
    record: T = _build(cls, orjson.loads(text))
    return record


def moment(text: str) -> date | datetime:
    """Date or datetime from ISO text.

    Examples
    --------
    >>> moment("2024-01-07"), moment("2024-01-07T05:00:00")
    (datetime.date(2024, 1, 7), datetime.datetime(2024, 1, 7, 5, 0))
    """
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)


def instant(at: date | datetime) -> datetime:
    """Aware UTC instant: a date is its midnight, a naive datetime is taken as UTC.

    Examples
    --------
    >>> instant(date(2024, 1, 7))
    datetime.datetime(2024, 1, 7, 0, 0, tzinfo=datetime.timezone.utc)
    """
    if not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]  # any mapping will do
    if isinstance(value, set | frozenset):
        return sorted(value)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]  # any set will do
    if isinstance(value, Decimal | PurePath):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


@cache
def _hints(cls: type[Any]) -> dict[str, Any]:
    return get_type_hints(cls)


def _build(cls: type[Any], told: Mapping[str, Any]) -> Any:
    hints = _hints(cls)  # type: ignore[arg-type]  # mypy does not see that classes hash
    names = [field.name for field in dataclasses.fields(cls) if field.name in told]
    return cls(**{name: _as(hints[name], told[name]) for name in names})


def _as(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value)
    if {date, datetime} & {hint, *get_args(hint)}:
        return moment(value)
    return tuple(value) if get_origin(hint) is tuple else value
