"""CSV of ``/invocations``: columns by name where a header names them, by position where none does."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any, Literal

import numpy as np

from finalmile.serving.asking import FIELDS
from finalmile.serving.board import Limits
from finalmile.serving.cells import named_cells, read_cell, texts_of
from finalmile.serving.signature import Feature
from finalmile.web.replies import RefusedError

Header = Literal["present", "absent", ""]
Told = tuple[str, object, str]
"""Place of a row, what it says, and why it says nothing that can be used; empty where it does."""

OWN = tuple(name for name in FIELDS if name != "features")
_ABSENT = (
    "Where the first line is no header, send exactly the features in this order, as numbers, or say ?header=absent"
)
_LISTED = 20
_MOST_NAMES = 20_000


def read_rows(body: bytes, features: Sequence[Feature], limits: Limits, *, header: Header) -> tuple[list[Told], bool]:
    """Rows of a CSV body, and whether its first line names the columns.

    A line is a header where any of its cells is neither a number, nor empty, nor a category that may stand there.
    Its names are then what counts, in whatever order; rows without one hold exactly the declared features.

    Parameters
    ----------
    header
        What the caller says of the first line; empty where nothing was said.

    Raises
    ------
    RefusedError
        400 where it is no CSV or a header names what the model does not take, 413 for too many rows or cells.
    """
    rows = _cut(body, features, limits, header)
    named = bool(rows) and _is_header(rows[0], features, header)
    columns = [cell.strip() for cell in rows[0]] if named else None
    data = rows[1:] if named else rows
    if len(data) > limits.rows:
        message = f"more than {limits.rows} records; at most {limits.rows} at once, more through a batch"
        raise RefusedError(413, "too_many", message)
    texts = texts_of(features)
    told = [_in_order(row, features) if columns is None else named_cells(row, columns, texts=texts) for row in data]
    return [(f"row {at}", said, why) for at, (said, why) in enumerate(told, start=1)], named


def written(told: Sequence[dict[str, Any]], *, header: bool) -> bytes:
    """A line for each record, of one width: means of its periods, then of each quantile; an error in the first cell.

    Columns are ``mean`` and the quantiles; where any record has several periods, ``mean_1``, ``mean_2`` and so on. A
    record with fewer periods than others leaves the rest empty.

    Examples
    --------
    >>> print(written([{"mean": [1.0, 2.0]}, {"mean": [3.0]}], header=True).decode(), end="")
    mean_1,mean_2
    1.0,2.0
    3.0,
    """
    good = [one for one in told if "error" not in one]
    names = ["mean", *dict.fromkeys(name for one in good for name in one.get("quantiles", {}))]
    longest = max((np.size(one["mean"]) for one in good), default=1)
    several = any(np.ndim(one["mean"]) for one in good)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if header:
        writer.writerow([f"{name}_{at + 1}" if several else name for name in names for at in range(longest)])
    for one in told:
        cells = [f"error: {one['error']['message']}"] if "error" in one else _cells(one, names, longest)
        writer.writerow(cells + [""] * (len(names) * longest - len(cells)))
    return out.getvalue().encode()


def _cells(one: dict[str, Any], names: Sequence[str], longest: int) -> list[Any]:
    cells: list[Any] = []
    for name in names:
        values = one["mean"] if name == "mean" else one.get("quantiles", {}).get(name, [])
        part = np.ravel(values).tolist()
        cells += part + [""] * (longest - len(part))
    return cells


def _cut(body: bytes, features: Sequence[Feature], limits: Limits, header: Header) -> list[list[str]]:
    end = body.find(b"\n")
    if body.count(b",", 0, len(body) if end < 0 else end) > _MOST_NAMES:
        raise RefusedError(413, "too_many", f"the first line holds more than {_MOST_NAMES} cells")
    try:
        text = body.decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""))
        first = next(reader, None)
        if first is None:
            return []
        if _is_header(first, features, header):
            check_names([cell.strip() for cell in first], features)
        _check_size(body, len(features))
        return [first, *islice(reader, limits.rows + 1)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise RefusedError(400, "malformed", f"the body is not CSV in UTF-8: {error}") from None


def _check_size(body: bytes, width: int) -> None:
    lines, cells = body.count(b"\n") + body.count(b"\r") + 1, body.count(b",")
    if cells > lines * (width + len(FIELDS)):
        raise RefusedError(413, "too_many", f"{cells} commas in {lines} lines; the model takes {width} features")


def _is_header(row: Sequence[str], features: Sequence[Feature], header: Header) -> bool:
    if header:
        return header == "present"
    if not features:
        return len(row) > 1 or (len(row) == 1 and row[0].strip() in OWN)
    fits = len(row) == len(features)
    return any(not _is_value(cell.strip(), features[at].categories if fits else ()) for at, cell in enumerate(row))


def _is_value(cell: str, categories: Collection[str]) -> bool:
    if not cell or cell in categories:
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return True


def check_names(columns: Sequence[str], features: Sequence[Feature], *, mend: str = _ABSENT) -> None:
    """Refuse a header with names that the model does not take, or one name twice.

    Parameters
    ----------
    mend
        What else can be done about it.

    Raises
    ------
    RefusedError
        400 with every fault and what may be named.
    """
    known = [*(feature.name for feature in features), *OWN]
    faults: list[tuple[str, str]] = []
    for at, name in enumerate(columns):
        where = f"header, column {at + 1}"
        if not name:
            faults.append((where, f"column {at + 1} has no name; leave an index out (pandas: to_csv(index=False))"))
        elif name not in known:
            faults.append((where, f"{name[:60]!r} is no feature of the model.{_meant(name, known, columns)}"))
        elif name in columns[:at]:
            faults.append((where, f"{name[:60]!r} is named a second time"))
    if not faults:
        return
    names = [feature.name for feature in features] or ["unique_id"]
    right = ",".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
    wrong = "; ".join(what for _, what in faults[:5]) + (f" (and {len(faults) - 5} more)" if len(faults) > 5 else "")
    beside = ", ".join(one for one in OWN if one not in names)
    message = f"{wrong}. A header may name, in any order: {right}; beside them {beside}. {mend}".rstrip()
    raise RefusedError(400, "wrong_header", message, faults=faults)


def _meant(name: str, known: Sequence[str], columns: Sequence[str]) -> str:
    close = difflib.get_close_matches(name[:80], [one for one in known if one not in columns], n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _in_order(row: Sequence[str], features: Sequence[Feature]) -> tuple[object, str]:
    """What a row without a header says, and why it says nothing that can be used."""
    if not features:
        return ({"unique_id": row[0]}, "") if len(row) == 1 else (None, "must hold one unique_id")
    if len(row) != len(features):
        return None, f"has {len(row)} cells; the model takes {len(features)} features"
    cells = zip(features, row, strict=True)
    return {"features": {one.name: _value(cell, one) for one, cell in cells}}, ""


def _value(cell: str, feature: Feature) -> object:
    return (cell.strip() or None) if feature.categories else read_cell(cell)


def header_told(query: str, content_type: str) -> Header:
    """What a request says of its first line: ``?header=`` before the parameter of its content type.

    Raises
    ------
    RefusedError
        400 for anything but present and absent.

    Examples
    --------
    >>> header_told("", "text/csv; charset=utf-8; header=present"), header_told("absent", "text/csv")
    ('present', 'absent')
    """
    told = query or parameter(content_type, "header")
    if told == "present" or told == "absent" or told == "":
        return told  # type: ignore[return-value]  # one of the three
    raise RefusedError(400, "malformed", f"header is {told[:40]!r}; it must be present or absent")


def parameter(media: str, name: str) -> str:
    """A parameter of a media type, in small letters; empty without it."""
    parts = (part.partition("=") for part in media.split(";")[1:])
    return next((value.strip().strip('"').lower() for key, _, value in parts if key.strip().lower() == name), "")
