"""Records as JSON that says what they say: instants as ISO text, figures that are not finite as null."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import orjson


def plain(told: object) -> Any:
    """Plain values of a record, a report, or any nesting of them.

    Examples
    --------
    >>> plain({"a": float("nan"), 3: (1,)})
    {'a': None, '3': [1]}
    """
    return orjson.loads(orjson.dumps(told, default=_plain, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY))


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return dict(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # any mapping
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # any set
    return str(value)
