"""Requests to measure a version with, and answers to check it by, from what is kept beside it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import orjson

from finalmile.serving.online import OnlineTable
from finalmile.serving.signature import Feature, Signature

ROWS = 256
"""Rows that load varies over: of fewer a processor learns the way through a model's trees."""

_RELATIVE, _ABSOLUTE = 1e-9, 1e-12
_DRAWS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What a version is asked.

    Parameters
    ----------
    path
        Of the endpoint.
    bodies
        Requests of load, in turn.
    golden
        Requests with the answers they must get: ``{"mean": ...}``, and ``"q0.98"`` where the model tells it.
    features
        Of a row; 0 where answers are looked up.
    """

    path: str
    bodies: tuple[str, ...]
    golden: tuple[tuple[str, Mapping[str, Any]], ...]
    features: int

    @property
    def digest(self) -> str:
        """sha256 of the bodies: speeds are compared only where the questions were the same."""
        return hashlib.sha256("\n".join(self.bodies).encode()).hexdigest()

    @property
    def distinct(self) -> int:
        """Bodies that differ."""
        return len(set(self.bodies))


def of_rows(model: str, signature: Signature, golden: Mapping[str, Any], *, seed: str) -> Questions:
    """Questions for a model of rows, from the golden rows kept when it was registered.

    Where there are fewer than 256, rows are made from them that take each feature from a golden row drawn for it: every
    value is one the model was registered with. Where few differ even so, there are fewer. The draw is that of
    ``seed``, so that it is always the same.
    """
    rows, answers = list(golden.get("rows", ())), list(golden.get("answers", ()))
    told = [_given(signature, row) for row in rows]
    fit = [at for at, one in enumerate(told) if one is not None]
    asked = [_body({"features": told[at]}) for at in fit]
    outputs = _names(signature)
    right = [dict(zip(outputs, answers[at], strict=True)) for at in fit]
    whole = [cast("list[Any]", told[at]) for at in fit]
    return Questions(
        path=_path(model),
        bodies=tuple(_body({"features": row}) for row in _varied(whole, seed)),
        golden=tuple(zip(asked, right, strict=True)),
        features=len(signature.features),
    )


def of_table(model: str, table: OnlineTable, *, seed: str) -> Questions:
    """Questions about series of a table of answers, over its whole horizon; each answer is the table's."""
    chance = np.random.default_rng(_number(seed))
    chosen = chance.choice(len(table.ids), size=min(ROWS, len(table.ids)), replace=False).tolist()
    bodies = [_body({"unique_id": table.ids[row], "horizon": table.horizon}) for row in chosen]
    right = [{"mean": table.arrays["mean"][row].tolist()} for row in chosen]
    golden = tuple(zip(bodies, right, strict=True)) if table.about.kind == "answers" else ()
    return Questions(path=_path(model), bodies=tuple(bodies), golden=golden, features=len(table.about.names))


def answers_alike(told: str, right: Mapping[str, Any], /) -> bool:
    """Whether an answer says what it should, to one part in a thousand million.

    Examples
    --------
    >>> answers_alike('{"mean": 2.5, "quantiles": {"q0.98": 7.0}}', {"mean": 2.5, "q0.98": 7.0})
    True
    >>> answers_alike('{"mean": 2.5}', {"mean": 2.6}), answers_alike("oops", {"mean": 2.6})
    (False, False)
    """
    try:
        body: dict[str, Any] = orjson.loads(told)
        given = {**body.get("quantiles", {}), "mean": body["mean"]}
        return all(_close(given[name], value) for name, value in right.items())
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return False


def _close(told: Any, right: Any) -> bool:
    one, other = np.atleast_1d(np.asarray(told, dtype=float)), np.atleast_1d(np.asarray(right, dtype=float))
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=_RELATIVE, atol=_ABSOLUTE))


def _names(signature: Signature) -> Sequence[str]:
    """Outputs as answers name them: the first one is the mean where none is called so."""
    outputs = signature.outputs
    return outputs if "mean" in outputs else ("mean", *outputs[1:])


def _given(signature: Signature, row: Sequence[float | None]) -> list[Any] | None:
    """A row of the model as a caller would give it; ``None`` where a caller cannot say it."""
    told: list[Any] = []
    for feature, value in zip(signature.features, row, strict=True):
        if value is None or math.isnan(value):
            if not (isinstance(feature.default, float) and math.isnan(feature.default)):
                return None
            told.append(None)
        else:
            told.append(_value(feature, value))
    return told


def _value(feature: Feature, value: float) -> float | str:
    return feature.categories[int(value)] if feature.categories else float(value)


def _varied(rows: Sequence[Sequence[Any]], seed: str) -> list[list[Any]]:
    if len(rows) >= ROWS or not rows:
        return [list(row) for row in rows[:ROWS]]
    chance = np.random.default_rng(_number(seed))
    drawn = chance.integers(len(rows), size=(_DRAWS * ROWS, len(rows[0])))
    made = ([rows[at][column] for column, at in enumerate(row)] for row in drawn.tolist())
    told = {_body({"features": row}): list(row) for row in (*rows, *made)}
    return list(told.values())[:ROWS]


def _body(told: Mapping[str, Any]) -> str:
    return orjson.dumps(told).decode()


def _path(model: str) -> str:
    return f"/v1/models/{model}:predict"


def _number(seed: str) -> int:
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
