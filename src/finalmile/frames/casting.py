"""One column at a time into the type it should have; what cannot be, is told with its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from finalmile.frames.faults import Faults

ColumnType = Literal["text", "number", "flag", "period", "date", "instant"]

_MISSING = ("", "na", "n/a", "nan", "null", "none", "<na>", "nat")
_TRUE = ("true", "t", "yes", "y", "1", "1.0")
_FALSE = ("false", "f", "no", "n", "0", "0.0")
_ISO_TIMES = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y")
_COMMA_NUMBER = r"^[+-]?(\d{1,3}(\.\d{3})+|\d*)(,\d*)?([eE][+-]?\d+)?$"
_OFFSET = r"\s*(?:Z|[+-]\d{2}:?\d{2})$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """How to read a column.

    Parameters
    ----------
    date_format
        ``strptime`` format of dates written as text, where they are not ISO dates.
    decimal_comma
        Numbers written as text use a comma for the decimal sign; points may only part thousands.
    right
        What would be right where a value is no number.
    """

    date_format: str | None = None
    decimal_comma: bool = False
    right: str = ""

    def __call__(self, series: pl.Series, to: ColumnType, *, faults: Faults) -> pl.Series:
        """The column in its type, null where it is missing or could not be read."""
        if isinstance(series.dtype, (pl.Categorical, pl.Enum)):
            series = series.cast(pl.String)
        return _CASTS[to](series, self, faults)


def _text(series: pl.Series, how: Cast, faults: Faults) -> pl.Series:
    del how
    if series.dtype.is_float():
        whole = series.cast(pl.Int64, strict=False)
        written = pl.select(pl.when(whole.cast(pl.Float64) == series).then(whole.cast(pl.String)))
        out = written.to_series().fill_null(series.cast(pl.String))
        return out.set(series.is_nan().fill_null(value=False), None).alias(series.name)
    if series.dtype == pl.String:
        stripped = series.str.strip_chars()
        return stripped.set(stripped == "", None) if (stripped == "").any() else stripped
    if series.dtype.is_nested() or isinstance(series.dtype, (pl.Binary, pl.Object)):
        faults.say(series.name, f"is {series.dtype}, not text", mend="give text or whole numbers")
        return pl.Series(series.name, [None] * len(series), dtype=pl.String)
    return series.cast(pl.String)


def _number(series: pl.Series, how: Cast, faults: Faults) -> pl.Series:
    if series.dtype.is_numeric() or isinstance(series.dtype, (pl.Boolean, pl.Null)):
        return series.cast(pl.Float64)
    if series.dtype != pl.String:
        return _refuse(series, pl.Float64(), "a number", faults)
    text = series.str.strip_chars()
    out = with_point(text).cast(pl.Float64, strict=False) if how.decimal_comma else text.cast(pl.Float64, strict=False)
    bad = out.is_null() & _given(text)
    if bad.any():
        comma = text.filter(bad).str.contains(r"^-?[\d.]*,\d+$").any() and not how.decimal_comma
        mend = how.right or f"write numbers such as {'1,5 or 1.000,5' if how.decimal_comma else '1.5'}"
        if comma:
            mend = "if the comma is the decimal sign, say decimal_comma=True (--decimal-comma)"
        faults.add(
            series.name, "is not a number" if bad.sum() == 1 else "are not numbers", mend=mend, bad=bad, values=series
        )
    return out


def has_decimal_commas(series: pl.Series) -> bool:
    """Whether all that a column holds are numbers, and some are written with a decimal comma.

    Examples
    --------
    >>> [has_decimal_commas(pl.Series(told)) for told in (["3,50", "4", None], ["3", "4"], ["a, b", "3,5"], [3.5])]
    [True, False, False, False]
    """
    if series.dtype != pl.String:
        return False
    text = series.drop_nulls().str.strip_chars()
    text = text.filter(text != "")
    return bool(len(text) and text.str.contains(_COMMA_NUMBER).all() and text.str.contains(",", literal=True).any())


def with_point(text: pl.Series) -> pl.Series:
    """Numbers with a decimal comma, as they are written with a point; null where a point does not part thousands.

    Examples
    --------
    >>> with_point(pl.Series(["1,5", "1.000,5", "-2", "1.5"])).to_list()
    ['1.5', '1000.5', '-2', None]
    """
    plain = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    return plain.set(~text.str.contains(_COMMA_NUMBER).fill_null(value=True), None)


def _flag(series: pl.Series, how: Cast, faults: Faults) -> pl.Series:
    del how
    if isinstance(series.dtype, (pl.Boolean, pl.Null)):
        return series.cast(pl.Boolean)
    text = series.cast(pl.String, strict=False).str.strip_chars().str.to_lowercase()
    yes, no = text.is_in(_TRUE), text.is_in(_FALSE)
    bad = ~(yes | no) & _given(text)
    faults.add(series.name, "are neither true nor false", mend="write true or false, or 1 or 0", bad=bad, values=series)
    return pl.select(pl.when(yes).then(statement=True).when(no).then(statement=False)).to_series().alias(series.name)


def _period(series: pl.Series, how: Cast, faults: Faults) -> pl.Series:
    """Naive local time; an aware time keeps what its own clock showed."""
    stamp = pl.Datetime("us")
    if isinstance(series.dtype, pl.Datetime):
        return series.dt.replace_time_zone(None).cast(stamp)
    if isinstance(series.dtype, (pl.Date, pl.Null)):
        return series.cast(stamp)
    if series.dtype.is_integer():
        series = series.cast(pl.String)
    if series.dtype != pl.String:
        return _refuse(series, stamp, "a date", faults)
    try:
        out = _read_times(series, how)
    except pl.exceptions.PolarsError:
        return _refuse(series, stamp, f"read by date_format={how.date_format!r}", faults)
    bad = out.is_null() & _given(series)
    if bad.any():
        slash = how.date_format is None and series.filter(bad).str.contains(r"^\s*\d{1,2}/\d{1,2}/\d{2,4}").any()
        mend = "write dates as 2024-03-31"
        mend += (
            ", or say which comes first: date_format='%d/%m/%Y' or '%m/%d/%Y' (--date-format)"
            if slash
            else " or give date_format"
        )
        faults.add(series.name, "are not dates", mend=mend, bad=bad, values=series)
    return out


def _read_times(series: pl.Series, how: Cast) -> pl.Series:
    stamp = pl.Datetime("us")
    distinct = series.unique()
    if how.date_format:
        read = distinct.str.to_datetime(how.date_format, strict=False, time_unit="us")
        if read.null_count() == len(read):
            read = distinct.str.to_date(how.date_format, strict=False).cast(stamp)
    else:
        text = distinct.str.strip_chars().str.replace("T", " ", literal=True)
        timed = text.str.contains(" ", literal=True)
        text = pl.select(pl.when(timed).then(text.str.replace(_OFFSET, "")).otherwise(text)).to_series()
        text = text.str.replace(r"^(\d{4}-\d{2})$", "${1}-01").str.replace(r"^(\S+ \d{1,2})$", "${1}:00")
        reads = [text.str.to_datetime(form, strict=False, time_unit="us") for form in _ISO_TIMES]
        reads += [text.str.to_date(form, strict=False).cast(stamp) for form in _DATES]
        read = pl.select(pl.coalesce(reads)).to_series()
    pairs = pl.DataFrame({"text": distinct, "read": read})
    joined = series.to_frame("text").join(pairs, on="text", how="left", maintain_order="left")
    return joined["read"].alias(series.name)


def _date(series: pl.Series, how: Cast, faults: Faults) -> pl.Series:
    return _period(series, how, faults).cast(pl.Date)


def _instant(series: pl.Series, how: Cast, faults: Faults) -> pl.Series:
    if isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone:
        return series.dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC"))
    if series.dtype == pl.String and how.date_format is None:
        aware = series.str.strip_chars().str.to_datetime(time_zone="UTC", time_unit="us", strict=False)
        if aware.null_count() == series.null_count():
            return aware
    return _period(series, how, faults).dt.replace_time_zone("UTC")


def _refuse(series: pl.Series, dtype: pl.DataType, wanted: str, faults: Faults) -> pl.Series:
    faults.say(series.name, f"is {series.dtype}, not {wanted}", mend=f"give {wanted} in every row")
    return pl.Series(series.name, [None] * len(series), dtype=dtype)


def _given(text: pl.Series) -> pl.Series:
    """True where something is written that does not say 'missing'."""
    return ~text.str.strip_chars().str.to_lowercase().is_in(_MISSING).fill_null(value=True)


_CASTS: Mapping[ColumnType, Callable[[pl.Series, Cast, Faults], pl.Series]] = {
    "text": _text,
    "number": _number,
    "flag": _flag,
    "period": _period,
    "date": _date,
    "instant": _instant,
}
