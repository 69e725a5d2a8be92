"""Whether a setting's value is of the kind that its plugin asks for, so that a slip is told before anything is done."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Literal, Union, get_args, get_origin, get_type_hints

_WORDS: Mapping[object, str] = {
    bool: "yes or no",
    int: "a whole number",
    float: "a number",
    str: "text",
    NoneType: "nothing (null)",
}


def check_types(owner: str, plugin: Callable[..., object], settings: Mapping[str, object]) -> None:
    """Refuse values that are no number, text or choice where the plugin's field is one; other fields it judges itself.

    Parameters
    ----------
    owner
        What the plugin is called in messages.

    Raises
    ------
    ValueError
        Names the first such setting, its value and what would be right.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Ahead:
    ...     periods: int = 2
    >>> check_types("policy 'ahead'", Ahead, {"periods": 2.5})
    Traceback (most recent call last):
    ValueError: setting 'periods' of policy 'ahead' is 2.5; it must be a whole number
    """
    asked = _fields(plugin)
    for name, value in settings.items():
        kinds = asked.get(name, ())
        if kinds and not any(_is(value, kind) for kind in kinds):
            right = " or ".join(dict.fromkeys(_said(kind) for kind in kinds))
            raise ValueError(f"setting {name!r} of {owner} is {value!r}; it must be {right}")


def _fields(plugin: Callable[..., object]) -> dict[str, tuple[object, ...]]:
    """What may stand in each field that is plain; others, and those whose types cannot be read here, are left out."""
    try:
        hints = get_type_hints(plugin)
    except NameError:
        return {}
    told = {name: _alternatives(hint) for name, hint in hints.items()}
    return {name: kinds for name, kinds in told.items() if all(_plain(kind) for kind in kinds)}


def _alternatives(hint: object) -> tuple[object, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _plain(kind: object) -> bool:
    return get_origin(kind) is Literal or (isinstance(kind, type) and kind in _WORDS)


def _is(value: object, kind: object) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if isinstance(value, bool):
        return kind is bool
    if kind is int:
        return isinstance(value, Integral)
    if kind is float:
        return isinstance(value, Real) and not math.isnan(value)
    return isinstance(kind, type) and isinstance(value, kind)


def _said(kind: object) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(repr, get_args(kind)))
    return _WORDS[kind]
