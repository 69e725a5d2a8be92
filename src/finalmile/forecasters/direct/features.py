"""Features of rows (series, origin, periods ahead), the same code for training and prediction."""

from __future__ import annotations

import numpy as np

from finalmile.forecasters.direct.calendar import calendar_table
from finalmile.forecasters.direct.past import Group, Past
from finalmile.forecasters.direct.reach import reach_of
from finalmile.forecasters.direct.sums import Sums
from finalmile.frames import FloatArray, IntArray

_PRIOR = 0.5  # units that shrink a scale or a ratio towards what is usual


def scale_of(past: Past, rows: IntArray, origin: IntArray) -> FloatArray:
    """What a series' features and targets are relative to: recent mean demand, never 0.

    The mean over the base window, shrunk towards the mean over a longer past by half a unit of demand or by one
    period, whichever is more, so that a series whose last weeks were empty (a slow seller, a store that was closed)
    keeps a scale.
    """
    reach = reach_of(past.panel.frequency)
    short, known = past.sums.over(rows, origin, reach.base)
    long, known_long = past.sums.over(rows, origin, max(reach.windows))
    usual = (long + 0.05) / (known_long + 1.0)
    weight = np.maximum(_PRIOR / usual, 1.0)
    return np.maximum((short + weight * usual) / (known + weight), 1e-3).astype(np.float32)


def origin_features(past: Past, rows: IntArray, origin: IntArray) -> tuple[FloatArray, FloatArray]:
    """Features of each row's origin, shape (m, origin names), and its scale, shape (m,)."""
    reach, panel = reach_of(past.panel.frequency), past.panel
    scale = scale_of(past, rows, origin)
    square = past.squares.mean(rows, origin, 2 * reach.base)
    mean = past.sums.mean(rows, origin, 2 * reach.base)
    columns: list[FloatArray] = [
        np.log(scale),
        past.demand[rows, origin] / scale,
        np.sqrt(np.maximum(square - mean**2, 0)) / scale,
        past.zeros.mean(rows, origin, reach.base),
        past.zeros.mean(rows, origin, max(reach.windows)),
        np.minimum(origin - past.listed_at[rows], max(reach.windows)).astype(np.float32),
        np.minimum(origin - past.last_sale[rows, origin], 4 * reach.base).astype(np.float32),
    ]
    columns += [past.sums.mean(rows, origin, window) / scale for window in reach.windows]
    for name in past.schema.groups:
        columns += _group_motion(past.groups[name], rows, origin, past)
    for name in past.schema.codes:
        values = panel.statics.get(name)
        codes = np.full(panel.n, np.nan, dtype=np.float32) if values is None else past.schema.code(name, values)
        columns.append(codes[rows])
    return np.stack(columns, axis=1), scale


def _group_motion(group: Group, rows: IntArray, origin: IntArray, past: Past) -> list[FloatArray]:
    reach, member = reach_of(past.panel.frequency), group.of_series[rows]
    base = group.sums.mean(member, origin, reach.base)
    short = group.sums.mean(member, origin, reach.windows[1])
    long = group.sums.mean(member, origin, max(reach.windows))
    with np.errstate(invalid="ignore", divide="ignore"):
        return [_finite(short / base), _finite(base / long)]


def target_features(past: Past, rows: IntArray, origin: IntArray, ahead: IntArray, *, scale: FloatArray) -> FloatArray:
    """Features of each row's target period, shape (m, target names)."""
    panel = past.panel
    calendar = calendar_table(panel.frequency, np.arange(panel.first, panel.cutoff + 1 + int(ahead.max(initial=1))))
    target = origin + ahead
    columns: list[FloatArray] = [ahead.astype(np.float32), *calendar[target].T]
    columns += _phase_columns(past, rows, origin, ahead, scale)
    columns += _yearly_columns(past, rows, origin, target)
    for name in past.schema.flags:
        columns += [_covariate(past, name, rows, target + step) for step in (0, 1, -1)]
    for name in past.schema.prices:
        columns += _price_columns(past, name, rows, origin, target)
    return np.stack(columns, axis=1)


def _phase_columns(
    past: Past, rows: IntArray, origin: IntArray, ahead: IntArray, scale: FloatArray
) -> list[FloatArray]:
    columns: list[FloatArray] = []
    of_groups: list[FloatArray] = []
    reach = reach_of(past.panel.frequency)
    for season, counts in reach.phases:
        newest = origin + ahead - season * -(-ahead // season)
        columns += [past.phases[season].mean(rows, newest, count) / scale for count in counts]
        for name in past.schema.groups:
            group = past.groups[name]
            member = group.of_series[rows]
            usual = group.sums.mean(member, origin, reach.base)
            with np.errstate(invalid="ignore", divide="ignore"):
                of_groups.append(_finite(group.phases[season].mean(member, newest, max(counts)) / usual))
    return columns + of_groups


def _yearly_columns(past: Past, rows: IntArray, origin: IntArray, target: IntArray) -> list[FloatArray]:
    """Demand around the target a year ago, relative to demand before the origin a year ago."""
    reach = reach_of(past.panel.frequency)
    if not reach.year:
        return []
    sums = [(past.groups[name].sums, past.groups[name].of_series[rows]) for name in past.schema.groups]
    return [_a_year_ago(one, member, origin, target, past) for one, member in (*sums, (past.sums, rows))]


def _a_year_ago(sums: Sums, rows: IntArray, origin: IntArray, target: IntArray, past: Past) -> FloatArray:
    reach = reach_of(past.panel.frequency)
    end = np.minimum(target + reach.around, origin + reach.year) - reach.year
    total, known = sums.over(rows, end, 2 * reach.around + 1)
    base, known_base = sums.over(rows, origin - reach.year, reach.base)
    with np.errstate(invalid="ignore", divide="ignore"):
        usual = base / known_base
        return _finite(((total + _PRIOR) / (known * usual + _PRIOR)).astype(np.float32))


def _covariate(past: Past, name: str, rows: IntArray, column: IntArray) -> FloatArray:
    """A covariate at some columns; 0, the usual value of a flag, where it is unknown or not given at all."""
    values = past.panel.covariates.get(name)
    if values is None:
        return np.zeros(len(rows), dtype=np.float32)
    inside = (column >= 0) & (column < values.shape[1])
    told = values[rows, np.clip(column, 0, values.shape[1] - 1)]
    return np.where(inside & np.isfinite(told), told, np.float32(0))


def _price_columns(past: Past, name: str, rows: IntArray, origin: IntArray, target: IntArray) -> list[FloatArray]:
    carried = past.prices[name]
    last = carried.values.shape[1] - 1
    at = np.minimum(target, last) if carried.ahead else origin
    now = carried.values[rows, np.maximum(at, 0)]
    reach = reach_of(past.panel.frequency)
    with np.errstate(invalid="ignore", divide="ignore"):
        recent = carried.sums.mean(rows, origin, 2 * reach.base)
        year = carried.sums.mean(rows, origin, max(reach.windows))
        return [now, _finite(now / recent), _finite(now / year)]


def _finite(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), np.clip(values, -50, 50), np.float32(np.nan)).astype(np.float32)
