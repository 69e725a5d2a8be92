"""The story of a replay says what it rests on: corrections, certificates, prices, and how long a period is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from finalmile.project import Project
from finalmile.workflows.account import Replayed

SETTINGS = """
models: {demand: {forecaster: seasonal_naive, horizon_days: 14}}
certify: {holdout_days: 14, baseline: seasonal_naive}
assume: {lead_time_days: [2, 6]}
"""


def replayed(shop: Any) -> Replayed:
    return shop.project.replay(shop.day(90), shop.day(99))


def test_sales_that_were_corrected_after_the_span_are_counted_and_not_used(small_shop: Callable[..., Any]):
    shop = small_shop()
    before = replayed(shop)
    shop.morning(105)
    shop.project.sales.add(shop.sales(88, 92, times=10.0).head(3))
    told = replayed(shop)
    assert told.notes == ("3 rows of sales were corrected later; the replay uses what was known on each day.",)
    assert told.notes[0] in told.lines()
    assert told.daily.equals(before.daily)
    assert before.notes == ()


def test_a_correction_that_was_known_within_the_span_is_no_later_one(small_shop: Callable[..., Any]):
    shop = small_shop()
    shop.project.sales.add(
        shop.sales(90, 91, times=10.0).with_columns(known_at=datetime.combine(shop.day(95), datetime.min.time(), UTC))
    )
    assert replayed(shop).notes == ()


@pytest.mark.parametrize(("asked", "verdict"), [(0.5, "failed: forecast value added"), (-9, "passed")])
def test_the_certificate_of_the_first_version_is_told_whether_it_passed_or_not(
    small_shop: Callable[..., Any], asked: float, verdict: str
):
    rules = f"max_abs_bias: 9, coverage_slack: 0.9, min_forecast_value_added: {asked}"
    plain = SETTINGS.replace("baseline: seasonal_naive", f"baseline: seasonal_naive, {rules}")
    shop = small_shop(settings=plain)
    first, second = replayed(shop).happenings[:2]
    assert (first.at, first.kind) == (shop.day(89), "certificate")
    assert verdict in first.text
    assert second.kind == "deployment"


def test_money_of_partly_priced_series_says_of_how_many(small_shop: Callable[..., Any]):
    shop = small_shop()
    names = [f"new {one}" for one in range(4)]
    plain = pl.concat(shop.sales(0, 100).filter(pl.col("unique_id") == f"item {one}") for one in range(4))
    renamed = plain.with_columns(unique_id=pl.col("unique_id").str.replace("item", "new"), price=None)
    shop.project.sales.add(renamed)
    told = replayed(shop)
    assert len(names) + 8 == told.series
    assert (told.ours.priced, told.ours.items) == (8, 12)
    story = "\n".join(told.lines())
    assert "Of 8 of 12 items" in story
    assert "of 8 of 12 series" in story


def test_weeks_are_called_weeks(tmp_path: Path):
    (tmp_path / "finalmile.yaml").write_text(
        "models: {demand: {forecaster: seasonal_naive, horizon_days: 28}}\nassume: {lead_time_days: [7, 7]}\n"
    )
    project = Project.open(tmp_path)
    weeks = [date(2023, 1, 2) + timedelta(days=7 * week) for week in range(80)]
    units = np.random.default_rng(0).poisson(20, 80).astype(float)
    project.sales.add(pl.DataFrame({"unique_id": "a", "ds": weeks, "y": units, "price": 2.0}))
    told = project.replay(weeks[70], weeks[79])
    assert any("item-weeks" in line for line in told.lines())
    assert not any("item-days" in line for line in told.lines())
    assert told.to_dict()["unit"] == "week"
    shown = {kpi.name: kpi for kpi in project.home().kpis}
    assert shown["Stock-outs"].unit == "item-weeks"
    assert "item-weeks" in shown["In stock"].meaning
