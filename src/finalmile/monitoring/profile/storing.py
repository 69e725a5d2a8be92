"""Profiles as bytes: one compressed array file, columns end to end, no pickle."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from finalmile.errors import CorruptError
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.profile.columns import CategoryColumn, Column, NumberColumn, OtherColumn
from finalmile.monitoring.profile.table import Table

LAYOUT = 1
_DAMAGED = (
    ValueError,
    OSError,
    LookupError,
    EOFError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading bytes that were changed has been seen to raise: a flipped bit can ask for any kind of archive."""
_NUMBER = ("rows", "missing", "infinite", "zeros", "negative", "mean", "squares", "low", "high")


def to_bytes(rows: int, columns: Sequence[Column]) -> bytes:
    """Rows and columns as an ``npz``: a header of text and the tables of all columns end to end."""
    tables = [column.table for column in columns if isinstance(column, NumberColumn)]
    header = {"layout": LAYOUT, "rows": rows, "columns": [_described(column) for column in columns]}
    out = io.BytesIO()
    np.savez_compressed(
        out,
        header=np.frombuffer(json.dumps(header).encode(), dtype=np.uint8),
        knots=_joined([table.knots for table in tables]),
        at=_joined([table.at for table in tables]),
        between=_joined([table.between for table in tables]),
        sums=_joined([table.sums for table in tables]),
    )
    return out.getvalue()


def from_bytes(blob: bytes) -> tuple[int, tuple[Column, ...]]:
    """The inverse of :func:`to_bytes`.

    Raises
    ------
    CorruptError
        The bytes are no profile, or one of another layout.
    """
    try:
        with np.load(io.BytesIO(blob), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        header: dict[str, Any] = json.loads(arrays["header"].tobytes())
        layout = header["layout"]
        columns = _columns(header["columns"], arrays) if layout == LAYOUT else ()
    except _DAMAGED as fault:
        raise CorruptError(f"the profile cannot be read ({fault}); profile the reference again") from fault
    if layout != LAYOUT:
        raise CorruptError(f"the profile has layout {layout}, this program reads {LAYOUT}; profile the reference again")
    return int(header["rows"]), columns


def _described(column: Column) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": column.kind, "name": column.name, "dtype": column.dtype}
    if isinstance(column, NumberColumn):
        return (
            told
            | {key: getattr(column, key) for key in _NUMBER}
            | {
                "knots": len(column.table.knots),
                "error": column.table.error,
            }
        )
    told |= {"rows": column.rows, "missing": column.missing}
    if isinstance(column, CategoryColumn):
        counts = column.counts.astype(np.int64).tolist()
        return told | {
            "names": list(column.names),
            "counts": counts,
            "other": column.other,
            "distinct": column.distinct,
        }
    return told | {"low": column.low, "high": column.high}


def _columns(described: Sequence[dict[str, Any]], arrays: dict[str, Any]) -> tuple[Column, ...]:
    columns: list[Column] = []
    at, numbers = 0, 0
    for one in described:
        if one["kind"] == "number":
            columns.append(_number(one, arrays, at=at, gap=at + numbers))
            at, numbers = at + one["knots"], numbers + 1
        else:
            columns.append(_counted(one))
    return tuple(columns)


def _number(one: dict[str, Any], arrays: dict[str, Any], *, at: int, gap: int) -> NumberColumn:
    k = int(one["knots"])
    table = Table(
        knots=arrays["knots"][at : at + k],
        at=arrays["at"][at : at + k],
        between=arrays["between"][gap : gap + k + 1],
        sums=arrays["sums"][gap : gap + k + 1],
        error=one["error"],
    )
    return NumberColumn(name=one["name"], dtype=one["dtype"], table=table, **{key: one[key] for key in _NUMBER})


def _counted(one: dict[str, Any]) -> CategoryColumn | OtherColumn:
    same = {key: one[key] for key in ("name", "dtype", "rows", "missing")}
    if one["kind"] == "other":
        return OtherColumn(**same, low=one["low"], high=one["high"])
    return CategoryColumn(
        **same,
        names=tuple(one["names"]),
        counts=np.array(one["counts"], dtype=np.float64),
        other=one["other"],
        distinct=one["distinct"],
    )


def _joined(arrays: Sequence[Doubles]) -> Doubles:
    joined: Doubles = np.concatenate([*arrays, np.zeros(0)])
    return joined
