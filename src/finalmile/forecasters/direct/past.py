"""A panel prepared for features: running sums of each series and of every group it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from finalmile.forecasters.direct.reach import reach_of
from finalmile.forecasters.direct.schema import Schema
from finalmile.forecasters.direct.sums import Sums
from finalmile.frames import FloatArray, IntArray, Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Totals of the series that share a hierarchy value, per known series.

    Parameters
    ----------
    of_series : array of shape (n,)
        Row of each series' group.
    sums, phases
        Running sums of the group's mean demand, along time and by phase of each season.
    """

    of_series: IntArray
    sums: Sums
    phases: Mapping[int, Sums]


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A price carried on from period to period until it changes.

    Parameters
    ----------
    values : array of shape (n, T + ahead)
        NaN before the first known one.
    sums
        Running sums of the values.
    ahead
        Whether values after an origin may be read for it.
    """

    values: FloatArray
    sums: Sums
    ahead: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Everything features look up. Nothing right of an origin is read for that origin but covariates known ahead."""

    panel: Panel
    schema: Schema
    demand: FloatArray
    sums: Sums
    squares: Sums
    zeros: Sums
    phases: Mapping[int, Sums]
    groups: Mapping[str, Group]
    prices: Mapping[str, Carried]
    flags: Mapping[str, Sums]
    listed_at: IntArray
    last_sale: IntArray

    @classmethod
    def of(cls, panel: Panel, schema: Schema, *, groups: Mapping[str, Group] | None = None) -> Past:
        """Prepare a panel; ``groups`` may come from the panel of which this one is a part."""
        demand = panel.demand()
        seasons = [season for season, _ in reach_of(panel.frequency).phases]
        columns = np.arange(panel.length)
        sold = np.nan_to_num(demand) > 0
        sums = Sums.of(demand)
        return cls(
            panel=panel,
            schema=schema,
            demand=demand,
            sums=sums,
            squares=sums.of_same_cells(demand**2),
            zeros=sums.of_same_cells((demand <= 0).astype(np.float32)),
            phases={season: Sums.of(demand, stride=season) for season in seasons},
            groups=groups_of(panel, schema) if groups is None else groups,
            prices={name: _carried(panel, name, ahead=name not in schema.carried) for name in schema.prices},
            flags={name: Sums.of(_flag(panel, name)) for name in schema.flags},
            listed_at=panel.listed_at,
            last_sale=np.maximum.accumulate(np.where(sold, columns, -1), axis=1).astype(np.int64),
        )


def groups_of(panel: Panel, schema: Schema) -> dict[str, Group]:
    """Totals of the fleet and of every coded level of the hierarchy."""
    demand = panel.demand()
    known = np.isfinite(demand)
    filled = np.where(known, demand, 0.0).astype(np.float64)
    seasons = [season for season, _ in reach_of(panel.frequency).phases]
    groups: dict[str, Group] = {}
    for name in schema.groups:
        member, size = _members(panel, schema, name)
        total, count = _sum_rows(filled, member, size), _sum_rows(known.astype(np.float64), member, size)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (total / count).astype(np.float32)
        phases = {season: Sums.of(mean, stride=season) for season in seasons}
        groups[name] = Group(of_series=member, sums=Sums.of(mean), phases=phases)
    return groups


def part_of(groups: Mapping[str, Group], rows: IntArray) -> dict[str, Group]:
    """The same groups for some of the series only."""
    return {name: replace(group, of_series=group.of_series[rows]) for name, group in groups.items()}


def _members(panel: Panel, schema: Schema, name: str) -> tuple[IntArray, int]:
    if not name:
        return np.zeros(panel.n, dtype=np.int64), 1
    values = panel.statics.get(name)
    if values is None:
        return np.zeros(panel.n, dtype=np.int64), 1
    code = schema.code(name, values)
    size = len(schema.codes[name])
    return np.where(np.isnan(code), size, np.nan_to_num(code)).astype(np.int64), size + 1


def _sum_rows(values: np.ndarray, member: IntArray, size: int) -> np.ndarray:
    out = np.zeros((size, values.shape[1]))
    order = np.argsort(member, kind="stable")
    starts = np.flatnonzero(np.diff(member[order], prepend=-1))
    if len(starts):
        out[member[order][starts]] = np.add.reduceat(values[order], starts, axis=0)
    return out


def _carried(panel: Panel, name: str, *, ahead: bool) -> Carried:
    width = panel.length + (max(panel.ahead, 0) if ahead else 0)
    values = panel.covariates.get(name)
    if values is None:
        values = np.full((panel.n, width), np.nan, dtype=np.float32)
    values = values[:, :width]
    newest = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(width), 0), axis=1)
    filled = np.take_along_axis(values, newest, axis=1)
    return Carried(values=filled, sums=Sums.of(filled), ahead=ahead)


def _flag(panel: Panel, name: str) -> FloatArray:
    values = panel.covariates.get(name)
    if values is None:
        return np.zeros((panel.n, panel.length), dtype=np.float32)
    return np.nan_to_num(values, nan=0.0).astype(np.float32)
