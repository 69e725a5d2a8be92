"""How a version did before it went live, and what cheaper forecasts did: what the checks of quality start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finalmile.frames import FloatArray, IntArray, NameArray, OneStep, Panel
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.loss.state import LossLook, LossReference
from finalmile.workflows.arms import rows_in
from finalmile.workflows.shop import Shop
from finalmile.workflows.train import load_version
from finalmile.workflows.watching.seen import Seen

CALENDAR = ("holiday", "event", "promo")
"""Covariates that make a day of the whole fleet easy or hard to forecast; holidays are those of the country set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A version's forecasts of the time before it went live, with what came true.

    Parameters
    ----------
    panel
        Everything known when the version was trained.
    loss
        One-step forecasts beside actuals.
    names
        Covariates that the calendar was made of.
    """

    panel: Panel
    loss: LossReference
    names: Sequence[str]

    @property
    def periods(self) -> int:
        """How many."""
        return int(self.loss.actual.shape[1])

    @property
    def groups(self) -> dict[str, NameArray]:
        """Hierarchy values of the version's series, by attribute."""
        rows = rows_in(self.panel.ids, self.loss.ids)
        return {name: _named(values, rows) for name, values in self.panel.statics.items()}


def before(shop: Shop, seen: Seen) -> Before:
    """The reference of the version that is judged; made once for all checks of a look."""
    return seen.once("before", lambda: _before(shop, seen))


def loss_look(seen: Seen, *, names: Sequence[str]) -> LossLook:
    """A period as the checks of loss take it."""
    price = seen.price
    return LossLook(
        period=seen.period,
        ids=seen.ids,
        actual=seen.actual,
        forecast=seen.told.mean,
        value_per_unit=None if np.isnan(price).all() else price,
        calendar=calendar_look(seen, names=names),
    )


def calendar_look(seen: Seen, *, names: Sequence[str]) -> Doubles | None:
    """Regressors of the period, shape (k,)."""
    at = slice(seen.column, seen.column + 1)
    return calendar(seen.panel, names, columns=at)[0] if names else None


def calendar(panel: Panel, names: Sequence[str], *, columns: slice) -> Doubles:
    """Share of the series on which each covariate is on in each period, 0 where nothing is known of it; shape (T, k).

    Shares, whatever the covariate counts in: a value beyond all that were learned from says no more than "on".
    """
    wide = [panel.covariates[name][:, columns] if name in panel.covariates else None for name in names]
    length = len(range(*columns.indices(panel.length)))
    return np.column_stack([np.zeros(length) if one is None else _share_on(one) for one in wide])


def _share_on(values: FloatArray) -> Doubles:
    known = np.isfinite(values)
    share: Doubles = (known & (values != 0)).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return share


def _before(shop: Shop, seen: Seen) -> Before:
    told = load_version(shop, seen.version).reference()
    panel = shop.known.panel(shop.frequency.index_of(seen.version.cutoff))
    names = [name for name in CALENDAR if name in panel.covariates]
    rows = rows_in(panel.ids, told.ids)
    start, length = _span(panel, told)
    columns = slice(start - panel.first, start - panel.first + length)
    return Before(
        panel=panel,
        loss=LossReference(
            ids=told.ids,
            frequency=panel.frequency,
            first=start,
            actual=taken(panel.demand(), rows, columns),
            forecast=told.mean[:, start - told.first : start - told.first + length],
            calendar=calendar(panel, names, columns=columns) if names else None,
        ),
        names=names,
    )


def _span(panel: Panel, told: OneStep) -> tuple[int, int]:
    start = max(told.first, panel.first)
    return start, max(min(told.first + told.mean.shape[1] - 1, panel.cutoff) - start + 1, 0)


def taken(values: FloatArray, rows: IntArray, columns: slice) -> FloatArray:
    """Rows and columns of a matrix as a copy, NaN where a row number is -1."""
    told: FloatArray = values[rows, columns].copy() if len(values) else np.full((len(rows), 0), np.nan, np.float32)
    told[rows < 0] = np.nan
    return told


def _named(values: NameArray, rows: IntArray) -> NameArray:
    if not len(values):
        return np.full(len(rows), "", dtype=object)
    return np.where(rows >= 0, values[rows], "").astype(object)
