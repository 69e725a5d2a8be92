"""Which forecasts the output check looks at, and what it knows of the days."""

from __future__ import annotations

import numpy as np

from finalmile.frames import Frequency, Panel
from finalmile.monitoring.loss.state import LossReference
from finalmile.workflows.watching.outputs import _reference
from finalmile.workflows.watching.references import Before

DAY, T = Frequency("day"), 120


def told() -> Before:
    """Two products, of which one was taken off the shelves on day 40; forecasts of the last 60 days."""
    ids = np.array(["gone", "sells"], dtype=object)
    y = np.full((2, T), 5.0, dtype=np.float32)
    y[0, 40:] = 0.0
    panel = Panel(ids=ids, frequency=DAY, first=0, y=y, censored=np.zeros(y.shape, dtype=np.bool_))
    forecast = np.full((2, 60), 5.0, dtype=np.float32)
    forecast[0] = 0.01
    loss = LossReference(
        ids=ids, frequency=DAY, first=60, actual=y[:, 60:], forecast=forecast, calendar=np.eye(60)[:, [3]]
    )
    return Before(panel=panel, loss=loss, names=["holiday"])


def test_forecasts_of_what_has_not_sold_for_a_month_are_left_out() -> None:
    rows = np.exp(_reference(told()).scalars[:, 0])
    assert rows[:8].round().tolist() == [2.0] * 8
    assert rows[8:].round().tolist() == [1.0] * 52


def test_the_days_that_have_a_name_are_known() -> None:
    calendar = _reference(told()).calendar
    assert calendar is not None
    assert calendar[:, 0].tolist() == np.eye(60)[3].tolist()
