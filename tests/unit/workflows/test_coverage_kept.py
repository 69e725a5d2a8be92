"""Shares that quantiles held, look after look."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from finalmile.frames import Frequency
from finalmile.monitoring.checks.coverage import CoverageLook
from finalmile.workflows.watching.coverage import _kept


def look(period: int) -> tuple[Any, CoverageLook]:
    seen = SimpleNamespace(period=period, panel=SimpleNamespace(frequency=Frequency("day")))
    one = np.array([1.0])
    return seen, CoverageLook(period=period, kinds=np.array(["q0.98 class 1"]), held=one, n=one, pinball=one)


def test_the_same_period_again_keeps_the_history() -> None:
    classes: Any = SimpleNamespace(edges=(1.0,))
    shares = None
    for period in (5, 6, 6, 7, 5):
        seen, one = look(period)
        shares = _kept(seen, one, shares, classes)
    assert shares is not None
    assert (shares.told.first, shares.told.held.shape) == (5, (1, 3))
