"""What the columns are that nobody declared: numbers that move, words that move, or places in the hierarchy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import polars as pl

from finalmile.frames.casting import Cast, with_point
from finalmile.frames.faults import Faults

Role = Literal["number", "text", "hierarchy"]

_MOVING = re.compile(
    r"event|holiday|promo|weather|campaign|snap|reason|comment|^(?:day|week|month|date|time|year|hour|order|invoice|price)_",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"(?:^|_)(?:id|code|category|cat|department|dept|division|group|family|class|brand|region|state|country|city"
    r"|county|format|segment|channel|supplier|vendor|warehouse|cluster|assortment|type|product|item|sku|store|location)$",
    re.IGNORECASE,
)


def named_role(name: str, dtype: pl.DataType) -> Role | None:
    """Role that the name and the type alone decide, ``None`` where the values have to.

    Examples
    --------
    >>> named_role("store_id", pl.Int32()), named_role("price", pl.Float32()), named_role("event", pl.String())
    ('hierarchy', 'number', 'text')
    """
    words = isinstance(dtype, (pl.String, pl.Null, pl.Categorical, pl.Enum))
    if _MOVING.search(name):
        return "text" if words else "number"
    if _PLACE.search(name) and (words or dtype.is_integer()):
        return "hierarchy"
    return None if words else "number"


def role_of(series: pl.Series, *, ids: pl.Series, known: Mapping[str, Role]) -> Role | None:
    """Role of a column: as it was before, else by its name, else by its values; ``None`` where all are empty.

    Words that never change within a series are hierarchy, if at least one series has two rows to tell it by.
    """
    if series.name in known:
        return known[series.name]
    role = named_role(series.name, series.dtype)
    if role is not None:
        return role
    if series.null_count() == len(series):
        return None
    if series.null_count():
        return "text"
    frame = pl.DataFrame({"id": ids, "value": series.cast(pl.String)})
    distinct = frame.unique()
    once = distinct["id"].n_unique() == len(distinct)
    return "hierarchy" if once and 2 * len(distinct) <= len(frame) else "text"


def typed(series: pl.Series, how: Cast | None = None) -> pl.Series:
    """A column read from a file without types, as numbers or truths where every value is one.

    Examples
    --------
    >>> typed(pl.Series(["1.5", ""])).dtype, typed(pl.Series(["TX", "1"])).dtype
    (Float64, String)
    >>> typed(pl.Series(["1,5", ""]), Cast(decimal_comma=True)).to_list()
    [1.5, None]
    """
    if series.dtype != pl.String:
        return series
    text = series.str.strip_chars()
    text = text.set(text.is_in(["", "NA", "NaN", "nan", "null", "NULL", "None"]), None)
    if text.null_count() == len(text):
        return text
    digits = with_point(text) if how is not None and how.decimal_comma else text
    for dtype in (pl.Int64, pl.Float64):
        numbers = digits.cast(dtype, strict=False)
        if numbers.null_count() == text.null_count():
            return numbers
    lower = text.str.to_lowercase()
    if lower.drop_nulls().is_in(["true", "false"]).all():
        return (lower == "true").alias(series.name)
    return text


def as_covariate(series: pl.Series, role: Role, *, how: Cast, faults: Faults) -> pl.Series:
    """The column as it is kept beside its row: words, or 32-bit numbers.

    Where numbers are needed, words count as 1 where something is written and 0 where nothing is.
    """
    if role == "number":
        return how(series, "number", faults=faults).cast(pl.Float32)
    return how(series, "text", faults=faults)


def first_seen(frame: pl.DataFrame, places: Sequence[str], *, notes: list[str]) -> pl.DataFrame:
    """``unique_id`` and each attribute as the earliest row tells it; the frame is sorted by series and time.

    Later values are not looked at, so that a series is not described by what only happened afterwards.
    """
    same = frame["unique_id"] == frame["unique_id"].shift(1)
    first = frame.select("unique_id").filter(~same.fill_null(value=False))
    for place in places:
        first = first.with_columns(_first_told(frame, place, first, notes))
    return first


def _first_told(frame: pl.DataFrame, place: str, ids: pl.DataFrame, notes: list[str]) -> pl.Series:
    told = frame.select("unique_id", place)
    told = told.filter(told[place].is_not_null()) if told[place].null_count() else told
    same = (told["unique_id"] == told["unique_id"].shift(1)).fill_null(value=False)
    other = (told[place] != told[place].shift(1)) & same
    if other.any():
        changed = told["unique_id"].filter(other).n_unique()
        notes.append(f"column {place!r} changes within {changed:,} series: the first value of each is kept")
    first = told.filter(~same)
    return (
        first[place]
        if len(first) == len(ids)
        else ids.join(first, on="unique_id", how="left", maintain_order="left")[place]
    )
