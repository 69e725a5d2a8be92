"""Many series side by side: what forecasters, monitors and policies compute on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from finalmile.frames.periods import Frequency, IntArray

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
NameArray = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Sales of ``n`` series over ``T`` periods, as known at a cutoff, and what is known of the periods after it.

    Columns are periods, oldest first; column ``T - 1`` is the cutoff, the last period whose sales are known.
    Covariates reach ``ahead`` columns further.

    Parameters
    ----------
    ids : array of shape (n,)
        ``unique_id`` of each row, sorted, without repeats.
    frequency
        Length of a period.
    first
        Period number (:meth:`Frequency.index`) of column 0.
    y : array of shape (n, T), float32
        Units sold. NaN before a series is listed and wherever nothing is known; a period without a row between
        listing and cutoff is a zero.
    censored : array of shape (n, T), bool
        True where a stock-out made ``y`` a lower bound of demand.
    covariates : mapping of name to array of shape (n, T + ahead), float32
        Price, promotion and whatever else was given, by name. Past the cutoff only what was known then; NaN where
        unknown.
    statics : mapping of name to array of shape (n,), str
        Hierarchy values: category, region, supplier.
    """

    ids: NameArray
    frequency: Frequency
    first: int
    y: FloatArray
    censored: BoolArray
    covariates: Mapping[str, FloatArray] = field(default_factory=dict[str, FloatArray])
    statics: Mapping[str, NameArray] = field(default_factory=dict[str, NameArray])

    @property
    def n(self) -> int:
        """Number of series."""
        return len(self.y)

    @property
    def length(self) -> int:
        """Number of periods up to the cutoff."""
        return int(self.y.shape[1])

    @property
    def cutoff(self) -> int:
        """Period number of the last known column."""
        return self.first + self.length - 1

    @property
    def ahead(self) -> int:
        """Periods past the cutoff that covariates reach; 0 without covariates."""
        widths = [values.shape[1] for values in self.covariates.values()]
        return min(widths) - self.length if widths else 0

    @property
    def listed_at(self) -> IntArray:
        """Column of each series' first known period, shape (n,); ``length`` where it has none."""
        known = ~np.isnan(self.y)
        return np.where(known.any(axis=1), known.argmax(axis=1), self.length).astype(np.int64)

    def at(self, cutoff: int, *, ahead: int = 0) -> Panel:
        """The same panel as it stood at an earlier cutoff: sales after it are gone, series not yet listed too.

        Parameters
        ----------
        cutoff
            Period number; at most :attr:`cutoff`.
        ahead
            Columns of covariates to keep past the new cutoff. Only ask for those that were known then: the
            columns of a panel built from plain sales rows were not, and 0 drops them all.
        """
        columns = cutoff - self.first + 1
        if not 0 < columns <= self.length:
            raise ValueError(f"cutoff {cutoff} is outside {self.first}..{self.cutoff}")
        keep = np.flatnonzero(self.listed_at < columns)
        cut = replace(
            self,
            y=self.y[:, :columns],
            censored=self.censored[:, :columns],
            covariates={name: values[:, : columns + ahead] for name, values in self.covariates.items()},
        )
        return cut if len(keep) == self.n else cut.take(keep)

    def take(self, rows: IntArray) -> Panel:
        """Only these series, in this order of row numbers."""
        return replace(
            self,
            ids=self.ids[rows],
            y=self.y[rows],
            censored=self.censored[rows],
            covariates={name: values[rows] for name, values in self.covariates.items()},
            statics={name: values[rows] for name, values in self.statics.items()},
        )

    def last(self, periods: int) -> Panel:
        """Only the last ``periods`` columns before the cutoff (all covariate columns past it stay)."""
        drop = max(0, self.length - periods)
        return replace(
            self,
            first=self.first + drop,
            y=self.y[:, drop:],
            censored=self.censored[:, drop:],
            covariates={name: values[:, drop:] for name, values in self.covariates.items()},
        )

    def demand(self) -> FloatArray:
        """``y`` with censored periods as NaN: what may be learned from and judged by."""
        return np.where(self.censored, np.float32(np.nan), self.y)

    def periods(self, *, ahead: int = 0) -> pl.Series:
        """``ds`` of every column, and of ``ahead`` columns more."""
        return self.frequency.start(np.arange(self.first, self.cutoff + 1 + ahead))


