"""Golden rows: what a version answered when it was registered, and must answer wherever it is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from finalmile.errors import CorruptError
from finalmile.forecasters.loaders.contract import RowModel, Rows
from finalmile.forecasters.loaders.kept import Kept
from finalmile.serving.signature import Feature, Signature

NEAR = 1e-5
_USUAL = (0.0, 1.0, 2.0, 7.0, 30.0, 100.0)


def array(rows: Sequence[Sequence[float | None]], /) -> Rows:
    """Rows of JSON as float64, ``null`` as NaN."""
    return np.array([[np.nan if value is None else value for value in row] for row in rows], dtype=np.float64)


def check_golden(model: RowModel, kept: Kept, /, *, exact: bool) -> None:
    """Raise where golden rows are answered otherwise than they were.

    Parameters
    ----------
    exact
        To the last bit; else within 1e-5 of the answer's size, for runtimes differ from machine to machine.

    Raises
    ------
    CorruptError
        Names the first row, what it should be and what it is.
    """
    golden: Mapping[str, Any] = kept.golden
    if not golden.get("rows"):
        return
    wanted, told = array(golden["answers"]), model.rows(array(golden["rows"]))
    same = (told == wanted) if exact else np.isclose(told, wanted, rtol=NEAR, atol=NEAR)
    if told.shape != wanted.shape or not same.all():
        at = int(np.argwhere(~same)[0][0]) if told.shape == wanted.shape else 0
        raise CorruptError(
            f"golden row {at} is answered {told[at].tolist()}, and must be {wanted[at].tolist()}; "
            "the model or the library it runs on is not what was registered: register it again"
        )


def probe_rows(signature: Signature, /, *, count: int = 64, seed: int = 0) -> Rows:
    """Rows to try a model with: defaults, every bound, usual numbers, every category, missing where that is allowed."""
    chance = np.random.default_rng(seed)
    columns = [_values(one) for one in signature.features]
    rows: Rows = np.array([[values[at % len(values)] for values in columns] for at in range(count)], dtype=np.float64)
    for at, values in enumerate(columns):
        rows[count // 4 :, at] = chance.choice(np.array(values), size=count - count // 4)
    return rows


def _values(feature: Feature) -> list[float]:
    if feature.categories:
        return [float(at) for at in range(len(feature.categories))]
    low = -np.inf if feature.low is None else feature.low
    high = np.inf if feature.high is None else feature.high
    found = [value for value in (*_USUAL, feature.low, feature.high) if value is not None and low <= value <= high]
    if feature.low is not None and feature.high is not None:
        found.append((feature.low + feature.high) / 2)
    if isinstance(feature.default, float):
        found.insert(0, feature.default)
    return found or [low if np.isfinite(low) else high]
