"""Values that are no figure of anybody's business, made small enough to be squared and summed."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from finalmile.metrics.scored import Floats

LARGEST = 1e60
_LARGEST_SINGLE = 1e30

Some = TypeVar("Some", bound=Floats)


def bounded(values: Some) -> Some:
    """The same values, those beyond 1e60 either way (1e30 in single precision) as that; NaN and infinity stay.

    Garbage in the data then gives a figure, and neither an overflow nor a NaN.

    Examples
    --------
    >>> bounded(np.array([3.0, -1e300, np.inf, np.nan])).tolist()
    [3.0, -1e+60, inf, nan]
    """
    most = LARGEST if values.dtype == np.float64 else _LARGEST_SINGLE
    sizes = np.abs(values)
    if not ((sizes > most) & np.isfinite(sizes)).any():
        return values
    kept: Some = np.where(np.isfinite(values), np.clip(values, -most, most), values).astype(values.dtype)  # type: ignore[assignment]
    return kept
