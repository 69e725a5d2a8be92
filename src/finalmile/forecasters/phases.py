"""The last seasons of each series laid out by phase: all Mondays in one column, all Tuesdays in the next."""

from __future__ import annotations

import numpy as np

from finalmile.frames import FloatArray


def by_phase(demand: FloatArray, *, season: int, seasons: int) -> FloatArray:
    """The last ``seasons`` seasons as an array of shape (n, seasons, season), newest season last.

    Column ``p`` of a season holds the phase of the period ``p + 1`` after the cutoff; what lies before the first
    period is NaN.

    Examples
    --------
    >>> by_phase(np.array([[1, 2, 3]], dtype=np.float32), season=2, seasons=2)
    array([[[nan,  1.],
            [ 2.,  3.]]], dtype=float32)
    """
    n, length = demand.shape
    wanted = season * seasons
    tail = demand[:, max(0, length - wanted) :]
    padded = np.full((n, wanted), np.nan, dtype=np.float32)
    padded[:, wanted - tail.shape[1] :] = tail
    return padded.reshape(n, seasons, season)


def newest_by_phase(phases: FloatArray) -> FloatArray:
    """Newest known value of each phase, shape (n, season); NaN where none is known."""
    newest = np.full(phases[:, 0].shape, np.nan, dtype=np.float32)
    for season in np.moveaxis(phases, 1, 0):
        newest = np.where(np.isfinite(season), season, newest)
    return newest


def mean_by_phase(phases: FloatArray) -> FloatArray:
    """Mean of the known values of each phase, shape (n, season); NaN where none is known."""
    known = np.isfinite(phases)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: FloatArray = (np.where(known, phases, 0.0).sum(axis=1) / known.sum(axis=1)).astype(np.float32)
    return mean


def ahead(by_phase: FloatArray, horizon: int) -> FloatArray:
    """Repeat values by phase over the periods ahead, shape (n, horizon)."""
    return by_phase[:, np.arange(horizon) % by_phase.shape[1]]
