"""A pandas frame, with or without pyarrow beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from finalmile.monitoring.profile.readers.frames import FrameSource, distinct, storable


def from_pandas(frame: Any) -> FrameSource:
    """Column by column; what pandas calls missing is null, and mixed objects become text.

    Pandas allows several columns of one name: the second ``price`` is called ``price (2)``.
    """
    names = distinct([str(name) for name in frame.columns])
    return FrameSource(pl.DataFrame([_column(name, frame.iloc[:, at]) for at, name in enumerate(names)]))


def _column(name: str, column: Any) -> pl.Series:
    kind = getattr(column.dtype, "kind", "O")
    if isinstance(column.dtype, np.dtype) and kind in "iufbM":
        return pl.Series(name, storable(column.to_numpy()))
    missing = column.isna().to_numpy(dtype=bool)
    if kind in "iuf":
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return pl.Series(name, values).set(pl.Series(missing), None)
    if kind == "b":
        return pl.Series(name, [None if gone else bool(v) for v, gone in zip(column, missing, strict=True)])
    return pl.Series(name, [None if gone else str(v) for v, gone in zip(column, missing, strict=True)], pl.String)
