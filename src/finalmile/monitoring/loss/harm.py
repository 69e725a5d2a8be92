"""Which rises of errors of products are large enough to be worth a name."""

from __future__ import annotations

import numpy as np

from finalmile.frames import BoolArray
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.loss.state import LossState


def harmful(state: LossState, *, tolerance: float) -> BoolArray:
    """Products whose error rose by more than a share of what products of this fleet usually miss by, shape (n,).

    A product that no longer sells has next to no error: a forecast of 0.03 units a day where 0.01 was usual is three
    times the error, proved within days, and worth nobody's time. Evidence of other products is as it was, so false
    names stay as rare as promised.
    """
    if not len(state.ids):
        return np.zeros(0, dtype=np.bool_)
    shifts = state.products.effect()[state.channels].max(axis=1)
    rise: Doubles = np.maximum(shifts, state.products.recent.reshape(-1, 2)[:, 0])
    usual = float(np.nanmean(state.mae)) if np.isfinite(state.mae).any() else 0.0
    enough: BoolArray = rise * state.mae * state.widening >= tolerance * usual
    return enough
