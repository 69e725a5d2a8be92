"""Of two versions that forecast from one cutoff, the one that was live when the day came counts, for everybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from finalmile.frames import FloatArray
from finalmile.workflows.in_force import forecast_in_force, issued_in_force, version_in_force

LAST = 99


@pytest.fixture
def returned(small_shop: Callable[..., Any]) -> Any:
    """Version 1 forecast, version 2 took over and forecast too, and the shop went back to 1, all in one morning."""
    shop = small_shop()
    project = shop.project
    for number, recipe in ((1, "seasonal_naive"), (2, "window_average")):
        shop.morning(100, hour=7 + number)
        project.train("demand", recipe)
        project.promote(number=number, force=True)
        project.forecast()
    shop.morning(100, hour=10)
    project.rollback()
    return shop


def cutoff(shop: Any) -> int:
    return shop.project.shop.frequency.index_of(shop.day(LAST))


def said(shop: Any, number: int) -> FloatArray:
    return shop.project.shop.forecasts.told("demand", cutoff(shop), version=number).mean


def test_after_a_rollback_the_version_that_is_live_again_counts(returned: Any):
    assert not np.allclose(said(returned, 1), said(returned, 2))
    assert version_in_force(returned.project.shop, "demand", cutoff(returned)) == 1
    assert np.allclose(forecast_in_force(returned.project.shop, "demand", cutoff(returned)).mean, said(returned, 1))


def test_the_day_is_judged_by_the_version_that_is_live_again(returned: Any):
    returned.morning(101)
    returned.project.sales.add(returned.sales(100, 101))
    assert returned.project.monitor().looks == 1
    assert returned.project.ledger.load_state("judged version/demand") == b"1"


def test_the_pages_show_the_forecast_of_the_version_that_is_live_again(returned: Any):
    shown = returned.project.home().products.sort("unique_id")["forecast"].to_numpy()
    assert shown == pytest.approx(said(returned, 1)[:, :1].sum(axis=1), rel=1e-5)


def test_impact_is_that_of_the_version_that_was_live(returned: Any, small_shop: Callable[..., Any]):
    plain = small_shop(name="plain")
    plain.project.train()
    plain.project.promote(force=True)
    plain.project.forecast()
    daily = []
    for shop in (returned, plain):
        shop.morning(103)
        shop.project.sales.add(shop.sales(100, 103))
        daily.append(shop.project.impact(shop.day(100), shop.day(102)).daily)
    assert daily[0].equals(daily[1])


def test_what_was_deployed_once_the_day_was_judged_changes_nothing_for_it(returned: Any):
    returned.morning(100, hour=11)
    returned.project.sales.add(returned.sales(100, 101))
    returned.project.monitor()
    returned.morning(100, hour=12)
    returned.project.promote(number=2, force=True)
    assert version_in_force(returned.project.shop, "demand", cutoff(returned)) == 1
    assert issued_in_force(returned.project.shop, "demand", cutoff(returned) + 1).version == 1


def test_what_was_deployed_after_the_day_was_past_changes_nothing_for_it(returned: Any):
    returned.morning(101)
    returned.project.promote(number=2, force=True)
    assert version_in_force(returned.project.shop, "demand", cutoff(returned)) == 1


def test_what_was_deployed_after_the_next_day_was_forecast_changes_nothing_in_days_run_late(returned: Any):
    returned.project.sales.add(returned.sales(100, 101))
    returned.morning(100, hour=11)
    returned.project.forecast()
    returned.morning(100, hour=12)
    returned.project.promote(number=2, force=True)
    assert version_in_force(returned.project.shop, "demand", cutoff(returned)) == 1


def test_while_the_day_lasts_the_live_version_counts(returned: Any):
    returned.morning(100, hour=12)
    returned.project.promote(number=2, force=True)
    assert version_in_force(returned.project.shop, "demand", cutoff(returned)) == 2


def test_without_a_forecast_nobody_counts(small_shop: Callable[..., Any]):
    shop = small_shop()
    assert version_in_force(shop.project.shop, "demand", cutoff(shop)) is None
    assert issued_in_force(shop.project.shop, "demand", cutoff(shop) + 1) is None
