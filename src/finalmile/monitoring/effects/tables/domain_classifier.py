"""Whether a model can tell reference rows from current ones, and by what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from finalmile.forecasters.direct.native_threads import native_threads
from finalmile.frames import IntArray
from finalmile.monitoring.effects.effect import Effect, Size
from finalmile.monitoring.effects.registry import table_effects
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.profile.measuring import kind_of

_NORMAL_95 = 1.959964
_CUTS = (0.556, 0.638, 0.714)
_LEAST_ROWS = 20
_THREADS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """How well rows of two samples can be told apart by all columns together.

    Parameters
    ----------
    auc
        Chance that a current row is ranked above a reference row, by models that have seen neither: 0.5 cannot be
        told apart, 1 always.
    features
        Columns and their share of what the models gained, largest first.
    """

    auc: Effect
    features: tuple[tuple[str, float], ...] = ()


@table_effects.add("domain_classifier")
@dataclass(frozen=True, slots=True, kw_only=True)
class DomainClassifier:
    """Boosted trees that tell reference from current rows: finds what no column shows by itself.

    The area under the curve comes from rows that a model has not seen (cross-validation), so that it is about 0.5
    without a difference, however many columns there are. Times and identifiers separate any two samples; leave them
    out.

    Parameters
    ----------
    folds
        Parts of the cross-validation.
    rows
        Most rows used of each side, evenly spaced.
    trees, leaves
        Of each model.
    seed
        Of the folds and the models.
    threshold
        Breached where even the low end of the interval of the area reaches it.

    References
    ----------
    Lopez-Paz & Oquab (2017), Revisiting classifier two-sample tests, ICLR. Hanley & McNeil (1982), The meaning and
    use of the area under a ROC curve, Radiology 143.
    """

    folds: int = 5
    rows: int = 20_000
    trees: int = 60
    leaves: int = 15
    seed: int = 0
    threshold: float | None = None

    def __call__(self, reference: pl.DataFrame, current: pl.DataFrame, /) -> Separation:
        """The area with its interval, and what separates; undefined for fewer than 20 rows on a side."""
        kinds = {name: kind_of(kind) for name, kind in reference.schema.items()}
        names = [name for name, kind in kinds.items() if kind != "other" and name in current.columns]
        before, now = (_spaced(frame.select(names), self.rows) for frame in (reference, current))
        if min(before.height, now.height) < _LEAST_ROWS or not names:
            why = f"telling rows apart takes a column of both sides and {_LEAST_ROWS} rows of each"
            return Separation(auc=self._effect(None, before.height, now.height, why=why))
        x, categories = _encoded(before, now)
        label = np.append(np.zeros(before.height), np.ones(now.height))
        scores, gains = self._unseen(x, label, names=names, categories=categories)
        ranked = sorted(zip(names, gains.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
        auc = _area(scores, label)
        return Separation(auc=self._effect(auc, before.height, now.height), features=tuple(ranked[:10]))

    def _unseen(
        self, x: Doubles, label: Doubles, *, names: Sequence[str], categories: list[int]
    ) -> tuple[Doubles, Doubles]:
        """Score of each row by the model that has not seen it, and the columns' mean shares of gain."""
        from importlib import import_module

        lightgbm: Any = import_module("lightgbm")

        fold = np.random.default_rng(self.seed).permutation(len(label)) % self.folds
        scores, gains = np.zeros(len(label)), np.zeros(len(names))
        settings = {
            "objective": "binary",
            "num_leaves": self.leaves,
            "learning_rate": 0.1,
            "num_threads": _THREADS,
            "deterministic": True,
            "force_row_wise": True,
            "seed": self.seed,
            "verbosity": -1,
        }
        for part in range(self.folds):
            kept = fold != part
            with native_threads.exactly(_THREADS):
                data = lightgbm.Dataset(x[kept], label[kept], categorical_feature=categories)
                model = lightgbm.train(settings, data, num_boost_round=self.trees)
                mean = np.asarray(model.predict(x[~kept], raw_score=True), dtype=np.float64)
            scores[~kept] = _ranks(mean) / max(len(mean), 1)
            gain = model.feature_importance("gain").astype(np.float64)
            gains += gain / max(gain.sum(), 1e-300) / self.folds
        return scores, gains

    def _effect(self, auc: float | None, n: int, m: int, *, why: str = "") -> Effect:
        low, high = (None, None) if auc is None else _interval(auc, n, m)
        return Effect(
            name="domain_classifier",
            value=auc,
            low=low,
            high=high,
            chance=0.5,
            unit="AUC",
            size=_size(auc, low),
            n_reference=n,
            n_current=m,
            threshold=self.threshold,
            breached=self.threshold is not None and low is not None and low >= self.threshold,
            why=why,
        )


