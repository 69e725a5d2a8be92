"""Plans with lead times as suppliers deliver, not as they promise; and what is planned where no forecast is."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from finalmile.frames import Cumulative, Forecast
from finalmile.inventory import position, protection_windows
from finalmile.inventory.ladder import BINOMIAL
from finalmile.inventory.ladder import HISTORY as HISTORY_ALONE
from finalmile.inventory.lead_times import certain, from_pmf, side_by_side
from finalmile.project import Project
from finalmile.records import OrderLine
from finalmile.workflows.arrivals import KnownArrivals
from finalmile.workflows.plan import lined_up
from finalmile.workflows.propose import over_windows
from finalmile.workflows.replay import drawn_leads

from .conftest import HISTORY, SERIES, SmallShop

SETTINGS = """
models: {{demand: {{forecaster: seasonal_naive, horizon_days: 14}}}}
plan: {{review_period_days: 7{more}}}
"""
NAMES = [f"item {one}" for one in range(SERIES)]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    shop = SmallShop(tmp_path_factory.mktemp("leads") / "shop", SETTINGS.format(more=""))
    facts = {"supplier_id": "acme", "lead_time_days": 3.0, "unit_cost": 1.0, "unit_price": 2.0}
    shop.project.items.add(pl.DataFrame({"unique_id": NAMES, **facts}))
    shop.project.stock.add(pl.DataFrame({"unique_id": NAMES, "at": shop.day(HISTORY - 1), "on_hand": 0.0}))
    shop.project.train()
    shop.project.promote(force=True)
    return shop


def opened(template: SmallShop, folder: Path, *, more: str = "") -> Project:
    shutil.copytree(template.folder, folder)
    (folder / "finalmile.yaml").write_text(SETTINGS.format(more=more))
    return Project.open(folder, clock=template.clock)


def deliveries(days: list[int], *, last: int = HISTORY - 1) -> pl.DataFrame:
    """One order after another, the newest of which came on a day."""
    came = [SmallShop.day(last - number % 20) for number in range(len(days))]
    return pl.DataFrame(
        {
            "order_id": [f"old-{number}" for number in range(len(days))],
            "unique_id": NAMES[0],
            "supplier": "acme",
            "quantity": 1.0,
            "ordered_at": [day - timedelta(days=took) for day, took in zip(came, days, strict=True)],
            "received_at": came,
        }
    )


def planned(project: Project) -> tuple[OrderLine, ...]:
    lines = project.plan().orders
    assert lines
    return tuple(lines)


@pytest.mark.parametrize(
    ("more", "parts"),
    [
        (", orders_overtake: false", {10: 0.9, 20: 0.1}),
        ("", {10: 0.81, 13: 0.09, 17: 0.09, 20: 0.01}),  # late only where the order behind it is late too
    ],
)
def test_a_supplier_that_is_often_late_is_planned_with_as_it_delivers(
    template: SmallShop, tmp_path: Path, more: str, parts: dict[int, float]
) -> None:
    project = opened(template, tmp_path / "shop", more=more)
    promised = {line.unique_id: line for line in planned(project)}
    project.receipts.add(deliveries([3] * 36 + [13] * 4))
    for line in planned(project):
        told = line.reason
        assert told["lead_time_from"] == "40 deliveries of acme"
        assert told["lead_time_mean"] == pytest.approx(4)
        shares = {told[f"w{k + 1}_periods"]: told[f"w{k + 1}_share"] for k in range(len(parts))}
        assert shares == {periods: pytest.approx(share) for periods, share in parts.items()}
        assert line.due == line.ordered_at + timedelta(days=4)
        assert line.quantity > promised[line.unique_id].quantity
        assert promised[line.unique_id].reason["lead_time_from"] == "given"


@pytest.mark.parametrize(("more", "came"), [("", 29), (", learn_lead_times: false", 40)])
def test_a_promise_holds_where_little_came_or_nobody_wants_to_learn(
    template: SmallShop, tmp_path: Path, more: str, came: int
) -> None:
    project = opened(template, tmp_path / "shop", more=more)
    project.receipts.add(deliveries([13] * came))
    assert {line.reason["lead_time_from"] for line in planned(project)} == {"given"}


def test_what_came_after_a_day_is_not_known_on_it() -> None:
    came = deliveries([3] * 30 + [13] * 10)
    known = KnownArrivals(receipts=lambda: came, lines=lambda _: ())
    days = came.filter(pl.col("received_at") <= SmallShop.day(HISTORY - 8))
    assert 0 < len(known(SmallShop.day(HISTORY - 8))["acme"]) == days.height < came.height
    assert len(known(SmallShop.day(HISTORY))["acme"]) == came.height


def test_a_deviation_that_an_item_tells_is_planned_with(template: SmallShop, tmp_path: Path) -> None:
    project = opened(template, tmp_path / "shop")
    facts = {"supplier_id": "acme", "unit_cost": 1.0, "unit_price": 2.0, "lead_time_days": 3.0}
    project.items.add(pl.DataFrame({"unique_id": NAMES, **facts, "lead_time_days_sd": [0.0] + [2.0] * (SERIES - 1)}))
    lines = {line.unique_id: line for line in planned(project)}
    assert lines[NAMES[0]].reason["lead_time_sd"] == 0
    assert "w1_share" not in lines[NAMES[0]].reason
    assert lines[NAMES[1]].reason["lead_time_sd"] == pytest.approx(2, abs=0.6)


def test_two_ways_of_ordering_meet_the_same_lateness_as_often_as_it_comes() -> None:
    n = 2000
    times = side_by_side([certain(2), *[from_pmf([0, 0, 0.75, 0, 0.25])] * (n - 1)])
    ids = np.array([f"item {one}" for one in range(n)], dtype=object)
    at = position(ids, on_hand=np.zeros(n), lead_periods=np.full(n, 3), lead_times=times)
    drawn = drawn_leads(at, cutoff=5, seed=0)
    assert (drawn == drawn_leads(at, cutoff=5, seed=0)).all()
    assert drawn[0] == 2
    assert (drawn == 4).mean() == pytest.approx(0.25, abs=0.04)
    assert (drawn != drawn_leads(at, cutoff=6, seed=0)).any()


def test_what_no_forecast_knows_is_planned_from_its_past_and_says_so(template: SmallShop) -> None:
    shop = template.project.shop
    panel = shop.known.panel(shop.known.newest)
    at = position(panel.ids, on_hand=np.zeros(panel.n), lead_periods=np.full(panel.n, 3))
    windows = protection_windows(at)
    some = Forecast(
        ids=panel.ids[:2],
        frequency=panel.frequency,
        cutoff=panel.cutoff,
        mean=np.ones((2, 14), dtype=np.float32),
        cumulative=Cumulative(
            windows=windows[:2],
            mean=np.full((2, 1), 4, dtype=np.float32),
            levels=(0.5, 0.98),
            values=np.full((2, 1, 2), 7, dtype=np.float32),
            methods=np.full(2, "cqr", dtype=object),
        ),
    )
    told = lined_up(some, panel.ids)
    said = over_windows(told, protection_windows(at), panel=panel, levels=(0.98,))
    assert said.methods.tolist() == ["cqr"] * 2 + [HISTORY_ALONE] * (panel.n - 2)
    assert np.isfinite(said.values).all()
    alone = over_windows(replace(told, cumulative=None), protection_windows(at), panel=panel, levels=(0.98,))
    assert alone.methods.tolist() == [BINOMIAL] * 2 + ["history (no forecast)"] * (panel.n - 2)


@pytest.mark.parametrize("policy", ["min_max", "reorder_point", "lot_sizing", "min_max_by_cost", "joint_replenishment"])
def test_lots_weigh_holding_by_each_items_own_rate_a_year(template: SmallShop, tmp_path: Path, policy: str) -> None:
    project = opened(template, tmp_path / "shop", more=f", policy: {policy}")
    terms = {"supplier_id": "acme", "lead_time_days": 3.0, "unit_cost": 1.0, "unit_price": 2.0, "order_cost": 5.0}
    rates = [0.73 if name == NAMES[0] else None for name in NAMES]
    project.items.add(pl.DataFrame({"unique_id": NAMES, **terms, "holding_rate_per_year": rates}))
    told = {line.unique_id: float(str(line.reason["holding_rate_per_period"])) for line in planned(project)}
    assert told.pop(NAMES[0]) == pytest.approx(0.002)
    assert list(told.values()) == pytest.approx([0.25 / 365] * len(told))


def test_what_an_order_of_a_supplier_costs_is_weighed_as_the_settings_say(template: SmallShop, tmp_path: Path) -> None:
    cycles = []
    for number, cost in enumerate((1, 50)):
        project = opened(template, tmp_path / str(number), more=", policy: joint_replenishment")
        with (project.folder / "finalmile.yaml").open("a") as settings:
            settings.write(f"suppliers: {{acme: {{order_cost: {cost}}}}}\n")
        told = planned(Project.open(project.folder, clock=template.clock))
        assert {line.reason["shared_order_cost"] for line in told} == {cost}
        cycles.append({line.reason["base_cycle"] for line in told})
    assert len(cycles[0]) == len(cycles[1]) == 1
    assert min(cycles[0]) < min(cycles[1])  # type: ignore[type-var]


def test_a_plan_says_where_ordering_counts_as_free_because_nobody_told_its_cost(
    template: SmallShop, tmp_path: Path
) -> None:
    free = opened(template, tmp_path / "free", more=", policy: min_max_by_cost").plan()
    assert any("no item has an order_cost" in note for note in free.notes)
    told = opened(template, tmp_path / "told", more=", policy: min_max_by_cost")
    told.items.add(pl.DataFrame({"unique_id": NAMES, "lead_time_days": 3.0, "unit_cost": 1.0, "order_cost": 2.0}))
    assert not any("no item has an order_cost" in note for note in told.plan().notes)
    assert not any("order_cost" in note for note in opened(template, tmp_path / "other").plan().notes)
