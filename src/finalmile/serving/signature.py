"""What a model of rows takes and gives: declared features in order, and the names of its answers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from finalmile.errors import SchemaError

Kind = Literal["number", "category"]
Plain = Mapping[str, object]
_KEYS = ("name", "kind", "default", "low", "high", "categories")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One declared feature.

    Parameters
    ----------
    kind
        ``"number"``, or ``"category"``: one of ``categories``, answered to the model as its place in that list.
    default
        Taken where a request leaves the feature out; without one it must be given. NaN is a default: the model
        then sees a missing value.
    low, high
        Bounds, included; a value outside is refused.
    """

    name: str
    kind: Kind = "number"
    default: float | str | None = None
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Features in the model's order, and what it gives for a row.

    Parameters
    ----------
    outputs
        Names of its answers, in order: ``"mean"``, and quantiles such as ``"q0.98"``.
    """

    features: tuple[Feature, ...]
    outputs: tuple[str, ...] = ("mean",)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return tuple(feature.name for feature in self.features)

    def to_json(self) -> dict[str, object]:
        """As ``serving.json`` holds it."""
        return {
            "features": [
                {
                    "name": one.name,
                    "kind": one.kind,
                    "default": "nan" if isinstance(one.default, float) and math.isnan(one.default) else one.default,
                    "low": one.low,
                    "high": one.high,
                    "categories": list(one.categories),
                }
                for one in self.features
            ],
            "outputs": list(self.outputs),
        }

    @classmethod
    def from_json(cls, told: Plain, /) -> Signature:
        """What :meth:`to_json` gave.

        Raises
        ------
        SchemaError
            With every fault of the declaration.
        """
        reader = _Reader()
        features = tuple(reader.feature(one, at) for at, one in enumerate(reader.rows(told.get("features"))))
        outputs = tuple(str(name) for name in _listed(told.get("outputs", ["mean"])))
        reader.check(features, outputs)
        return cls(features=features, outputs=outputs)


@dataclass(slots=True)
class _Reader:
    """Reads a declaration and gathers what is wrong with it."""

    faults: list[str] = field(default_factory=list[str])

    def rows(self, told: object) -> Sequence[object]:
        rows = _listed(told)
        if not rows:
            self.faults.append("features is empty; give a list such as [{name: price}, {name: promo, default: 0}]")
        return rows

    def feature(self, told: object, at: int) -> Feature:
        row = {"name": told} if isinstance(told, str) else _mapping(told)
        name = row.get("name")
        if not isinstance(name, str) or not name:
            self.faults.append(f"feature {at} has no name")
        self.faults += [
            f"feature {name!r}: no key is called {key!r}; known: {', '.join(_KEYS)}" for key in row if key not in _KEYS
        ]
        kind = row.get("kind", "number")
        categories = tuple(str(one) for one in _listed(row.get("categories", ())))
        if kind not in ("number", "category"):
            self.faults.append(f"feature {name!r} has kind {kind!r}; it must be number or category")
        if (kind == "category") != bool(categories):
            self.faults.append(f"feature {name!r}: categories are given where, and only where, kind is category")
        default = row.get("default")
        return Feature(
            name=str(name),
            kind="category" if kind == "category" else "number",
            default=math.nan if default == "nan" and kind != "category" else self._default(name, default, categories),
            low=self._number(name, "low", row.get("low")),
            high=self._number(name, "high", row.get("high")),
            categories=categories,
        )

    def check(self, features: Sequence[Feature], outputs: Sequence[str]) -> None:
        names = [feature.name for feature in features]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            self.faults.append(f"features named twice: {', '.join(twice)}")
        if "mean" not in outputs or len(set(outputs)) != len(outputs):
            self.faults.append("outputs must name each answer once, one of them mean, for example [mean, q0.98]")
        self.faults += [
            f"outputs: {name!r} is neither mean nor a quantile; write q and a level between 0 and 1, such as q0.98"
            for name in outputs
            if name != "mean" and not _is_quantile(name)
        ]
        if self.faults:
            raise SchemaError("declared features", self.faults)

    def _default(self, name: object, told: object, categories: Sequence[str]) -> float | str | None:
        if categories:
            if told is not None and told not in categories:
                self.faults.append(f"feature {name!r}: its default {told!r} is none of its categories")
            return None if told is None else str(told)
        return self._number(name, "default", told)

    def _number(self, name: object, which: str, told: object) -> float | None:
        if told is None:
            return None
        if isinstance(told, int | float):
            return float(told)
        self.faults.append(f"feature {name!r}: {which} is {told!r}; it must be a number")
        return None


def _is_quantile(name: str) -> bool:
    return re.fullmatch(r"q0?\.[0-9]+", name) is not None and 0.0 < float(name[1:]) < 1.0


def _listed(told: object) -> Sequence[object]:
    return cast("Sequence[object]", told) if isinstance(told, list | tuple) else ()


def _mapping(told: object) -> Plain:
    return cast("Plain", told) if isinstance(told, Mapping) else {}
