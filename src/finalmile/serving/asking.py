"""What one record of a request asks: about whom, with which features, how far ahead, and what beside the mean."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from finalmile.serving.rows import Fault

ALL = True
"""Every quantile, or every window, that there is."""

LONGEST_ID = 500
_PERIOD = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?", re.ASCII)


@dataclass(slots=True)
class Asked:
    """One record; ``None`` where something was not given.

    Parameters
    ----------
    features
        By name or in order, as the request gave them.
    horizon, dates
        The next periods after the cutoff, or some of them by their ISO date; at most one of both.
    quantiles, windows
        Levels and periods of whole windows, or ``True`` for all there are.
    where
        Place in the request, for messages; empty for a request of one record.
    unreadable
        Whether nothing could be read, so that nothing more need be said of it.
    """

    unique_id: str | None = None
    features: object = None
    ds: str | None = None
    horizon: int | None = None
    dates: tuple[str, ...] | None = None
    quantiles: tuple[float, ...] | bool | None = None
    windows: tuple[int, ...] | bool | None = None
    where: str = ""
    unreadable: bool = False

    def place(self, name: str, /) -> str:
        """Where in the request a part of this record stands."""
        return f"{self.where}.{name}" if self.where else name


FIELDS = ("unique_id", "features", "ds", "horizon", "dates", "quantiles", "windows")
_KNOWN = frozenset(FIELDS)
_PLAIN = frozenset(("unique_id", "features"))


def read_asked(told: object, where: str, faults: list[Fault], /, *, shared: Asked | None = None) -> Asked:
    """One record; every fault of it is added.

    Parameters
    ----------
    shared
        What the request says once for all of its records.

    Examples
    --------
    >>> faults = []
    >>> read_asked({"unique_id": "milk", "horizon": 7}, "", faults).horizon, faults
    (7, [])
    >>> _ = read_asked({"unique_id": 3, "horizont": 7}, "instances[0]", faults)
    >>> for where, what in faults: print(where, "-", what)
    instances[0].unique_id - is 3; it must be text of at most 500 characters
    instances[0].horizont - is not known here. Did you mean 'horizon'?
    """
    asked = Asked(where=where)
    if shared is not None:
        asked.horizon, asked.dates = shared.horizon, shared.dates
        asked.quantiles, asked.windows = shared.quantiles, shared.windows
    if not isinstance(told, dict):
        asked.unreadable = True
        faults.append((where or "body", "must be an object such as {unique_id: milk, horizon: 7}"))
        return asked
    _fill(asked, cast("Mapping[str, Any]", told), faults)
    return asked


def _fill(asked: Asked, told: Mapping[str, Any], faults: list[Fault]) -> None:
    asked.features = told.get("features")
    unique_id = told.get("unique_id")
    if type(unique_id) is str and len(unique_id) <= LONGEST_ID:
        asked.unique_id = unique_id
    elif unique_id is not None:
        where = asked.place("unique_id")
        faults.append((where, f"is {_brief(unique_id)}; it must be text of at most {LONGEST_ID} characters"))
    if _PLAIN.issuperset(told):
        return
    for name, read in _READERS.items():
        value = told.get(name)
        if value is not None:
            setattr(asked, name, _or_fault(read, value, asked.place(name), faults))
    if asked.dates is not None and told.get("horizon") is not None:
        faults.append((asked.place("dates"), "stands beside horizon; give one of both"))
    unknown = [name for name in told if name not in _KNOWN]
    faults.extend((asked.place(name[:60]), f"is not known here. {_hint(name)}") for name in unknown)


def _or_fault(read: Callable[[Any], Any], value: Any, where: str, faults: list[Fault]) -> Any:
    try:
        return read(value)
    except ValueError as error:
        faults.append((where, f"is {_brief(value)}; {error}"))
        return None


def _text(value: Any) -> str:
    if type(value) is not str or not _PERIOD.fullmatch(value) or not _exists(value):
        raise ValueError("it must be a date such as 2026-03-01, or an hour such as 2026-03-01T05:00:00")
    return value


def _exists(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _horizon(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= 10_000:
        raise ValueError("it must be a whole number of periods, at least 1")
    return value


def _dates(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("it must be a list of dates such as 2026-03-01")
    return tuple(_text(one) for one in cast("list[object]", value))


def _levels(value: Any) -> tuple[float, ...] | bool:
    if value is True or value is False:
        return value
    if not isinstance(value, list):
        raise ValueError("it must be a list of levels between 0 and 1, or true for all there are")
    levels = cast("list[Any]", cast("object", value))
    if any(type(one) not in (int, float) or not 0 < one < 1 for one in levels):
        raise ValueError("it must be a list of levels between 0 and 1, or true for all there are")
    return tuple(float(one) for one in levels)


def _windows(value: Any) -> tuple[int, ...] | bool:
    if value is True or value is False:
        return value
    if not isinstance(value, list):
        raise ValueError("it must be a list of whole numbers of periods, or true for all there are")
    windows = cast("list[Any]", cast("object", value))
    if any(type(one) is not int or one < 1 for one in windows):
        raise ValueError("it must be a list of whole numbers of periods, or true for all there are")
    return tuple(windows)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "ds": _text,
    "horizon": _horizon,
    "dates": _dates,
    "quantiles": _levels,
    "windows": _windows,
}


def _hint(name: str) -> str:
    close = difflib.get_close_matches(name[:80], FIELDS, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(FIELDS)}"


def _brief(value: object) -> str:
    text = repr(value) if not isinstance(value, int) or value.bit_length() < 200 else "a number of hundreds of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."