def panel_from_sales(
    sales: pl.DataFrame,
    *,
    frequency: Frequency,
    cutoff: int,
    periods: int | None = None,
    future: pl.DataFrame | None = None,
    ahead: int = 0,
    covariates: Sequence[str] = (),
    items: pl.DataFrame | None = None,
    statics: Sequence[str] = (),
    listed: Mapping[str, int] | None = None,
    gaps_are_zero: bool = True,
) -> Panel:
    """Pivot long frames into a :class:`Panel`, seeing nothing after the cutoff but ``future``.

    Parameters
    ----------
    sales
        ``unique_id, ds, y``, optional ``censored`` and covariate columns; one row per key. Rows after the cutoff
        are ignored, whatever they hold. A series is listed from its first row that is not censored or not 0: out
        of stock before that is not there yet, and neither zero nor censored.
    frequency, cutoff
        Period length, and period number of the last column.
    periods
        Columns to keep; all by default.
    future
        ``unique_id, ds`` and covariate columns, as known at the cutoff; fills what the sales rows leave
        unknown.
    ahead
        Covariate columns past the cutoff.
    covariates, statics
        Which columns to carry.
    listed
        Period in which each ``unique_id`` was listed, where ``sales`` starts later than the series do.
    gaps_are_zero
        Whether a period without a row between listing and cutoff sold nothing; else it is unknown.
    items
        ``unique_id`` and hierarchy columns; ids without a row get ``""``.
    """
    number = frequency.index(sales["ds"])
    seen = sales.filter(pl.Series(number <= cutoff))
    number = number[number <= cutoff]
    known, codes = _coded(seen["unique_id"])
    sold = known
    if listed is not None:
        before = [name for name, period in listed.items() if period <= cutoff]
        known = pl.concat([known, pl.Series(known.name, before, dtype=pl.String)]).unique()
    ids: NameArray = known.sort().to_numpy().astype(object)
    first = int(number.min()) if len(number) else cutoff
    if periods is not None:
        first = max(first, cutoff - periods + 1)
    length = cutoff - first + 1
    rows = _row_numbers(sold, ids)[codes]
    inside = number >= first
    at = (rows[inside], number[inside] - first)

    y = np.full((len(ids), length), np.nan, dtype=np.float32)
    y[at] = seen["y"].cast(pl.Float32).to_numpy()[inside]
    there = _there(seen)
    began = np.full(len(ids), np.iinfo(np.int64).max)
    np.minimum.at(began, rows[there], number[there])
    if listed is not None:
        began = np.minimum(began, [listed.get(name, int(seen)) for name, seen in zip(ids, began, strict=True)])
    after = np.arange(first, cutoff + 1) >= began[:, None]
    y[~after] = np.nan
    if gaps_are_zero:
        y[np.isnan(y) & after] = 0.0

    censored = np.zeros(y.shape, dtype=np.bool_)
    if "censored" in seen.columns:
        censored[at] = seen["censored"].fill_null(value=False).to_numpy()[inside]
        censored &= after
    panel = Panel(
        ids=ids,
        frequency=frequency,
        first=first,
        y=y,
        censored=censored,
        covariates={name: _spread(name, seen, at=at, inside=inside, shape=y.shape) for name in covariates},
        statics={name: _static(name, ids, items) for name in statics},
    )
    return panel if future is None and not ahead else with_future(panel, future, ahead=ahead, covariates=covariates)


