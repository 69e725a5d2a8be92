"""What is known of the business at a cutoff: read from the tables today, or as the past knew it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import cached_property

import numpy as np
import polars as pl

from finalmile.config import Config
from finalmile.errors import MissingInputError
from finalmile.frames import Frequency, IntArray, NameArray, Panel, detect, panel_from_sales
from finalmile.frames.panel import FloatArray, with_future
from finalmile.ports import HistoryTable
from finalmile.workflows.last_read import LastRead

RESERVED = frozenset(
    {"unique_id", "ds", "y", "in_stock", "on_hand", "censored", "known_at", "backfilled", "returned", "segment"}
)
"""Columns of the sales table that are not covariates."""


Holidays = Callable[[date, date], pl.DataFrame]
"""First and last day to a frame of ``ds`` and ``holiday``."""


def end_of(period: int, frequency: Frequency) -> datetime:
    """Instant at which a period is over, in UTC."""
    start = frequency.start_of(period + 1)
    if isinstance(start, datetime):
        return start.replace(tzinfo=UTC)
    return datetime.combine(start, time(), tzinfo=UTC)


def sales_frequency(sales: pl.DataFrame, config: Config) -> Frequency:
    """The frequency that was set, else the one read off the sales.

    Raises
    ------
    MissingInputError
        Where there are too few sales to tell.
    """
    if config.frequency != "auto" and sales.height:
        return Frequency.parse(config.frequency)
    found = detect(sales["ds"]) if sales.height else None
    if found is None:
        raise MissingInputError("there are no sales yet, or only one period. Add some: finalmile ingest sales FILE")
    return found


def numeric(sales: pl.DataFrame) -> pl.DataFrame:
    """Covariates as numbers: text (an event's name) becomes 1 where there is any."""
    columns = {name: dtype for name, dtype in sales.schema.items() if name not in RESERVED}
    return sales.with_columns(
        (pl.col(name).is_not_null() & (pl.col(name).cast(pl.String) != "")).cast(pl.Float32).alias(name)
        if isinstance(dtype, pl.String | pl.Categorical)
        else pl.col(name).cast(pl.Float32, strict=False)
        for name, dtype in columns.items()
    )


def covariate_names(*frames: pl.DataFrame) -> list[str]:
    """Names of the covariates that any of the frames carries, sorted."""
    return sorted({name for frame in frames for name in frame.columns} - RESERVED)


def hierarchy_names(items: pl.DataFrame) -> list[str]:
    """Text attributes of items, such as category and region."""
    return sorted(name for name, dtype in items.schema.items() if dtype == pl.String and name not in RESERVED)


def with_holidays(panel: Panel, holidays: Holidays | None, *, ahead: int) -> Panel:
    """The panel with a ``holiday`` covariate: the share of each period's days that are public holidays."""
    if holidays is None:
        return panel
    first = _as_day(panel.frequency.start_of(panel.first))
    last = _as_day(panel.frequency.start_of(panel.cutoff + ahead + 1))
    named = holidays(first, last)
    share = np.zeros(panel.length + ahead, dtype=np.float32)
    columns = panel.frequency.index(named["ds"]) - panel.first
    inside = (columns >= 0) & (columns < len(share))
    np.add.at(share, columns[inside], np.float32(1 / max(1.0, panel.frequency.days)))
    spread = np.broadcast_to(np.minimum(share, 1), (panel.n, len(share)))
    return replace(panel, covariates={**panel.covariates, "holiday": spread})


def _as_day(at: date | datetime) -> date:
    return at.date() if isinstance(at, datetime) else at


@dataclass(frozen=True)
class TableKnown:
    """What the project's tables hold now."""

    sales: HistoryTable
    item_table: HistoryTable
    future: HistoryTable
    config: Config
    holidays: Holidays | None = None

    @property
    def frequency(self) -> Frequency:
        """Length of a period."""
        return self._frequency

    @cached_property
    def _frequency(self) -> Frequency:
        return sales_frequency(self._stamps[0], self.config)

    @property
    def newest(self) -> int:
        """Last period that has sales."""
        frequency = self.frequency
        return frequency.index_of(self._stamps[0]["ds"].max())  # type: ignore[arg-type]  # polars' max is of any type

    @cached_property
    def _stamps(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Every distinct stamp, and each series' first one."""
        rows = self.sales.read(columns=["unique_id", "ds"])
        if rows.is_empty():
            return pl.DataFrame({"ds": []}), rows
        return rows.select(pl.col("ds").unique()), rows.group_by("unique_id").agg(pl.col("ds").min())

    def items(self, cutoff: int) -> pl.DataFrame:  # noqa: ARG002  # attributes as they stand today
        """Item attributes."""
        return self.item_table.read()

    def panel(self, cutoff: int, *, periods: int | None = None, ahead: int = 0) -> Panel:
        """Sales up to the cutoff, and covariates known for ``ahead`` periods past it."""
        past = self._held.cut(cutoff, periods=periods) or self._read(cutoff, periods=periods)
        if ahead:
            since = None if periods is None else self.frequency.start_of(cutoff - periods + 1)
            future = numeric(self.future.read(ds_from=since))
            names = sorted({*past.covariates, *covariate_names(future)})
            past = with_future(past, future, ahead=ahead, covariates=names)
        return with_holidays(past, self.holidays, ahead=ahead)

    def _read(self, cutoff: int, *, periods: int | None) -> Panel:
        since = None if periods is None else cutoff - periods + 1
        sales = self.sales.read(ds_from=None if since is None else self.frequency.start_of(since))
        sales = numeric(sales.drop("known_at", "backfilled", strict=False))
        items = self.item_table.read()
        panel = panel_from_sales(
            sales,
            frequency=self.frequency,
            cutoff=cutoff,
            periods=periods,
            covariates=covariate_names(sales),
            items=items,
            statics=hierarchy_names(items),
            listed=self._first_seen,
            gaps_are_zero=self.config.gaps == "zero",
        )
        begins = np.array([self._first_seen.get(name, cutoff) for name in panel.ids], dtype=np.int64)
        self._held.keep(panel, since=since, told=self.frequency.index(sales["ds"].unique()), begins=begins)
        return panel

    @cached_property
    def _held(self) -> LastRead:
        return LastRead()

    @cached_property
    def _first_seen(self) -> dict[str, int]:
        seen = self._stamps[1]
        return dict(zip(seen["unique_id"].to_list(), self.frequency.index(seen["ds"]).tolist(), strict=True))


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

    def panel(self, cutoff: int, *, periods: int | None = None, ahead: int = 0) -> Panel:
        """Sales up to the cutoff, and covariates known then for ``ahead`` periods past it."""
        panel = self._window(cutoff, periods)
        panel = self._revised(panel)
        return with_holidays(self._foreseen(panel, ahead), self.holidays, ahead=ahead)

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
