"""What a model would have said one period before: the yardstick that a monitor measures live losses with."""

from __future__ import annotations

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.forecasters.point import PointModel
from finalmile.frames import FloatArray, Panel


def rolled_one_step(model: PointModel, panel: Panel, *, periods: int) -> FloatArray:
    """Forecasts of each of the last periods made one period before, shape (n, periods).

    Works for any model that needs no covariates, by asking it once per period; NaN where a series was not listed
    the period before.

    Parameters
    ----------
    periods
        How many; at most one less than the panel has.
    """
    periods = min(periods, panel.length - 1)
    told = np.full((panel.n, periods), np.nan, dtype=np.float32)
    listed = panel.listed_at
    for column in range(periods):
        cutoff = panel.cutoff - periods + column
        rows = listed <= cutoff - panel.first
        past = panel.at(cutoff).last(model.history(panel.frequency))
        try:
            told[rows, column] = model.mean(past, horizon=1)[:, 0]
        except MissingInputError:  # a table of forecasts may have holes in time
            continue
    return told
