"""What is known of the business at a cutoff: read from the tables today, or as the past knew it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Protocol

import numpy as np
import polars as pl

from finalmile.config import Config
from finalmile.errors import MissingInputError
from finalmile.frames import Frequency, IntArray, Panel, detect, panel_from_sales
from finalmile.frames.panel import FloatArray

RESERVED = frozenset(
    {"unique_id", "ds", "y", "in_stock", "on_hand", "censored", "known_at", "backfilled", "returned", "segment"}
)
"""Columns of the sales table that are not covariates."""


class Table(Protocol):
    """A bitemporal table: every version of every row."""

    def read(
        self,
        *,
        as_of: datetime | None = None,
        ds_from: date | datetime | None = None,
        columns: Sequence[str] | None = None,
        backfill_known: bool = True,
    ) -> pl.DataFrame:
        """Newest version of each row known at ``as_of``."""
        ...


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
        if dtype in (pl.String, pl.Categorical)
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

    sales: Table
    item_table: Table
    future: Table
    config: Config
    holidays: Holidays | None = None

    @cached_property
    def frequency(self) -> Frequency:
        """Length of a period."""
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
        ds_from = None if periods is None else self.frequency.start_of(cutoff - periods + 1)
        sales = numeric(self.sales.read(ds_from=ds_from))
        future = numeric(self.future.read(ds_from=ds_from)) if ahead else None
        items = self.item_table.read()
        panel = panel_from_sales(
            sales,
            frequency=self.frequency,
            cutoff=cutoff,
            periods=periods,
            future=future,
            ahead=ahead,
            covariates=covariate_names(sales, *([] if future is None else [future])),
            items=items,
            statics=hierarchy_names(items),
            listed=self._first_seen,
            gaps_are_zero=self.config.gaps == "zero",
        )
        return with_holidays(panel, self.holidays, ahead=ahead)

    @cached_property
    def _first_seen(self) -> dict[str, int]:
        seen = self._stamps[1]
        return dict(zip(seen["unique_id"].to_list(), self.frequency.index(seen["ds"]).tolist(), strict=True))


_BEFORE_ANYTHING = datetime(1900, 1, 1, tzinfo=UTC)
_KEYS = ("unique_id", "ds")


def _not_in(rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Rows whose key is not among the known ones: they came one by one, as they happened."""
    return rows if known.is_empty() else rows.join(known, on=_KEYS, how="anti")


def _changed(first: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Rows that say something else now than in the history that was loaded first."""
    columns = ["unique_id", "ds", "y", "censored", "known_at"]
    if first.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.Null))
    now = now.select(columns) if "censored" in now.columns else now.with_columns(censored=False).select(columns)
    return now.join(first.select(*_KEYS, pl.col("known_at").alias("since")), on=_KEYS).filter(
        pl.col("known_at") > pl.col("since")
    )


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
        Covariates known ahead, with ``known_at``.
    item_table
        Item attributes, bitemporal.
    """

    whole: Panel
    changed: pl.DataFrame
    future: pl.DataFrame
    item_table: Table
    holidays: Holidays | None = None

    @classmethod
    def of(
        cls, sales: Table, items: Table, future: Table, *, config: Config, holidays: Holidays | None = None
    ) -> PastKnown:
        """From a project's tables, everything they ever held.

        Raises
        ------
        MissingInputError
            Where there are no sales.
        """
        first = numeric(sales.read(as_of=_BEFORE_ANYTHING))
        now = numeric(sales.read())
        frequency = sales_frequency(now, config)
        late = _not_in(now, first)
        attributes = items.read()
        whole = panel_from_sales(
            pl.concat([first, late], how="diagonal_relaxed"),
            frequency=frequency,
            cutoff=frequency.index_of(now["ds"].max()),  # type: ignore[arg-type]  # polars' max is of any type
            covariates=covariate_names(now),
            items=attributes,
            statics=hierarchy_names(attributes),
            gaps_are_zero=config.gaps == "zero",
        )
        return cls(
            whole=whole,
            changed=_changed(first, now),
            future=numeric(future.read()),
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

    def items(self, cutoff: int) -> pl.DataFrame:
        """Item attributes as known at the end of the cutoff."""
        return self.item_table.read(as_of=end_of(cutoff, self.frequency))

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
            covariates={name: values[rows, columns] for name, values in whole.covariates.items()},
            statics={name: values[rows] for name, values in whole.statics.items()},
        )

    @cached_property
    def _listed_at(self) -> IntArray:
        return self.whole.listed_at

    def _revised(self, panel: Panel) -> Panel:
        if self.changed.is_empty():
            return panel
        frequency = self.frequency
        known = self.changed.filter(pl.col("known_at") <= end_of(panel.cutoff, frequency) + timedelta(days=1))
        known = known.sort("known_at")
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
        number = self.frequency.index(future["ds"]) - panel.cutoff - 1
        future = future.filter(pl.Series((number >= 0) & (number < ahead)))
        number = number[(number >= 0) & (number < ahead)]
        row = np.searchsorted(panel.ids, future["unique_id"].to_numpy())
        row[row == panel.n] = 0
        fits = panel.ids[row] == future["unique_id"].to_numpy() if panel.n else np.zeros(len(row), dtype=np.bool_)
        wide: dict[str, FloatArray] = {}
        for name in sorted({*panel.covariates, *covariate_names(future)}):
            past = panel.covariates.get(name, np.full(panel.y.shape, np.nan, dtype=np.float32))
            coming = np.full((panel.n, ahead), np.nan, dtype=np.float32)
            if name in future.columns:
                coming[row[fits], number[fits]] = future[name].cast(pl.Float32).to_numpy()[fits]
            wide[name] = np.concatenate([past, coming], axis=1)
        return replace(panel, covariates=wide)


def _reaching(panel: Panel, ahead: int) -> Panel:
    """The panel with unknown covariates past the cutoff."""
    coming = np.full((panel.n, ahead), np.nan, dtype=np.float32)
    wide = {name: np.concatenate([past, coming], axis=1) for name, past in panel.covariates.items()}
    return replace(panel, covariates=wide)
