"""Cells of a table of records: the same text means the same in a CSV body and in a batch."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence

import orjson

from finalmile.errors import SchemaError
from finalmile.serving.asking import FIELDS
from finalmile.serving.signature import Feature

TEXTS = ("unique_id", "ds")
"""Columns of a record that are text however they look: product 007 is not product 7."""

_OWN = frozenset(FIELDS)


def read_cell(cell: str, name: str = "", *, texts: Collection[str] = ()) -> object:
    """A cell as a number or a list where it is one, and else as text; nothing stands for ``None``.

    Parameters
    ----------
    name
        Its column.
    texts
        Columns beside ``unique_id`` and ``ds`` that are text however they look.

    Examples
    --------
    >>> read_cell("007", "unique_id"), read_cell("007", "price"), read_cell("2026", "ds"), read_cell(" ", "price")
    ('007', 7.0, '2026', None)
    >>> read_cell("7.0", "horizon"), read_cell("7.9", "horizon"), read_cell("[0.5, 0.9]", "quantiles")
    (7, 7.9, [0.5, 0.9])
    """
    text = cell.strip()
    if not text:
        return None
    if name in TEXTS or name in texts or text.count("[") + text.count("{") > 1:
        return text
    for read in (orjson.loads, float):
        try:
            return whole(read(text)) if name == "horizon" else read(text)
        except ValueError:
            continue
    return text


def whole(value: object) -> object:
    """A number of periods as tables write it, 7.0, as the 7 that it is; whatever else it is stays so."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def texts_of(features: Sequence[Feature]) -> frozenset[str]:
    """Features that are text however they look: those with categories."""
    return frozenset(feature.name for feature in features if feature.categories)


def cut(line: str, /) -> list[str]:
    """Cells of one line of CSV; ``csv.Error`` where a quote does not end, or something follows one."""
    return next(csv.reader([line], strict=True))


def header_of(line: bytes, /) -> list[str]:
    """Names of the columns in the first line of CSV.

    Raises
    ------
    SchemaError
        It is no CSV in UTF-8.

    Examples
    --------
    >>> header_of(b"unique_id, price")
    ['unique_id', 'price']
    """
    try:
        return [cell.strip() for cell in cut(line.decode("utf-8-sig"))]
    except (UnicodeDecodeError, csv.Error) as error:
        raise SchemaError("the upload", [f"its first line names no columns of CSV in UTF-8: {error}"]) from None


def named_cells(
    row: Sequence[str], columns: Sequence[str], *, texts: Collection[str] = ()
) -> tuple[dict[str, object] | None, str]:
    """What a row says by the names of its columns, or why it says nothing; empty cells are left out.

    Examples
    --------
    >>> named_cells(["007", "2.5", ""], ["unique_id", "price", "ds"])
    ({'unique_id': '007', 'price': 2.5}, '')
    >>> named_cells(["007"], ["unique_id", "price"])
    (None, 'has 1 cells; the header names 2')
    """
    if len(row) != len(columns):
        return None, f"has {len(row)} cells; the header names {len(columns)}"
    return {name: read_cell(cell, name, texts=texts) for name, cell in zip(columns, row, strict=True) if cell}, ""


def gathered(told: Mapping[str, object]) -> dict[str, object]:
    """A record whose features may stand beside ``unique_id``, as in a table.

    Examples
    --------
    >>> gathered({"unique_id": "milk", "price": 2.5})
    {'unique_id': 'milk', 'features': {'price': 2.5}}
    >>> gathered({"unique_id": "milk", "features": [2.5]})
    {'unique_id': 'milk', 'features': [2.5]}
    """
    if "features" in told or _OWN.issuperset(told):
        return dict(told)
    return {
        **{name: value for name, value in told.items() if name in _OWN},
        "features": {name: value for name, value in told.items() if name not in _OWN},
    }