def _size(auc: float | None, low: float | None) -> Size:
    if auc is None or low is None:
        return "unknown"
    if low <= 0.5 or auc < _CUTS[0]:
        return "none"
    if auc < _CUTS[1]:
        return "small"
    return "medium" if auc < _CUTS[2] else "large"


def _spaced(frame: pl.DataFrame, rows: int) -> pl.DataFrame:
    if frame.height <= rows:
        return frame
    return frame[np.linspace(0, frame.height - 1, rows).astype(np.int64)]


def _encoded(reference: pl.DataFrame, current: pl.DataFrame) -> tuple[Doubles, list[int]]:
    """All rows as numbers, shape (n + m, k), and which columns are categories."""
    columns: list[Doubles] = []
    categories: list[int] = []
    for number, name in enumerate(reference.columns):
        before, now = reference.get_column(name), current.get_column(name)
        if before.dtype.is_numeric() and now.dtype.is_numeric():
            columns.append(np.append(*(s.cast(pl.Float64).to_numpy() for s in (before, now))))
        else:
            columns.append(_codes(before, now))
            categories.append(number)
    return np.column_stack(columns), categories


def _codes(before: pl.Series, now: pl.Series) -> Doubles:
    """Numbers of the most frequent values of both together; rare values share one, missing ones are NaN."""
    both = pl.Series("value", [*_texts(before), *_texts(now)], dtype=pl.String)
    first = both.drop_nulls().value_counts(sort=True).sort(["count", "value"], descending=[True, False]).head(200)
    codes = {value: float(number) for number, value in enumerate(first.get_column("value").to_list())}
    return np.array([math.nan if one is None else codes.get(one, 200.0) for one in both.to_list()])


def _texts(column: pl.Series) -> list[str | None]:
    return [None if one is None else str(one) for one in column.to_list()]


def _ranks(values: Doubles) -> Doubles:
    """Mean ranks from 1, ties shared."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Doubles = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks


def _area(scores: Doubles, label: IntArray | Doubles) -> float:
    ranks, positive = _ranks(scores), label > 0
    m = int(positive.sum())
    n = len(label) - m
    return float((ranks[positive].sum() - m * (m + 1) / 2) / (n * m))


def _interval(auc: float, n: int, m: int) -> tuple[float, float]:
    """Where the area lies with 95 %: straight on the log odds, each end after half a row that spoke against it.

    On the area itself the interval of samples that are told apart without a fault would be a point.
    """
    rows = min(n, m)
    low, high = (_end((auc * rows + half) / (rows + 0.5), n, m, side=1 - 4 * half) for half in (0.0, 0.5))
    return min(low, auc), max(high, auc)


def _end(area: float, n: int, m: int, *, side: float) -> float:
    """One end of the interval about an area: the lower one for a side of 1, the upper one for -1."""
    area = min(max(area, 1e-9), 1.0 - 1e-9)
    odds = math.log(area / (1.0 - area)) - side * _NORMAL_95 * _spread(area, n, m) / (area * (1.0 - area))
    return 1.0 / (1.0 + math.exp(-max(min(odds, 700.0), -700.0)))


def _spread(auc: float, n: int, m: int) -> float:
    """Standard error of an area (Hanley & McNeil)."""
    one, two = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    variance = auc * (1 - auc) + (m - 1) * (one - auc**2) + (n - 1) * (two - auc**2)
    return math.sqrt(max(variance, 0.0) / (n * m))
