"""What was known at each moment of the past, for replays and accounts: no look ahead."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import numpy as np
import polars as pl

from finalmile.config import Config
from finalmile.errors import MissingInputError
from finalmile.frames import Frequency, IntArray, NameArray, Panel, panel_from_sales
from finalmile.frames.panel import FloatArray
from finalmile.ports import HistoryTable
from finalmile.workflows.known import (
    Holidays,
    covariate_names,
    end_of,
    hierarchy_names,
    numeric,
    sales_frequency,
    with_holidays,
)

_KEYS = ("unique_id", "ds")


def _later_versions(every: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """First version of each row, and the later ones in the order in which they became known."""
    first = every.with_row_index("version__").unique(_KEYS, keep="first", maintain_order=True)
    if first.height == every.height:
        return every, every.clear()
    later = every.with_row_index("version__").join(first.select("version__"), on="version__", how="anti")
    return first.drop("version__"), later.drop("version__")


def _revisions(later: pl.DataFrame) -> pl.DataFrame:
    """What later versions say of sales."""
    told = later if "censored" in later.columns else later.with_columns(censored=False)
    return told.select(*_KEYS, "y", pl.col("censored").fill_null(value=False), "known_at")


@dataclass(frozen=True, slots=True)
class _Attributes:
    """Attributes of items at one time, as a frame and lined up with ids."""

    items: pl.DataFrame
    statics: dict[str, NameArray]

    @classmethod
    def of(cls, ids: NameArray, items: pl.DataFrame) -> _Attributes:
        """Only attributes that anything is known of."""
        if not items.width:
            return cls(items, {})
        known = [name for name in hierarchy_names(items) if items[name].null_count() < items.height]
        wanted = pl.DataFrame({"unique_id": pl.Series(ids, dtype=pl.String)})
        lined = wanted.join(items.select("unique_id", *known), on="unique_id", how="left", maintain_order="left")
        return cls(items, {name: lined[name].fill_null("").to_numpy().astype(object) for name in known})


@dataclass(frozen=True, kw_only=True)
class PastKnown:
    """What was known at each moment of the past: nothing after a cutoff reaches what is asked for at it.

    Parameters
    ----------
    whole
        First versions of all sales; each counts as known at the end of its own period.
    changed
        Later versions of sales rows: unique_id, ds, y, censored, known_at; each counts from ``known_at`` on.
    future
        Every version of the covariates known ahead, oldest first, with ``known_at``.
    item_table
        Item attributes, bitemporal.
    """

    whole: Panel
    changed: pl.DataFrame
    future: pl.DataFrame
    item_table: HistoryTable
    holidays: Holidays | None = None

    @classmethod
    def of(
        cls,
        sales: HistoryTable,
        items: HistoryTable,
        future: HistoryTable,
        *,
        config: Config,
        holidays: Holidays | None = None,
    ) -> PastKnown:
        """From a project's tables, everything they ever held.

        Raises
        ------
        MissingInputError
            Where there are no sales.
        """
        every = numeric(sales.versions())
        if every.is_empty():
            raise MissingInputError("there are no sales yet. Add some: finalmile ingest sales FILE")
        frequency = sales_frequency(every, config)
        first, later = _later_versions(every)
        whole = panel_from_sales(
            first,
            frequency=frequency,
            cutoff=frequency.index_of(every["ds"].max()),  # type: ignore[arg-type]  # polars' max is of any type
            covariates=covariate_names(first),
            gaps_are_zero=config.gaps == "zero",
        )
        return cls(
            whole=whole,
            changed=_revisions(later),
            future=numeric(future.versions()),
            item_table=items,
            holidays=holidays,
        )

    @property
    def frequency(self) -> Frequency:
        """Length of a period."""
        return self.whole.frequency

    @property
    def newest(self) -> int:
        """Last period that has sales."""
        return self.whole.cutoff

    def corrected_after(self, cutoff: int) -> int:
        """Rows of sales up to a cutoff of which a later version became known after it."""
        if self.changed.is_empty():
            return 0
        later = self.changed.filter(pl.col("known_at") > end_of(cutoff, self.frequency))
        return int((self.frequency.index(later.unique(_KEYS)["ds"]) <= cutoff).sum())

    def items(self, cutoff: int) -> pl.DataFrame:
        """Item attributes as known at the end of the cutoff."""
        return self._told(cutoff).items

    def rows(self, first: int, last: int) -> IntArray:
        """The same of every period: each row counts as known at the end of its own, so that none is awaited."""
        return np.full(last - first + 1, self.whole.n, dtype=np.int64)

    def panel(self, cutoff: int, *, periods: int | None = None, ahead: int = 0) -> Panel:
        """Sales up to the cutoff, and covariates known then for ``ahead`` periods past it."""
        panel = self._window(cutoff, periods)
        panel = self._revised(panel)
        return with_holidays(self._foreseen(panel, ahead), self.holidays, ahead=ahead)

    def one(self, unique_id: str, cutoff: int, *, periods: int | None = None) -> Panel:
        """Sales of one series; a panel without a row where it was not listed by then."""
        panel = self.panel(cutoff, periods=periods)
        return panel.take(np.flatnonzero(panel.ids == unique_id))

    def _window(self, cutoff: int, periods: int | None) -> Panel:
        whole = self.whole
        if not whole.first <= cutoff <= whole.cutoff:
            raise MissingInputError(
                f"no sales are known on {self.frequency.start_of(cutoff)}; they run from "
                f"{self.frequency.start_of(whole.first)} to {self.frequency.start_of(whole.cutoff)}"
            )
        start = 0 if periods is None else max(0, cutoff + 1 - periods - whole.first)
        columns = slice(start, cutoff + 1 - whole.first)
        rows = np.flatnonzero(self._listed_at <= cutoff - whole.first)
        return Panel(
            ids=whole.ids[rows],
            frequency=whole.frequency,
            first=whole.first + start,
            y=whole.y[rows, columns],
            censored=whole.censored[rows, columns],
            covariates={
                name: values[rows, columns]
                for name, values in whole.covariates.items()
                if self._first_told[name] <= cutoff - whole.first
            },
            statics={name: values[rows] for name, values in self._told(cutoff).statics.items()},
        )

    @cached_property
    def _listed_at(self) -> IntArray:
        return self.whole.listed_at

    @cached_property
    def _first_told(self) -> dict[str, int]:
        """Column in which each covariate first says something: before that nobody knew that it would be there."""
        told = {name: (np.nan_to_num(values) != 0).any(axis=0) for name, values in self.whole.covariates.items()}
        return {name: int(any_.argmax()) if any_.any() else self.whole.length for name, any_ in told.items()}

    def _told(self, cutoff: int) -> _Attributes:
        """Attributes of items as they stood at the end of the cutoff."""
        by_then = end_of(cutoff, self.frequency)
        changes = bisect_right(self._item_changes, by_then)
        if changes not in self._attributes:
            items = self.item_table.read(as_of=by_then)
            self._attributes[changes] = _Attributes.of(self.whole.ids, items)
        return self._attributes[changes]

    @cached_property
    def _item_changes(self) -> list[datetime]:
        """Instants at which attributes became known, those that count as known all along left out."""
        every = self.item_table.versions()
        return every.filter(~pl.col("backfilled"))["known_at"].unique().sort().to_list() if every.width else []

    @cached_property
    def _attributes(self) -> dict[int, _Attributes]:
        return {}

    def _revised(self, panel: Panel) -> Panel:
        if self.changed.is_empty():
            return panel
        frequency = self.frequency
        known = self.changed.filter(pl.col("known_at") <= end_of(panel.cutoff, frequency))
        column = frequency.index(known["ds"]) - panel.first
        row = np.searchsorted(panel.ids, known["unique_id"].to_numpy())
        fits = (column >= 0) & (column < panel.length) & (row < panel.n)
        fits[fits] = panel.ids[row[fits]] == known["unique_id"].to_numpy()[fits]
        y, censored = panel.y.copy(), panel.censored.copy()
        y[row[fits], column[fits]] = known["y"].to_numpy()[fits]
        censored[row[fits], column[fits]] = known["censored"].to_numpy()[fits]
        return replace(panel, y=y, censored=censored)

    def _foreseen(self, panel: Panel, ahead: int) -> Panel:
        if self.future.is_empty():
            return _reaching(panel, ahead)
        future = self.future.filter(pl.col("known_at") <= end_of(panel.cutoff, self.frequency))
        told = [name for name in covariate_names(future) if future[name].null_count() < future.height]
        number = self.frequency.index(future["ds"]) - panel.cutoff - 1
        future = future.filter(pl.Series((number >= 0) & (number < ahead)))
        number = number[(number >= 0) & (number < ahead)]
        row = np.searchsorted(panel.ids, future["unique_id"].to_numpy())
        row[row == panel.n] = 0
        fits = panel.ids[row] == future["unique_id"].to_numpy() if panel.n else np.zeros(len(row), dtype=np.bool_)
        wide: dict[str, FloatArray] = {}
        for name in sorted({*panel.covariates, *told}):
            past = panel.covariates.get(name, np.full(panel.y.shape, np.nan, dtype=np.float32))
            coming = np.full((panel.n, ahead), np.nan, dtype=np.float32)
            if name in told:
                coming[row[fits], number[fits]] = future[name].cast(pl.Float32).to_numpy()[fits]
            wide[name] = np.concatenate([past, coming], axis=1)
        return replace(panel, covariates=wide)


def _reaching(panel: Panel, ahead: int) -> Panel:
    """The panel with unknown covariates past the cutoff."""
    coming = np.full((panel.n, ahead), np.nan, dtype=np.float32)
    wide = {name: np.concatenate([past, coming], axis=1) for name, past in panel.covariates.items()}
    return replace(panel, covariates=wide)
