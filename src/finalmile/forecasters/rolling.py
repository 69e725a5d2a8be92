"""Rolling calibration: forecasts made again at past origins, judged by what came after."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from finalmile.forecasters.calibration import Calibration
from finalmile.forecasters.outcomes import Outcomes, join_outcomes, outcomes_at
from finalmile.forecasters.point import PointModel, WindowModel
from finalmile.forecasters.spans import spans_of
from finalmile.frames import IntArray, NameArray, Panel

ORIGINS = 16
SERIES = 4000


def past_origins(panel: Panel, *, windows: Sequence[int], origins: int = ORIGINS, earliest: int) -> list[int]:
    """Period numbers to forecast from again, oldest first, so that each window has its newest ``origins`` of them.

    Parameters
    ----------
    earliest
        No origin before this period number.
    """
    step = spans_of(panel.frequency).step
    shortest, longest = min(windows), max(windows)
    count = origins + -(-(longest - shortest) // step)
    newest = panel.cutoff - shortest
    return [at for k in range(count - 1, -1, -1) if (at := newest - k * step) >= max(earliest, panel.first)]


def few_series(ids: NameArray, *, limit: int = SERIES) -> IntArray:
    """Rows of at most ``limit`` series, chosen by a hash of their ids: others coming or going changes little."""
    if len(ids) <= limit:
        return np.arange(len(ids))
    marks = [hashlib.blake2b(str(one).encode(), digest_size=8).digest() for one in ids]
    chosen: IntArray = np.sort(np.argsort(np.array(marks))[:limit])
    return chosen


def roll(
    panel: Panel,
    *,
    model: PointModel,
    window_model: WindowModel | None = None,
    earliest: int,
    windows: Sequence[int] | None = None,
    origins: Sequence[int] | None = None,
) -> Calibration | None:
    """Calibration from the newest origins at or after ``earliest``; ``None`` where history holds none.

    Large fleets are calibrated on at most 4,000 series. Only origins after whatever the model has learned from
    are out of sample: that is what ``earliest`` is for.

    Parameters
    ----------
    windows
        Lengths to calibrate; those of the panel's frequency by default.
    origins
        Period numbers to forecast from again, where the model can only answer at some.
    """
    some = panel.take(few_series(panel.ids))
    lengths = tuple(windows or spans_of(panel.frequency).windows)
    if origins is None:
        origins = past_origins(panel, windows=lengths, earliest=earliest)
    rows = _roll(some, model=model, window_model=window_model, windows=lengths, origins=origins)
    levels = () if window_model is None else window_model.levels
    return None if rows is None else Calibration.of(rows, levels=levels)


def _roll(
    panel: Panel,
    *,
    model: PointModel,
    window_model: WindowModel | None,
    windows: Sequence[int],
    origins: Sequence[int],
) -> Outcomes | None:
    usable = [one for one in origins if panel.first <= one <= panel.cutoff - min(windows)]
    listed = int(panel.listed_at.min(initial=panel.length))
    parts = [
        outcomes_at(origin, panel, model=model, windows=windows, window_model=window_model)
        for origin in usable
        if listed <= origin - panel.first
    ]
    rows = join_outcomes(parts).newest(ORIGINS) if parts else None
    return rows if rows is not None and len(rows) else None


def renewed(
    known: Calibration | None,
    panel: Panel,
    *,
    model: PointModel,
    window_model: WindowModel | None,
    earliest: int,
    origins: Sequence[int] | None = None,
) -> Calibration | None:
    """A calibration brought up to the panel: origins from ``earliest`` on are made again, older ones kept."""
    windows = None if known is None else np.unique(known.outcomes.window).tolist()
    fresh = roll(panel, model=model, window_model=window_model, earliest=earliest, windows=windows, origins=origins)
    if known is None or fresh is None:
        return fresh or known
    before = int(fresh.outcomes.origin.min())
    both = join_outcomes([known.outcomes.take(known.outcomes.origin < before), fresh.outcomes])
    return Calibration.of(both.newest(ORIGINS), levels=fresh.levels)
