"""Suppliers' calendars in real plans: items wait for the day, and orders last until the next that can be had."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from finalmile.errors import ConfigError, MissingInputError
from finalmile.project import Project
from finalmile.workflows.calendars import first_day
from finalmile.workflows.turns import due_at

from .conftest import HISTORY, SERIES, SmallShop

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
BASE = """
models: {demand: {forecaster: seasonal_naive, horizon_days: 21}}
assume: {lead_time_days: 2}
plan: {review_period_days: 1}
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    shop = SmallShop(tmp_path_factory.mktemp("calendars") / "shop", BASE)
    names = [f"item {one}" for one in range(SERIES)]
    shop.project.items.add(pl.DataFrame({"unique_id": names, "unit_cost": 1.0, "supplier_id": "acme"}))
    shop.project.stock.add(pl.DataFrame({"unique_id": names, "at": shop.day(HISTORY - 1), "on_hand": 3.0}))
    shop.project.train()
    shop.project.promote(force=True)
    return shop


@pytest.fixture
def shop_with(template: SmallShop, tmp_path: Path) -> Iterator[Callable[[str], Project]]:
    """The same shop, whose supplier has other days; it is eight in the morning, UTC."""

    def made(terms: str) -> Project:
        folder = tmp_path / f"shop-{len(list(tmp_path.iterdir()))}"
        shutil.copytree(template.folder, folder)
        (folder / "finalmile.yaml").write_text(f"{BASE}suppliers: {{acme: {{{terms}}}}}\n")
        return Project.open(folder, clock=template.clock)

    template.morning(HISTORY)
    yield made
    template.morning(HISTORY)


def weekday(number: int) -> str:
    return WEEK[SmallShop.day(number).weekday()]


def test_on_its_order_day_a_supplier_gets_an_order_that_lasts_until_the_next(
    shop_with: Callable[[str], Project],
) -> None:
    told = shop_with(f"order_days: [{weekday(HISTORY)}]").plan()
    assert {line.reason["review_periods"] for line in told.orders} == {7}
    assert {str(line.reason["lead_time_from"]) for line in told.orders} == {
        f"assumed; orders {weekday(HISTORY)}, deliveries every day"
    }
    assert {line.due for line in told.orders} == {SmallShop.day(HISTORY + 2)}


def test_on_other_days_its_items_wait_and_the_plan_says_so(shop_with: Callable[[str], Project]) -> None:
    told = shop_with(f"order_days: [{weekday(HISTORY + 1)}]").plan()
    assert told.orders == ()
    assert any("acme" in note and "wait" in note for note in told.notes)


def test_after_the_cut_off_the_day_is_over(shop_with: Callable[[str], Project]) -> None:
    days = f"order_days: [{weekday(HISTORY)}]"
    assert shop_with(f"{days}, cut_off: 09:30").plan().orders
    assert not shop_with(f"{days}, cut_off: 07:30").plan().orders
    assert not shop_with(f"{days}, cut_off: 09:30, time_zone: Asia/Tokyo").plan().orders
    assert shop_with(f"{days}, cut_off: 17:30, time_zone: Asia/Tokyo").plan().orders


def test_goods_come_on_delivery_days(shop_with: Callable[[str], Project]) -> None:
    told = shop_with(f"delivery_days: [{weekday(HISTORY + 5)}]").plan()
    assert {line.due for line in told.orders} == {SmallShop.day(HISTORY + 5)}
    assert {line.reason["review_periods"] for line in told.orders} == {7}


def test_days_of_the_week_mean_nothing_to_weekly_sales(shop_with: Callable[[str], Project], tmp_path: Path) -> None:
    project = Project.open(tmp_path / "weekly")
    weeks = [SmallShop.day(7 * t) for t in range(12)]
    project.sales.add(pl.DataFrame({"unique_id": "a", "ds": weeks, "y": 1.0}))
    with pytest.raises(MissingInputError, match="need daily sales"):
        first_day(project.shop, project.shop.known.newest)


@pytest.mark.parametrize("terms", ["order_days: [monday]", "cut_off: noon", "time_zone: Mars/Olympus"])
def test_a_day_hour_or_zone_that_there_is_not_is_a_fault(terms: str, tmp_path: Path) -> None:
    (tmp_path / "finalmile.yaml").write_text(f"suppliers:\n  acme: {{{terms}}}\n")
    with pytest.raises(ConfigError, match=r"finalmile.yaml:2: .*acme"):
        Project.open(tmp_path)


def test_items_of_a_supplier_that_are_reviewed_less_often_come_with_some_turn_of_the_others() -> None:
    import numpy as np

    from finalmile.inventory import position

    at = position(
        np.array(["a", "b"], dtype=object), on_hand=np.zeros(2), lead_periods=np.ones(2, dtype=np.int64),
        review_periods=np.array([7, 14]), supplier=np.array(["acme", "acme"], dtype=object),
    )  # fmt: skip
    turns = np.array([due_at(at, cutoff) for cutoff in range(280)])
    assert turns.sum(axis=0).tolist() == [40, 20]
    assert (turns[:, 0] | ~turns[:, 1]).all()


def test_nothing_is_due_twice_in_a_week_and_nothing_is_forgotten(shop_with: Callable[[str], Project]) -> None:
    from finalmile.workflows.terms import positions
    from finalmile.workflows.turns import due_now

    project = shop_with(f"order_days: [{weekday(HISTORY)}, {weekday(HISTORY + 3)}]")
    shop, days = project.shop, []
    panel = shop.known.panel(shop.known.newest, periods=1)
    import numpy as np

    for back in range(14):
        cutoff = shop.known.newest - back
        at = positions(shop, panel, on_hand=np.zeros(panel.n))
        if due_now(shop, at, cutoff=cutoff).all():
            days.append(shop.day(cutoff + 1))
    start = SmallShop.day(HISTORY)
    assert days == [start - timedelta(days=n) for n in (0, 4, 7, 11)]


def test_where_lead_times_vary_each_is_held_against_the_next_delivery_that_could_be_had(
    shop_with: Callable[[str], Project],
) -> None:
    """Orders any day, deliveries once a week: what takes a day longer comes at once, or a week later."""
    project = shop_with(f"delivery_days: [{weekday(HISTORY + 3)}]")
    names = [f"item {one}" for one in range(SERIES)]
    terms = {"unit_cost": 1.0, "supplier_id": "acme", "lead_time_days": 2.5, "lead_time_days_sd": 1.0}
    project.items.add(pl.DataFrame({"unique_id": names, **terms}))
    windows = [
        {value for name, value in line.reason.items() if name.startswith("w") and name.endswith("_periods")}
        for line in project.plan().orders
    ]
    assert windows
    assert all(told == {3, 10} for told in windows)
