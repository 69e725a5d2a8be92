"""The rows of two windows: what was forecast, what came true, and what the rows can be told apart by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from finalmile.frames import BoolArray
from finalmile.monitoring.why.dimensions import BEYOND, Codes, Dimension, Doubles, category, number


@dataclass(frozen=True, slots=True, kw_only=True)
class LossRows:
    """Rows of a reference and of a current window. A row is a forecast that came true: a series in a period.

    Parameters
    ----------
    current : array of shape (n,), bool
        True for rows of the current window.
    loss : array of shape (n,)
        What a row lost, in units: absolute error; never negative, no NaN.
    exposure : array of shape (n,)
        What losses are divided by: units sold; never negative, no NaN. Loss over exposure of many rows is the WAPE.
    error : array of shape (n,)
        Forecast minus actual, in units; ``None`` where only losses are known, and then bias is not told.
    dimensions
        Attributes to tell rows apart by.
    series : array of shape (n,), int32
        Number of each row's series; ``None`` where rows are no series.
    period : array of shape (n,), int64
        Period number of each row; ``None`` where time is not known.
    """

    current: BoolArray
    loss: Doubles
    exposure: Doubles
    error: Doubles | None = None
    dimensions: tuple[Dimension, ...] = ()
    series: Codes | None = None
    period: npt.NDArray[np.int64] | None = None

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.loss)

    def take(self, rows: npt.NDArray[np.int64] | BoolArray) -> LossRows:
        """Only these rows."""
        return LossRows(
            current=self.current[rows],
            loss=self.loss[rows],
            exposure=self.exposure[rows],
            error=None if self.error is None else self.error[rows],
            dimensions=tuple(one.take(rows) for one in self.dimensions),
            series=None if self.series is None else self.series[rows],
            period=None if self.period is None else self.period[rows],
        )


def usable(rows: LossRows) -> LossRows:
    """Rows whose figures are numbers of units: finite and below 1e100; negative exposures (returns) count as 0."""
    fine = np.ones(rows.n, dtype=np.bool_)
    for one in _figures(rows):
        fine &= np.abs(one) < BEYOND
    kept = rows if fine.all() else rows.take(fine)
    if (kept.exposure < 0).any():
        clipped = np.maximum(kept.exposure, 0.0)
        return LossRows(
            current=kept.current,
            loss=kept.loss,
            exposure=clipped,
            error=kept.error,
            dimensions=kept.dimensions,
            series=kept.series,
            period=kept.period,
        )
    return kept


def beyond_units(rows: LossRows) -> int:
    """Rows with a figure that is known and yet no number of units: infinite, or 1e100 and more."""
    wrong = np.zeros(rows.n, dtype=np.bool_)
    for one in _figures(rows):
        wrong |= np.abs(one) >= BEYOND
    return int(np.count_nonzero(wrong))


def _figures(rows: LossRows) -> list[Doubles]:
    return [rows.loss, rows.exposure, *([] if rows.error is None else [rows.error])]


def rows_of(
    reference: pl.DataFrame,
    current: pl.DataFrame,
    *,
    actual: str = "y",
    forecast: str = "mean",
    by: Sequence[str] = (),
    series: str | None = "unique_id",
    period: str | None = "ds",
) -> LossRows:
    """Rows of two frames, one row per series and period in each.

    Parameters
    ----------
    actual, forecast
        Columns of units sold and units forecast; rows without either are left out.
    by
        Attributes: text columns are categories, numbers are cut into ranges read off the reference. All columns that
        are left by default.
    series, period
        Columns of the series and of the period's date or number; ``None``, or a name that is not there, for none.

    Examples
    --------
    >>> before = pl.DataFrame({"store": ["a", "b"], "y": [4.0, 2.0], "mean": [5.0, 2.0]})
    >>> told = rows_of(before, before.with_columns(mean=pl.col("mean") * 2))
    >>> told.loss.tolist(), told.exposure.tolist(), [one.name for one in told.dimensions]
    ([1.0, 0.0, 6.0, 2.0], [4.0, 2.0, 4.0, 2.0], ['store'])
    """
    both = pl.concat([reference, current], how="diagonal_relaxed")
    now = np.arange(both.height) >= reference.height
    taken = {actual, forecast, series, period}
    names = list(by) or [name for name in both.columns if name not in taken]
    units = both[actual].cast(pl.Float64).fill_null(np.nan).to_numpy()
    error = both[forecast].cast(pl.Float64).fill_null(np.nan).to_numpy() - units
    return usable(
        LossRows(
            current=now,
            loss=np.abs(error),
            exposure=units,
            error=error,
            dimensions=tuple(dimension_of(both[name], like=~now) for name in names),
            series=None if series is None or series not in both.columns else category(series, both[series]).codes,
            period=None if period is None or period not in both.columns else _periods(both[period]),
        )
    )


def dimension_of(column: pl.Series, /, *, like: BoolArray) -> Dimension:
    """A dimension of a column: a range for numbers, else a category."""
    if column.dtype.is_numeric():
        return number(column.name, column.cast(pl.Float64).fill_null(np.nan).to_numpy(), like=like)
    return category(column.name, column)


def _periods(column: pl.Series) -> npt.NDArray[np.int64]:
    whole = column.to_physical() if column.dtype.is_temporal() else column
    return whole.rank("dense").fill_null(0).to_numpy().astype(np.int64)
