"""The rows that a model is asked about at a cutoff, one per series: what it knows of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from finalmile.forecasters.calibrated import Calibrated
from finalmile.forecasters.registered import Registered
from finalmile.frames import BoolArray, FloatArray, IntArray, Panel
from finalmile.monitoring.inputs.columns import Look
from finalmile.ports import Fitted
from finalmile.workflows.watching.references import calendar

Columns = Mapping[str, FloatArray | pl.Series]

CALENDAR = ("holiday", "event")
"""Covariates that explain days on which every series sells otherwise. Promotions are watched themselves."""

MOST_LOOKS, MOST_ASKED = 430, 60
"""Cutoffs that a reference goes back, and those that a model's own function is asked for features at."""

_MOST_ROWS = 200_000
OFF_AFTER_DAYS = 28.0
"""Days without a sale or a covariate after which a product is no longer on offer."""


def input_rows(fitted: Fitted, panel: Panel) -> Columns:
    """What a version knows of each listed series at the panel's cutoff.

    The features of a registered model, made by the function it was registered with; of any other the newest demand
    (missing where a stock-out cut it short) and the covariates of the period. Attributes of items are left out: they
    change with the assortment, which is meant to change.
    """
    model = model_of_rows(fitted)
    if model is not None:
        made = model.features(panel, horizon=1)
        return {name: made[name] for name in made.columns if name not in ("unique_id", "ds")}
    return rows_of(panel, panel.length - 1)


def rows_of(panel: Panel, column: int, *, listed_at: IntArray | None = None) -> Columns:
    """Demand and covariates of every series that is on offer in a column of the panel.

    One that was listed, has a covariate of its own there, or sold within a month. A product that was taken off the
    shelves is no missing value. ``listed_at`` is that of the panel, where it is at hand.
    """
    since = panel.listed_at if listed_at is None else listed_at
    listed = np.flatnonzero((since <= column) & _on_offer(panel, column))
    demand = np.where(panel.censored[:, column], np.float32(np.nan), panel.y[:, column])
    told: dict[str, FloatArray | pl.Series] = {"demand": demand[listed]}
    return told | {name: values[listed, column] for name, values in panel.covariates.items() if name not in CALENDAR}


def _on_offer(panel: Panel, column: int) -> BoolArray:
    back = max(1, round(OFF_AFTER_DAYS / panel.frequency.days))
    sold: BoolArray = (np.nan_to_num(panel.y[:, max(0, column + 1 - back) : column + 1]) != 0).any(axis=1)
    own = [values[:, column] for name, values in panel.covariates.items() if name not in CALENDAR]
    for one in own:
        sold |= np.isfinite(one)
    return sold


def looks_before(fitted: Fitted, panel: Panel) -> list[Look]:
    """One look for each of the last cutoffs of a panel, oldest first."""
    if model_of_rows(fitted) is None:
        first = max(0, panel.length - MOST_LOOKS)
        since = panel.listed_at
        told = ((at, rows_of(panel, at, listed_at=since)) for at in range(first, panel.length))
    else:
        first = max(1, panel.length - MOST_ASKED)
        told = ((at, input_rows(fitted, panel.at(panel.first + at))) for at in range(first, panel.length))
    names = special_days(panel)
    return [look_at(panel, at, columns, names=names) for at, columns in told]


def special_days(panel: Panel) -> list[str]:
    """Covariates of a panel that explain days on which every series sells otherwise."""
    return [name for name in CALENDAR if name in panel.covariates]


def look_at(panel: Panel, column: int, columns: Columns, *, names: Sequence[str]) -> Look:
    """Rows as a look at the period of a column, with the share of series on each of the special days named."""
    days = calendar(panel, names, columns=slice(column, column + 1))[0] if names else None
    return Look(period=panel.first + column, columns=columns, calendar=days)


def sample_of(looks: Sequence[Look]) -> dict[str, pl.Series]:
    """Every so-manyth row of all looks, by column; columns that not every look has are left out."""
    names = [name for name in looks[0].columns if all(name in look.columns for look in looks)] if looks else []
    return {name: pl.concat(list(_values(looks, name))).alias(name) for name in names}


def model_of_rows(fitted: Fitted) -> Registered | None:
    """The model of rows behind a version that has a function for its features; ``None`` for any other."""
    model = fitted.model if isinstance(fitted, Calibrated) else None
    if not isinstance(model, Registered) or model.kept.takes != "rows":
        return None
    return model if model.kept.made_by is not None else None


def _values(looks: Sequence[Look], name: str) -> Iterator[pl.Series]:
    total = sum(look.size for look in looks)
    step = max(1, total // _MOST_ROWS)
    for look in looks:
        if name in look.columns:
            values = look.columns[name]
            told = values if isinstance(values, pl.Series) else pl.Series(name, np.asarray(values, dtype=np.float64))
            yield told.gather_every(step, offset=look.period % step)
