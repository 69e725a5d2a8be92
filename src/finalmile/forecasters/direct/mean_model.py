"""The mean of every period ahead from trees: the target relative to a series' own scale, horizon as a feature."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from finalmile.forecasters.direct.features import origin_features, target_features
from finalmile.forecasters.direct.past import Past, groups_of, part_of
from finalmile.forecasters.direct.reach import periods_learned_from, periods_looked_at
from finalmile.forecasters.direct.rows import draw_rows, recency
from finalmile.forecasters.direct.schema import Schema, rows_of
from finalmile.forecasters.direct.trees import Trees, grow
from finalmile.forecasters.levels import known_counts, recent_level
from finalmile.forecasters.spans import spans_of
from finalmile.frames import FloatArray, Frequency, IntArray, Panel

_CHUNK = 1024
_CELLS = 100_000
MEAN_SETTINGS: Mapping[str, object] = {
    "objective": "tweedie",
    "tweedie_variance_power": 1.1,
    "learning_rate": 0.08,
    "num_leaves": 48,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
}


@dataclass(frozen=True, kw_only=True)
class DirectMean:
    """A trained model of the mean.

    Parameters
    ----------
    schema
        Its features.
    trees
        Their raw score is the logarithm of demand over scale.
    horizon
        Farthest period it was trained for; later ones repeat the last season before it.
    """

    schema: Schema
    trees: Trees
    horizon: int

    def history(self, frequency: Frequency) -> int:
        """Periods of history a forecast looks at."""
        return max(periods_looked_at(frequency), 2 * spans_of(frequency).recent)

    def mean(self, panel: Panel, /, *, horizon: int) -> FloatArray:
        """Expected units, shape (n, horizon); a series that is new borrows its category's level."""
        learned = min(horizon, self.horizon)
        told = np.zeros((panel.n, horizon), dtype=np.float32)
        groups = groups_of(panel, self.schema)
        for start in range(0, panel.n, _CHUNK):
            part = np.arange(start, min(start + _CHUNK, panel.n))
            past = Past.of(panel.take(part), self.schema, groups=part_of(groups, part))
            told[part, :learned] = self._at(past, np.full(len(part), panel.length - 1), learned)
        cold = known_counts(panel.demand()) < spans_of(panel.frequency).cold
        if cold.any():
            told[cold] = recent_level(panel)[cold, None]
        return _repeat_last_season(told, learned, self.schema.frequency.season_length)

    def one_step(self, panel: Panel, /, *, periods: int) -> FloatArray:
        """Forecast of each of the last periods made one period before; NaN before a series was listed."""
        past = Past.of(panel, self.schema)
        told = np.full((panel.n, periods), np.nan, dtype=np.float32)
        for column in range(periods):
            origin = panel.length - periods + column - 1
            rows = np.flatnonzero(past.listed_at <= origin)
            told[rows, column] = self._rows(past, rows, np.full(len(rows), origin), np.ones(len(rows), dtype=np.int64))
        return told

    def expected(self, panel: Panel, /, *, rows: IntArray, columns: IntArray) -> FloatArray:
        """Mean of single cells of a panel as forecast one period before, shape (m,); NaN of a series' first period."""
        past = Past.of(panel, self.schema)
        told = np.full(len(rows), np.nan, dtype=np.float32)
        for start in range(0, len(rows), _CELLS):
            some = np.arange(start, min(start + _CELLS, len(rows)))
            some = some[past.listed_at[rows[some]] < columns[some]]
            told[some] = self._rows(past, rows[some], columns[some] - 1, np.ones(len(some), dtype=np.int64))
        return told

    def write(self, folder: Path, /) -> None:
        """Write the trees as text, and what their features are."""
        about = {"schema": self.schema.to_json(), "horizon": self.horizon}
        (folder / "mean.json").write_text(json.dumps(about, indent=1, sort_keys=True), encoding="utf-8")
        (folder / "mean.txt").write_text(self.trees.text, encoding="utf-8")

    def _at(self, past: Past, origin: IntArray, horizon: int) -> FloatArray:
        n = len(origin)
        rows, ahead = rows_of(n, horizon), np.tile(np.arange(1, horizon + 1, dtype=np.int64), n)
        of_origin, scale = origin_features(past, np.arange(n), origin)
        of_target = target_features(past, rows, origin[rows], ahead, scale=scale[rows])
        score = self.trees.raw(np.hstack([of_origin[rows], of_target]))
        mean: FloatArray = (np.exp(np.minimum(score, 30)) * scale[rows]).reshape(n, horizon)
        return mean

    def _rows(self, past: Past, rows: IntArray, origin: IntArray, ahead: IntArray) -> FloatArray:
        of_origin, scale = origin_features(past, rows, origin)
        of_target = target_features(past, rows, origin, ahead, scale=scale)
        mean: FloatArray = np.exp(np.minimum(self.trees.raw(np.hstack([of_origin, of_target])), 30)) * scale
        return mean


def train_mean(
    panel: Panel,
    schema: Schema,
    *,
    demand: FloatArray,
    horizon: int,
    rounds: int,
    most_rows: int,
    threads: int,
    grow_threads: int,
    seed: int,
    settings: Mapping[str, object] = MEAN_SETTINGS,
) -> DirectMean:
    """Learn the mean from a panel: everything up to its cutoff, nothing after.

    Parameters
    ----------
    demand : array of shape (n, T)
        What is learned; features read the panel's own.
    """
    past = Past.of(panel.last(periods_learned_from(panel.frequency)), schema)
    rows = draw_rows(past, longest=horizon, most=most_rows, seed=seed, dense=True)
    target = demand[:, -past.panel.length :][rows.series, rows.origin + rows.ahead]
    known = np.isfinite(target)
    rows = type(rows)(rows.series[known], rows.origin[known], rows.ahead[known])
    of_origin, scale = origin_features(past, rows.series, rows.origin)
    of_target = target_features(past, rows.series, rows.origin, rows.ahead, scale=scale)
    unit = max(float(np.maximum(target[known], 0).mean()), 1e-6)
    trees = grow(
        np.hstack([of_origin, of_target]),
        (np.maximum(target[known], 0) / unit).astype(np.float32),
        names=(*schema.origin_names, *schema.target_names),
        weight=recency(past, rows),
        settings={**MEAN_SETTINGS, **_smallest_leaf(len(rows)), **settings},
        rounds=rounds,
        threads=threads,
        grow_threads=grow_threads,
        seed=seed,
        offset=np.log(scale / unit),
    )
    return DirectMean(schema=schema, trees=trees, horizon=horizon)


def _smallest_leaf(rows: int) -> dict[str, object]:
    """Leaves large enough not to remember single spikes, whose memory would leave every other forecast too low."""
    smallest = min(max(rows // 1300, 10), 300)
    return {"min_data_in_leaf": smallest, "lambda_l2": smallest / 6}


def _repeat_last_season(told: FloatArray, learned: int, season: int) -> FloatArray:
    """Fill periods past the learned ones with the last season before them."""
    back = min(season, learned)
    for column in range(learned, told.shape[1]):
        told[:, column] = told[:, column - back]
    return told
