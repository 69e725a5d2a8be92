"""Where names stand among sorted names."""

from __future__ import annotations

import numpy as np

from finalmile.frames.panel import NameArray
from finalmile.frames.periods import IntArray

_MANY = 2_000


def rows_by(names: NameArray) -> dict[str, IntArray]:
    """Rows of each name, ascending, by name in the order in which they first appear.

    Examples
    --------
    >>> {name: rows.tolist() for name, rows in rows_by(np.array(["b", "a", "b"], dtype=object)).items()}
    {'b': [0, 2], 'a': [1]}
    """
    found: dict[str, list[int]] = {}
    for row, name in enumerate(names.tolist()):
        found.setdefault(str(name), []).append(row)
    return {name: np.array(rows, dtype=np.int64) for name, rows in found.items()}


def rows_in(ids: NameArray, wanted: NameArray) -> IntArray:
    """Row of each wanted id among sorted ``ids``, -1 where it is not there.

    Examples
    --------
    >>> rows_in(np.array(["a", "c"], dtype=object), np.array(["c", "b"], dtype=object))
    array([ 1, -1])
    """
    if not len(ids):
        return np.full(len(wanted), -1)
    if len(wanted) > _MANY:
        known = {name: row for row, name in enumerate(ids.tolist())}
        return np.fromiter((known.get(name, -1) for name in wanted.tolist()), dtype=np.int64, count=len(wanted))
    at = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return np.where(ids[at] == wanted, at, -1)
