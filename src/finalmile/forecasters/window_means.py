"""Mean of the same phase over the last seasons, per series."""

from __future__ import annotations

import numpy as np

from finalmile.forecasters.levels import recent_level
from finalmile.forecasters.phases import ahead, by_phase, mean_by_phase
from finalmile.forecasters.spans import spans_of
from finalmile.frames import FloatArray, Frequency, Panel


def averaged_seasons(frequency: Frequency) -> tuple[int, ...]:
    """Season lengths to average over, best first; weeks have none, for few series live through eight years."""
    return (1,) if frequency.unit == "week" else spans_of(frequency).seasons


def window_means(panel: Panel, *, seasons: int, horizon: int) -> FloatArray:
    """Mean of the known values of the same phase in the last ``seasons`` seasons, shape (n, horizon).

    A phase without a known value, and a new series, take the recent level (:func:`recent_level`).
    """
    demand, told = panel.demand(), np.full((panel.n, horizon), np.nan, dtype=np.float32)
    for season in averaged_seasons(panel.frequency):
        mean = ahead(mean_by_phase(by_phase(demand, season=season, seasons=seasons)), horizon)
        told = np.where(np.isnan(told), mean, told)
    cold = (np.isfinite(demand).sum(axis=1) < spans_of(panel.frequency).cold)[:, None]
    means: FloatArray = np.maximum(np.where(np.isnan(told) | cold, recent_level(panel)[:, None], told), 0)
    return means