def with_future(panel: Panel, future: pl.DataFrame | None, *, ahead: int, covariates: Sequence[str]) -> Panel:
    """The panel with these covariates, ``ahead`` columns past its cutoff, filled from ``future`` where unknown.

    Parameters
    ----------
    future
        ``unique_id, ds`` and covariate columns, as known at the cutoff; ids and periods outside the panel are left
        out, and nothing that the panel knows is changed.
    covariates
        Which ones the panel then carries, in this order; one that nobody told is NaN throughout.
    """
    shape = (panel.n, panel.length + ahead)
    wide = {name: _reaching(panel.covariates.get(name), shape) for name in covariates}
    if future is not None and not wide.keys().isdisjoint(future.columns):
        rows = _row_numbers(future["unique_id"], panel.ids)
        columns = panel.frequency.index(future["ds"]) - panel.first
        fits = (rows >= 0) & (columns >= 0) & (columns < shape[1])
        for name in wide.keys() & set(future.columns):
            _fill(wide[name], future[name], rows=rows, columns=columns, fits=fits)
    return replace(panel, covariates=wide)


def _there(sales: pl.DataFrame) -> BoolArray:
    """True where a row shows that its series is listed."""
    if "censored" not in sales.columns:
        return np.ones(len(sales), dtype=np.bool_)
    there: BoolArray = (~sales["censored"].fill_null(value=False) | (sales["y"] != 0)).to_numpy()
    return there


def _coded(unique_id: pl.Series) -> tuple[pl.Series, IntArray]:
    """The distinct names, and the place of each row's name among them: names of many rows are compared only once."""
    coded = unique_id.cast(pl.String).cast(pl.Categorical)
    distinct = coded.unique()
    numbers = distinct.to_physical().to_numpy()
    place = np.zeros(int(numbers.max(initial=0)) + 1, dtype=np.int64)
    place[numbers] = np.arange(len(numbers))
    return distinct.cast(pl.String), place[coded.to_physical().to_numpy()]


def _row_numbers(unique_id: pl.Series, ids: NameArray) -> IntArray:
    numbers = pl.DataFrame({"unique_id": pl.Series(ids, dtype=pl.String), "row": np.arange(len(ids))})
    wanted = unique_id.cast(pl.String).to_frame("unique_id")
    found: IntArray = (
        wanted.join(numbers, on="unique_id", how="left", maintain_order="left")["row"].fill_null(-1).to_numpy()
    )
    return found


def _spread(
    name: str, seen: pl.DataFrame, *, at: tuple[IntArray, IntArray], inside: BoolArray, shape: tuple[int, ...]
) -> FloatArray:
    wide = np.full(shape, np.nan, dtype=np.float32)
    if name in seen.columns:
        wide[at] = seen[name].cast(pl.Float32).to_numpy()[inside]
    return wide


def _reaching(values: FloatArray | None, shape: tuple[int, int]) -> FloatArray:
    """A copy of a covariate's values with as many columns as asked for, NaN where it has none."""
    wide = np.full(shape, np.nan, dtype=np.float32)
    if values is not None:
        wide[:, : values.shape[1]] = values
    return wide


def _fill(wide: FloatArray, told: pl.Series, *, rows: IntArray, columns: IntArray, fits: BoolArray) -> None:
    """Put what was told where nothing is known."""
    values: FloatArray = told.cast(pl.Float32).to_numpy()
    fits = fits & ~np.isnan(values)
    rows, columns, values = rows[fits], columns[fits], values[fits]
    unknown = np.isnan(wide[rows, columns])
    wide[rows[unknown], columns[unknown]] = values[unknown]


def _static(name: str, ids: NameArray, items: pl.DataFrame | None) -> NameArray:
    if items is None or name not in items.columns:
        return np.full(len(ids), "", dtype=object)
    frame = pl.DataFrame({"unique_id": pl.Series(ids, dtype=pl.String)})
    known = items.select(pl.col("unique_id").cast(pl.String), pl.col(name).cast(pl.String))
    joined = frame.join(known, on="unique_id", how="left", maintain_order="left")[name].fill_null("")
    return joined.to_numpy().astype(object)
