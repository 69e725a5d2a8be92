"""What is known of the business at a cutoff: read from the tables today, or as the past knew it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import cached_property

import numpy as np
import polars as pl

from finalmile.config import Config
from finalmile.errors import MissingInputError
from finalmile.frames import Frequency, IntArray, Panel, detect, panel_from_sales
from finalmile.frames.panel import with_future
from finalmile.ports import HistoryTable
from finalmile.workflows.last_read import LastRead

RESERVED = frozenset(
    {"unique_id", "ds", "y", "in_stock", "on_hand", "censored", "known_at", "backfilled", "returned", "segment"}
)
"""Columns of the sales table that are not covariates."""

_ONES = 64
"""Series that were read alone and are remembered: a page asks about the same one again and again."""

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
        return sales_frequency(self._told, self.config)

    @property
    def newest(self) -> int:
        """Last period that has sales."""
        frequency = self.frequency
        return frequency.index_of(self._told["ds"].max())  # type: ignore[arg-type]  # polars' max is of any type

    @cached_property
    def _told(self) -> pl.DataFrame:
        """Every distinct stamp with its number of rows."""
        rows = self.sales.read(columns=["ds"])
        return pl.DataFrame({"ds": [], "len": []}) if rows.is_empty() else rows.group_by("ds").len()

    def items(self, cutoff: int) -> pl.DataFrame:  # noqa: ARG002  # attributes as they stand today
        """Item attributes."""
        return self.item_table.read()

    def rows(self, first: int, last: int) -> IntArray:
        """How many rows of sales of each of the periods ``first`` to ``last`` have come."""
        told, count = self._told, np.zeros(last - first + 1, dtype=np.int64)
        number = self.frequency.index(told["ds"]) - first
        inside = (number >= 0) & (number < len(count))
        np.add.at(count, number[inside], told["len"].to_numpy()[inside])
        return count

    def panel(self, cutoff: int, *, periods: int | None = None, ahead: int = 0) -> Panel:
        """Sales up to the cutoff, and covariates known for ``ahead`` periods past it."""
        past = self._held.cut(cutoff, periods=periods) or self._read(cutoff, periods=periods)
        if ahead:
            since = None if periods is None else self.frequency.start_of(cutoff - periods + 1)
            future = numeric(self.future.read(ds_from=since))
            names = sorted({*past.covariates, *covariate_names(future)})
            past = with_future(past, future, ahead=ahead, covariates=names)
        return with_holidays(past, self.holidays, ahead=ahead)

    def one(self, unique_id: str, cutoff: int, *, periods: int | None = None) -> Panel:
        """What :meth:`panel` tells of one series, from its own rows alone; without a row where it has none.

        Its columns begin with the series' own first sales, where those lie within the window, and also where nobody
        sold anything on the window's first days, on which those of all series do not begin.
        """
        held = self._held.cut(cutoff, periods=periods)
        if held is not None:
            return held.take(np.flatnonzero(held.ids == unique_id))
        asked = (unique_id, cutoff, periods)
        panel = self._ones.get(asked)
        if panel is None:
            panel = self._read_one(unique_id, cutoff, periods=periods)
            if len(self._ones) >= _ONES:
                self._ones.clear()
            self._ones[asked] = panel
        return panel

    @cached_property
    def _ones(self) -> dict[tuple[str, int, int | None], Panel]:
        return {}

    def _read_one(self, unique_id: str, cutoff: int, *, periods: int | None) -> Panel:
        sales = numeric(self.sales.read(ids=[unique_id]).drop("known_at", "backfilled", strict=False))
        sales = sales.filter(pl.Series(self.frequency.index(sales["ds"]) <= cutoff))
        begins = {unique_id: int(self.frequency.index(sales["ds"]).min())} if sales.height else {}
        items = self.item_table.read(ids=[unique_id])
        return panel_from_sales(
            sales,
            frequency=self.frequency,
            cutoff=cutoff,
            periods=periods,
            covariates=covariate_names(sales),
            items=items,
            statics=hierarchy_names(items),
            listed=begins,
            gaps_are_zero=self.config.gaps == "zero",
        )

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
        rows = self.sales.read(columns=["unique_id", "ds"])
        if rows.is_empty():
            return {}
        seen = rows.group_by("unique_id").agg(pl.col("ds").min())
        return dict(zip(seen["unique_id"].to_list(), self.frequency.index(seen["ds"]).tolist(), strict=True))
