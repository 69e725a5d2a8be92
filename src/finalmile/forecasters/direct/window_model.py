"""Quantiles of demand over whole windows from trees, the length of the window being a feature."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from finalmile.forecasters.direct.features import origin_features
from finalmile.forecasters.direct.likely import Likely
from finalmile.forecasters.direct.past import Past, groups_of, part_of
from finalmile.forecasters.direct.reach import periods_learned_from
from finalmile.forecasters.direct.rows import Rows, draw_rows, recency
from finalmile.forecasters.direct.schema import Schema
from finalmile.forecasters.direct.trees import Trees, grow
from finalmile.forecasters.direct.window_features import window_features, window_names
from finalmile.frames import FloatArray, IntArray, Panel

_CHUNK = 4096
_FARTHEST = 50.0  # a single reopening must not teach its leaf more than this times what is usual
WINDOW_SETTINGS: Mapping[str, object] = {
    "objective": "quantile",
    "learning_rate": 0.06,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
}


@dataclass(frozen=True, kw_only=True)
class DirectWindows:
    """A trained model of quantiles of demand over windows.

    Parameters
    ----------
    schema
        Its features.
    trees
        One model per level: quantile of demand over ``usual + sqrt(usual)``, where usual is scale times window.
    longest
        Longest window it was trained for; longer ones are asked as that one and grown in proportion.
    """

    schema: Schema
    trees: Mapping[float, Trees]
    longest: int

    @property
    def levels(self) -> tuple[float, ...]:
        """Trained levels, ascending."""
        return tuple(sorted(self.trees))

    def quantiles(self, panel: Panel, windows: IntArray, /) -> FloatArray:
        """Quantiles at every trained level, shape (n, w, levels), not yet calibrated."""
        told = np.zeros((*windows.shape, len(self.trees)), dtype=np.float32)
        groups = groups_of(panel, self.schema)
        for start in range(0, panel.n, _CHUNK):
            part = np.arange(start, min(start + _CHUNK, panel.n))
            past = Past.of(panel.take(part), self.schema, groups=part_of(groups, part))
            told[part] = self._at(past, windows[part])
        return np.maximum.accumulate(np.maximum(told, 0), axis=2)

    def write(self, folder: Path, /) -> None:
        """Write the trees of each level as text, and what their features are."""
        about = {"schema": self.schema.to_json(), "longest": self.longest, "levels": list(self.levels)}
        (folder / "windows.json").write_text(json.dumps(about, indent=1, sort_keys=True), encoding="utf-8")
        for level, trees in self.trees.items():
            (folder / f"window_{level!r}.txt").write_text(trees.text, encoding="utf-8")

    def _at(self, past: Past, windows: IntArray) -> FloatArray:
        n, w = windows.shape
        newest = np.full(n, past.panel.length - 1, dtype=np.int64)
        rows, asked = np.repeat(np.arange(n, dtype=np.int64), w), windows.ravel()
        learned = np.minimum(asked, self.longest)
        of_origin, scale = origin_features(past, np.arange(n, dtype=np.int64), newest)
        of_window = window_features(past, rows, newest[rows], learned, scale=scale[rows])
        features = np.hstack([of_origin[rows], of_window])
        unit = _unit(scale[rows], learned) * (asked / learned)
        told = np.stack([self.trees[level].raw(features) * unit for level in self.levels], axis=1)
        return told.reshape(n, w, -1).astype(np.float32)


def train_windows(
    panel: Panel,
    schema: Schema,
    *,
    likely: Likely,
    longest: int,
    levels: tuple[float, ...],
    rounds: int,
    most_rows: int,
    threads: int,
    grow_threads: int,
    seed: int,
    settings: Mapping[str, object] = WINDOW_SETTINGS,
) -> DirectWindows:
    """Learn quantiles of window demand from everything up to the panel's cutoff; features read the panel's own."""
    past = Past.of(panel.last(periods_learned_from(panel.frequency)), schema)
    rows = draw_rows(past, longest=longest, most=most_rows, seed=seed, dense=False)
    total, whole = likely.last(past.panel.length).over(rows, past.sums)
    rows, total = Rows(rows.series[whole], rows.origin[whole], rows.ahead[whole]), total[whole]
    of_origin, scale = origin_features(past, rows.series, rows.origin)
    of_window = window_features(past, rows.series, rows.origin, rows.ahead, scale=scale)
    unit = _unit(scale, rows.ahead)
    weight = recency(past, rows) * np.sqrt(unit)
    trees = {
        level: grow(
            np.hstack([of_origin, of_window]),
            np.minimum(total / unit, _FARTHEST).astype(np.float32),
            names=(*schema.origin_names, *window_names(schema)),
            weight=(weight / weight.mean()).astype(np.float32),
            settings={**WINDOW_SETTINGS, **settings, "alpha": level},
            rounds=rounds,
            threads=threads,
            grow_threads=grow_threads,
            seed=seed,
        )
        for level in levels
    }
    return DirectWindows(schema=schema, trees=trees, longest=longest)


def _unit(scale: FloatArray, window: IntArray) -> FloatArray:
    usual = scale * window
    unit: FloatArray = (usual + np.sqrt(usual)).astype(np.float32)
    return unit
