"""One column of one slice, measured."""

from __future__ import annotations

import numpy as np
import polars as pl

from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.profile.columns import (
    CategoryColumn,
    Column,
    Kind,
    NumberColumn,
    OtherColumn,
    category_column,
    number_column,
)
from finalmile.monitoring.profile.table import Table, count_in_chunks, finite_sorted

Series = pl.Series
_FIRST_MS, _LAST_MS = -62_135_510_400_000, 253_402_214_400_000  # of the years 1 to 9999, a day from their ends


def kind_of(dtype: pl.DataType) -> Kind:
    """How a column of a type is profiled: text, flags and categories by counts, numbers by quantiles."""
    if dtype.is_numeric():
        return "number"
    return "category" if isinstance(dtype, (pl.String, pl.Boolean, pl.Categorical, pl.Enum)) else "other"


@np.errstate(over="ignore", invalid="ignore")
def measured(column: Series, *, knots: int, names: int) -> Column:
    """The column by itself, with quantile knots of its own; ranks at them are exact."""
    kind = kind_of(column.dtype)
    if kind == "number":
        values = _values(column)
        table = Table.of(finite_sorted(values), knots=knots)
        return number_column(column.name, str(column.dtype), values, rows=len(column), table=table)
    return _categories(column, names=names) if kind == "category" else _other(column)


@np.errstate(over="ignore", invalid="ignore")
def exactly(column: Series) -> Column:
    """The column with every distinct value kept."""
    kind = kind_of(column.dtype)
    if kind == "number":
        values = _values(column)
        table = Table.exact(finite_sorted(values))
        return number_column(column.name, str(column.dtype), values, rows=len(column), table=table)
    return _categories(column, names=len(column)) if kind == "category" else _other(column)


@np.errstate(over="ignore", invalid="ignore")
def held_against(reference: Column, column: Series) -> Column:
    """The column counted at the knots, or by the names, of its reference; new names are kept too, up to as many."""
    kind = kind_of(column.dtype)
    if isinstance(reference, NumberColumn) and kind == "number":
        values = _values(column)
        table = count_in_chunks(values, reference.table.knots)
        return number_column(column.name, str(column.dtype), values, rows=len(column), table=table)
    if isinstance(reference, CategoryColumn) and kind == "category":
        return _named(reference, column)
    return measured(column, knots=100, names=100)


@np.errstate(over="ignore", invalid="ignore")
def added(one: Column, other: Column) -> Column:
    """Two slices of a column that were held against the same reference, in one."""
    if isinstance(one, NumberColumn) and isinstance(other, NumberColumn):
        return one.joined(other, one.table.plus(other.table))
    if isinstance(one, CategoryColumn) and isinstance(other, CategoryColumn):
        return one.joined(other, names=max(len(one.names), len(other.names)) + 1000)
    assert isinstance(one, OtherColumn)
    assert isinstance(other, OtherColumn)
    return one.joined(other)


def _values(column: Series) -> Doubles:
    """Values that are neither null nor NaN."""
    known = column.drop_nulls() if column.null_count() else column
    doubles = known if known.dtype == pl.Float64 else known.cast(pl.Float64)
    values: Doubles = doubles.to_numpy()
    gone = values != values
    return values[~gone] if gone.any() else values


def _counts(column: Series) -> dict[str, float]:
    known = column.drop_nulls() if column.null_count() else column
    counted = known.value_counts(name="_rows_")
    names = counted.get_column(counted.columns[0]).cast(pl.String)
    return dict(zip(names.to_list(), counted.get_column("_rows_").cast(pl.Float64).to_list(), strict=True))


def _categories(column: Series, *, names: int) -> CategoryColumn:
    return category_column(
        column.name, str(column.dtype), _counts(column), rows=len(column), missing=column.null_count(), names=names
    )


def _named(reference: CategoryColumn, column: Series) -> CategoryColumn:
    """Reference names first, whatever their rank; then the most frequent new ones."""
    counts = _counts(column)
    known = {name: counts.pop(name, 0.0) for name in reference.names}
    fresh = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[: len(known) + 100]
    return category_column(
        column.name,
        str(column.dtype),
        known | dict(fresh),
        rows=len(column),
        missing=column.null_count(),
        names=len(known) + len(fresh),
        distinct=len(counts) + sum(count > 0 for count in known.values()),
    )


def _other(column: Series) -> OtherColumn:
    ends = _ends(column) if column.dtype.is_temporal() and column.null_count() < len(column) else ("", "")
    return OtherColumn(
        name=column.name,
        dtype=str(column.dtype),
        rows=len(column),
        missing=column.null_count(),
        low=ends[0],
        high=ends[1],
    )


def _ends(column: Series) -> tuple[str, str]:
    """First and last of times as text; times beyond the calendar, as databases write an infinite date, are none."""
    if isinstance(column.dtype, pl.Date | pl.Datetime):
        known = column.cast(pl.Datetime("ms", _zone(column))).to_physical()
        column = column.filter(known.is_between(_FIRST_MS, _LAST_MS).fill_null(value=False))
    return (str(column.min()), str(column.max())) if len(column) else ("", "")


def _zone(column: Series) -> str | None:
    return column.dtype.time_zone if isinstance(column.dtype, pl.Datetime) else None
