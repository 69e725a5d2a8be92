"""Where names stand among sorted names."""

from __future__ import annotations

import numpy as np

from finalmile.frames.panel import NameArray
from finalmile.frames.periods import IntArray


def rows_in(ids: NameArray, wanted: NameArray) -> IntArray:
    """Row of each wanted id among sorted ``ids``, -1 where it is not there.

    Examples
    --------
    >>> rows_in(np.array(["a", "c"], dtype=object), np.array(["c", "b"], dtype=object))
    array([ 1, -1])
    """
    if not len(ids):
        return np.full(len(wanted), -1)
    at = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return np.where(ids[at] == wanted, at, -1)
