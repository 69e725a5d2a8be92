"""Features of rows (series, origin, window): what demand over the whole window may depend on."""

from __future__ import annotations

import numpy as np

from finalmile.forecasters.direct.calendar import calendar_names, calendar_table
from finalmile.forecasters.direct.past import Past
from finalmile.forecasters.direct.reach import reach_of
from finalmile.forecasters.direct.schema import Schema
from finalmile.forecasters.direct.sums import Sums
from finalmile.frames import FloatArray, IntArray

_PRIOR = 0.5


def window_names(schema: Schema) -> tuple[str, ...]:
    """Features that depend on the window."""
    reach = reach_of(schema.frequency)
    calendar = [f"middle_{name}" for name in calendar_names(schema.frequency)]
    phases = ["phases"] if reach.phases else []
    yearly = [f"year_of_{group or 'all'}" for group in (*schema.groups, "series")] if reach.year else []
    prices = [f"{name}_{kind}" for name in schema.prices for kind in ("middle_to_recent", "middle_to_year")]
    return ("window", *calendar, *phases, *yearly, *(f"{name}_share" for name in schema.flags), *prices)


def window_features(past: Past, rows: IntArray, origin: IntArray, window: IntArray, *, scale: FloatArray) -> FloatArray:
    """Features of each row's window, shape (m, window names)."""
    panel, reach = past.panel, reach_of(past.panel.frequency)
    calendar = calendar_table(panel.frequency, np.arange(panel.first, panel.cutoff + 1 + int(window.max(initial=1))))
    middle = origin + (window + 1) // 2
    columns: list[FloatArray] = [window.astype(np.float32), *calendar[middle].T]
    if reach.phases:
        columns.append(_phases(past, rows, origin, window) / scale)
    if reach.year:
        for name in past.schema.groups:
            group = past.groups[name]
            columns.append(_year_ago(group.sums, group.of_series[rows], origin, window, past))
        columns.append(_year_ago(past.sums, rows, origin, window, past))
    columns += [_share(past.flags[name], rows, origin, window) for name in past.schema.flags]
    for name in past.schema.prices:
        columns += _prices(past, name, rows, origin, middle)
    return np.stack(columns, axis=1)


def _phases(past: Past, rows: IntArray, origin: IntArray, window: IntArray) -> FloatArray:
    """Mean per period that same-phase means promise over the window."""
    season, counts = reach_of(past.panel.frequency).phases[0]
    sums, count = past.phases[season], max(counts)
    whole, rest = window // season, window % season
    total = np.zeros(len(rows), dtype=np.float32)
    for step in range(1, season + 1):
        times = whole + (step <= rest)
        phase = sums.mean(rows, origin + step - season, count)
        total += np.where(times > 0, np.nan_to_num(phase) * times, 0).astype(np.float32)
    mean: FloatArray = (total / window).astype(np.float32)
    return mean


def _year_ago(sums: Sums, rows: IntArray, origin: IntArray, window: IntArray, past: Past) -> FloatArray:
    """Demand over the same window a year ago, relative to demand before the origin a year ago."""
    reach = reach_of(past.panel.frequency)
    end = np.minimum(origin + window, origin + reach.year) - reach.year
    start = np.maximum(origin - reach.year, -1)
    total = sums.total[rows, np.maximum(end + 1, 0)] - sums.total[rows, start + 1]
    known = sums.known[rows, np.maximum(end + 1, 0)] - sums.known[rows, start + 1]
    base, known_base = sums.over(rows, origin - reach.year, reach.base)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (total + _PRIOR) / (known * base / known_base + _PRIOR)
        return np.where(np.isfinite(ratio), np.clip(ratio, 0, 50), np.nan).astype(np.float32)


def _share(flag: Sums, rows: IntArray, origin: IntArray, window: IntArray) -> FloatArray:
    last = flag.total.shape[1] - 1
    total = flag.total[rows, np.minimum(origin + window + 1, last)] - flag.total[rows, np.minimum(origin + 1, last)]
    share: FloatArray = (total / window).astype(np.float32)
    return share


def _prices(past: Past, name: str, rows: IntArray, origin: IntArray, middle: IntArray) -> list[FloatArray]:
    carried, reach = past.prices[name], reach_of(past.panel.frequency)
    at = np.minimum(middle, carried.values.shape[1] - 1) if carried.ahead else origin
    now = carried.values[rows, at]
    with np.errstate(invalid="ignore", divide="ignore"):
        told = [
            now / carried.sums.mean(rows, origin, 2 * reach.base),
            now / carried.sums.mean(rows, origin, max(reach.windows)),
        ]
        return [np.where(np.isfinite(one), np.clip(one, 0, 50), np.nan).astype(np.float32) for one in told]
