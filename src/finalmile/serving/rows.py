"""Features as a request gives them become a model's row, or every reason why they cannot."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from finalmile.serving.signature import Feature, Signature

Row = NDArray[np.float64]
Fault = tuple[str, str]
"""Where in the request, and what is wrong there and what would be right."""

_NUMBERS = frozenset((float, int))
_GIVEN = frozenset((dict, list))


class RowReader:
    """Reads rows of one signature; what is plain and right takes no detour.

    Parameters
    ----------
    signature
        Declared features, in the model's order.

    Examples
    --------
    >>> reader = RowReader(Signature(features=(Feature(name="price", low=0), Feature(name="promo", default=0.0))))
    >>> faults = []
    >>> reader.read({"price": 2.5}, "features", faults).tolist(), faults
    ([2.5, 0.0], [])
    >>> reader.read({"price": -1, "promos": 1}, "features", faults) is None
    True
    >>> for where, what in faults: print(where, "-", what)
    features.price - is -1; it must be at least 0
    features.promos - no feature is called 'promos'. Did you mean 'promo'?
    """

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self._features = {feature.name: feature for feature in signature.features}
        self._count = len(signature.features)
        names = signature.names
        self._get: Callable[[Any], Sequence[Any]] = _getter(names)
        self._plain = all(feature.kind == "number" for feature in signature.features)
        self._low = np.array([-math.inf if one.low is None else one.low for one in signature.features])
        self._high = np.array([math.inf if one.high is None else one.high for one in signature.features])
        self._bounded = bool(np.isfinite(self._low).any() or np.isfinite(self._high).any())

    def read(self, told: object, where: str, faults: list[Fault], /, *, base: Row | None = None) -> Row | None:
        """The row that features make, shape (F,); ``None`` after adding every fault of them.

        Parameters
        ----------
        told
            Features by name, or a list in the model's order.
        base
            Row to take what is not given from, where one was looked up; declared defaults otherwise.
        """
        row = self.at_once(told)
        return self._with_care(told, where, faults, base) if row is None else row

    def at_once(self, told: Any, /) -> Row | None:
        """The row where every feature is given, is a number and lies in its bounds; ``None`` of anything else."""
        if not self._plain or type(told) not in _GIVEN or len(told) != self._count:
            return None
        try:
            values: Sequence[Any] = self._get(told) if type(told) is dict else told
            if not _NUMBERS.issuperset(map(type, values)):
                return None
            row = np.array(values, dtype=np.float64)
        except (KeyError, OverflowError):
            return None
        if self._bounded and not ((row >= self._low) & (row <= self._high)).all():
            return None
        return row

    def _with_care(self, told: object, where: str, faults: list[Fault], base: Row | None) -> Row | None:
        before = len(faults)
        given = self._named(told, where, faults)
        if given is None:
            return None
        row = np.empty(self._count)
        for at, (name, feature) in enumerate(self._features.items()):
            value = given.get(name)
            if value is None and base is not None:
                row[at] = base[at]
            else:
                row[at] = _number(feature, value, f"{where}.{name}", faults)
        unknown = [name for name in given if name not in self._features]
        faults.extend((f"{where}.{name[:60]}", self._unknown(name)) for name in unknown)
        return row if len(faults) == before else None

    def _named(self, told: object, where: str, faults: list[Fault]) -> Mapping[str, object] | None:
        if told is None:
            return {}
        if isinstance(told, Mapping):
            return cast("Mapping[str, object]", told)
        if isinstance(told, list | tuple):
            values = cast("Sequence[object]", told)
            if len(values) == self._count:
                return dict(zip(self._features, values, strict=True))
            faults.append(
                (where, f"has {len(values)} values; the model takes {self._count}, in the order of its names")
            )
            return None
        faults.append((where, f"is {_short(told)}; give an object of features by name, or a list in their order"))
        return None

    def _unknown(self, name: str) -> str:
        close = difflib.get_close_matches(name[:80], self._features, n=1)
        if close:
            return f"no feature is called {_short(name)}. Did you mean {close[0]!r}?"
        return f"no feature is called {_short(name)}. Known: {_some(self._features)}"


def _getter(names: Sequence[str]) -> Callable[[Any], Sequence[Any]]:
    if len(names) > 1:
        return itemgetter(*names)
    first = itemgetter(*names)
    return lambda told: (first(told),)


def _number(feature: Feature, value: object, where: str, faults: list[Fault]) -> float:
    if value is None:
        value = feature.default
    if value is None:
        faults.append((where, "is missing, and the model declares no default for it"))
        return math.nan
    if feature.categories:
        if value in feature.categories:
            return float(feature.categories.index(str(value)))
        faults.append((where, f"is {_short(value)}; it must be one of {_some(feature.categories)}"))
        return math.nan
    if type(value) not in _NUMBERS:
        faults.append((where, f"is {_short(value)}; it must be a number"))
        return math.nan
    return _bounded(feature, cast("float", value), where, faults)


def _bounded(feature: Feature, value: float, where: str, faults: list[Fault]) -> float:
    if value is feature.default:
        return value
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        faults.append((where, f"is {_short(value)}; it must be a finite number"))
    elif feature.low is not None and number < feature.low:
        faults.append((where, f"is {value:g}; it must be at least {feature.low:g}"))
    elif feature.high is not None and number > feature.high:
        faults.append((where, f"is {value:g}; it must be at most {feature.high:g}"))
    return number


def _short(value: object) -> str:
    text = repr(value) if not isinstance(value, int) or value.bit_length() < 200 else "a number of hundreds of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _some(names: Sequence[str] | Mapping[str, object]) -> str:
    told = list(names)
    return ", ".join(told[:8]) + (f" and {len(told) - 8} more" if len(told) > 8 else "")
