"""Which rows are learned from: every series and target period once, at an origin drawn by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.forecasters.chance import keys_of, uniform
from finalmile.forecasters.direct.past import Past
from finalmile.forecasters.direct.reach import reach_of
from finalmile.frames import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Rows:
    """Training rows, arrays of shape (m,): series, column of the origin, periods ahead (or length of the window)."""

    series: IntArray
    origin: IntArray
    ahead: IntArray

    def __len__(self) -> int:
        return len(self.series)


def draw_rows(past: Past, *, longest: int, most: int, seed: int, dense: bool) -> Rows:
    """Rows whose targets lie in the training span and whose origin knows at least one base window or half the past.

    Parameters
    ----------
    longest
        Farthest target, in periods after the origin.
    most
        About how many rows at most; a longer list is thinned by name and period.
    dense
        Draw the distance evenly; otherwise evenly on a logarithmic axis, so that short windows are not rare.
    """
    reach, panel = reach_of(past.panel.frequency), past.panel
    first = max(panel.length - reach.training, 1)
    columns = np.arange(first, panel.length, dtype=np.int64)
    series = np.repeat(np.arange(panel.n, dtype=np.int64), len(columns))
    target = np.tile(columns, panel.n)
    keys = keys_of(panel.ids)
    keep = uniform(keys[series], target + panel.first, seed=seed + 1) < most / max(len(series), 1)
    series, target = series[keep], target[keep]
    chance = uniform(keys[series], target + panel.first, seed=seed + 2)
    ahead = _distance(chance, longest, dense=dense)
    origin = target - ahead
    warm = min(reach.base, max(panel.length // 2, 1))
    fits = origin >= past.listed_at[series] + warm - 1
    return Rows(series[fits], origin[fits], ahead[fits])


def _distance(chance: FloatArray, longest: int, *, dense: bool) -> IntArray:
    if dense:
        return (1 + np.floor(chance * longest)).astype(np.int64).clip(1, longest)
    distance: IntArray = np.exp(chance * np.log(longest + 1.0)).astype(np.int64).clip(1, longest)
    return distance


def recency(past: Past, rows: Rows, *, half_life: float | None = None) -> FloatArray:
    """Weight of each row by the age of its target: 1 at the cutoff, a half after a half-life."""
    life = half_life or reach_of(past.panel.frequency).half_life
    age = past.panel.length - 1 - (rows.origin + rows.ahead)
    return np.exp2(-age / life).astype(np.float32)
