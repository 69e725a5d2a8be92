"""Why nothing can be said of a column in a look: it is gone, holds nothing, or something else than it did."""

from __future__ import annotations

import numpy as np
import polars as pl

from finalmile.frames import FloatArray
from finalmile.monitoring.inputs.categories import text
from finalmile.monitoring.inputs.columns import Column, Look, numbers
from finalmile.monitoring.inputs.state import InputState

_MOSTLY = 0.5


def unjudged(state: InputState, look: Look, group: int) -> str | None:
    """A sentence for a planner; ``None`` where the column can be judged, or is missing as it usually is."""
    column = state.columns[group - 1]
    values = look.columns.get(column.name)
    if values is None or not len(values):
        return _gone(column.name, rows=look.size)
    if _usually_missing(state, group):
        return None
    known = _known(column, values)
    if known is None:
        return (
            f"Column {column.name} holds something else than numbers, so nothing can be said of it; send numbers again "
            "or train with what it holds now."
        )
    if known:
        return None
    return (
        f"Column {column.name} has no value in any of {len(values):,} rows: all are missing or infinite, so nothing "
        "else can be said of it; look for the job that fills it."
    )


def _gone(name: str, *, rows: int) -> str:
    if not rows:
        return f"There is no row, so nothing can be said of {name}; look for the job that should have sent them."
    return f"Column {name} is gone from the rows, so nothing can be said of it; send it again or train without it."


def _usually_missing(state: InputState, group: int) -> bool:
    sizes = [len(column.scalars) for column in state.columns[: group - 1]]
    stream = 1 + sum(sizes) + state.columns[group - 1].scalars.index("null")
    return bool(state.usual[stream] > _MOSTLY)


def _known(column: Column, values: FloatArray | pl.Series) -> bool | None:
    """Whether there is any value; ``None`` where values are of another type."""
    if not column.numeric:
        return text(values).null_count() < len(values)
    try:
        return bool(np.isfinite(numbers(values)).any())
    except (ValueError, TypeError, pl.exceptions.PolarsError):
        return None
