"""How much a series sells, how much that varies, and what a series without a past probably sells."""

from __future__ import annotations

import numpy as np

from finalmile.forecasters.spans import spans_of
from finalmile.frames import BoolArray, FloatArray, IntArray, NameArray, Panel


def known_counts(demand: FloatArray) -> IntArray:
    """Known periods of each series, shape (n,)."""
    count: IntArray = np.isfinite(demand).sum(axis=1).astype(np.int64)
    return count


def mean_of_known(demand: FloatArray) -> FloatArray:
    """Mean over the known periods of each series, shape (n,); NaN for a series without one."""
    known = np.isfinite(demand)
    total = np.where(known, demand, 0.0).sum(axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: FloatArray = (total / known.sum(axis=1)).astype(np.float32)
    return mean


def spread_of_known(demand: FloatArray) -> FloatArray:
    """Standard deviation over the known periods of each series, shape (n,); 0 with fewer than two."""
    known = np.isfinite(demand)
    count = known.sum(axis=1)
    centre = np.nan_to_num(mean_of_known(demand))[:, None]
    square = np.where(known, demand - centre, 0.0).astype(np.float64) ** 2
    spread: FloatArray = np.sqrt(square.sum(axis=1) / np.maximum(count - 1, 1)).astype(np.float32)
    return spread


def recent_level(panel: Panel) -> FloatArray:
    """Mean demand per period of late, shape (n,), never NaN or negative.

    A series with little history borrows: its own mean is shrunk towards that of the finest hierarchy group in
    which at least three series have history, and towards the whole fleet where no group has. Without any history
    at all in the panel it is 0.
    """
    spans = spans_of(panel.frequency)
    demand = panel.last(spans.recent).demand()
    own = np.nan_to_num(mean_of_known(demand)).astype(np.float64)
    count = known_counts(demand)
    if (count >= spans.cold).all():
        return np.maximum(own, 0.0).astype(np.float32)
    borrowed = _group_means(own, warm=count >= spans.cold, statics=list(panel.statics.values()))
    trust = np.clip(spans.cold - count, 0, None)
    level = (own * count + borrowed * trust) / np.maximum(count + trust, 1)
    shrunk: FloatArray = np.maximum(level, 0.0).astype(np.float32)
    return shrunk


def recent_spread(panel: Panel) -> FloatArray:
    """Standard deviation of demand per period of late, shape (n,)."""
    return spread_of_known(panel.last(spans_of(panel.frequency).recent).demand())


def _group_means(own: np.ndarray, *, warm: BoolArray, statics: list[NameArray]) -> np.ndarray:
    """Mean of warm series in each row's finest group that has at least three of them."""
    fleet = float(own[warm].mean()) if warm.any() else float(own.mean()) if len(own) else 0.0
    means = np.full(len(own), fleet)
    coarse_first = sorted(((len(set(values.tolist())), at) for at, values in enumerate(statics)), key=lambda x: x)
    for distinct, at in coarse_first:
        if distinct < 2:
            continue
        _, code = np.unique(statics[at].astype(str), return_inverse=True)
        size = np.bincount(code, weights=warm, minlength=distinct)
        total = np.bincount(code, weights=np.where(warm, own, 0.0), minlength=distinct)
        enough = size[code] >= 3
        means[enough] = (total / np.maximum(size, 1))[code][enough]
    return means
