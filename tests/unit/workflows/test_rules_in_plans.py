"""Rules of the settings in a real plan: what binds is told, in the lines and beside them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from finalmile.errors import ConfigError
from finalmile.project import Project
from finalmile.workflows.reports import Planned

from .conftest import HISTORY, SERIES, SmallShop

RULES = """
models: {{demand: {{forecaster: seasonal_naive, horizon_days: 14}}}}
assume: {{lead_time_days: 2}}
plan: {{review_period_days: 1, rules: {rules}}}
suppliers: {{acme: {{minimum_money: {least}}}}}
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    """A shop in which all is ready to plan."""
    shop = SmallShop(tmp_path_factory.mktemp("rules") / "shop", RULES.format(rules="[]", least=0))
    names = [f"item {one}" for one in range(SERIES)]
    shop.project.items.add(pl.DataFrame({"unique_id": names, "unit_cost": 1.0, "unit_price": 2.0}))
    shop.project.stock.add(pl.DataFrame({"unique_id": names, "at": shop.day(HISTORY - 1), "on_hand": 3.0}))
    shop.project.train()
    shop.project.promote(force=True)
    return shop


@pytest.fixture
def planned(template: SmallShop, tmp_path: Path) -> Callable[..., tuple[Project, Planned]]:
    """Plans of the same shop under other rules."""

    def made(rules: str, *, least: int = 200, **terms: object) -> tuple[Project, Planned]:
        folder = tmp_path / f"shop-{len(list(tmp_path.iterdir()))}"
        shutil.copytree(template.folder, folder)
        (folder / "finalmile.yaml").write_text(RULES.format(rules=rules, least=least))
        project = Project.open(folder, clock=template.clock)
        if terms:
            names = [f"item {one}" for one in range(SERIES)]
            project.items.add(pl.DataFrame({"unique_id": names, "unit_cost": 1.0, "unit_price": 2.0, **terms}))
        return project, project.plan()

    return made


def units(told: Planned) -> int:
    return sum(line.quantity for line in told.orders)


def test_a_budget_is_kept_and_the_plan_and_its_lines_say_so(planned: Callable[..., tuple[Project, Planned]]) -> None:
    free = units(planned("[]")[1])
    project, told = planned("[{budget: {money: 100}}]")
    assert 0 < units(told) <= 100 < free
    (note,) = [note for note in told.notes if note.startswith("budget: ")]
    assert f"{100 - free:+,d} units" in note
    cut = next(line for line in told.orders if line.reason["bound"] == "budget")
    steps = cut.reason["steps"]
    assert isinstance(steps, list)
    assert steps[-1]["rule"] == "budget"
    assert steps[-1]["value"] == cut.quantity
    forgone = cut.reason["budget_forgone"]
    assert isinstance(forgone, float)
    assert forgone > 0
    assert any("[budget]" in step for step in project.orders(cut.order_id).worked(cut))


def test_a_budget_is_not_spent_again_by_planning_the_day_again(
    planned: Callable[..., tuple[Project, Planned]],
) -> None:
    project, told = planned("[{budget: {money: 100}}]")
    for line in told.orders[:2]:
        project.approve_orders(line.order_id, product=line.unique_id)
    project.plan()
    open_ones = [line for line in project.orders().rows if line.state != "cancelled"]
    assert {line.state for line in open_ones} == {"approved", "proposed"}
    assert sum(line.quantity * (line.unit_cost or 0) for line in open_ones) <= 100


def test_what_expires_before_it_sells_is_not_ordered(planned: Callable[..., tuple[Project, Planned]]) -> None:
    _, told = planned("[shelf_life]", shelf_life_days=1.0)
    _, keeps = planned("[shelf_life]", shelf_life_days=100.0)
    assert units(told) < units(keeps)
    assert {line.reason["bound"] for line in told.orders} == {"shelf_life"}
    assert any(note.startswith("shelf_life: ") for note in told.notes)


def test_an_order_below_what_its_supplier_takes_waits_and_the_plan_says_so(
    planned: Callable[..., tuple[Project, Planned]],
) -> None:
    _, told = planned("[supplier_minimum]", least=2000, supplier_id="acme")
    assert told.orders == ()
    assert any("supplier_minimum" in note and f"{SERIES:,} items wait" in note for note in told.notes)


def test_a_cheaper_price_raises_the_order_and_is_what_its_line_costs(
    planned: Callable[..., tuple[Project, Planned]],
) -> None:
    usual = {line.unique_id: line.quantity for line in planned("[price_breaks]", least=0)[1].orders}
    least = max(usual.values()) + 1
    _, told = planned("[price_breaks]", least=0, price_breaks=f"{least}:0.5")
    assert {line.quantity for line in told.orders} == {least}
    assert {line.unit_cost for line in told.orders} == {0.5}
    assert {line.reason["bound"] for line in told.orders} == {"price_breaks"}
    _, cut = planned("[price_breaks, {budget: {money: 300}}]", least=0, price_breaks=f"{least}:0.5")
    assert {line.unit_cost for line in cut.orders} == {0.5, 1.0} or units(cut) < SERIES * least
    assert all(line.unit_cost == (0.5 if line.quantity >= least else 1.0) for line in cut.orders)
    assert sum(line.quantity * (line.unit_cost or 0) for line in cut.orders) <= 300


def test_price_breaks_that_say_nothing_stop_the_plan_with_the_item(
    planned: Callable[..., tuple[Project, Planned]],
) -> None:
    with pytest.raises(ConfigError, match="item 'item 0' has price_breaks 'cheap'"):
        planned("[price_breaks]", price_breaks="cheap")


def test_a_store_is_not_filled_beyond_what_it_holds(planned: Callable[..., tuple[Project, Planned]]) -> None:
    _, told = planned("[{storage: {capacity: {shop: 90}}}]", location_id="shop")
    assert 0 < units(told) <= 90 - 3 * SERIES


def test_planning_again_under_rules_changes_nothing(planned: Callable[..., tuple[Project, Planned]]) -> None:
    project, _ = planned("[{budget: {money: 100}}]")
    before = project.orders().rows
    project.plan()
    assert project.orders().rows == before


def test_a_rule_that_there_is_not_is_a_fault_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "finalmile.yaml").write_text("plan:\n  rules:\n    - bugdet: {money: 5}\n")
    with pytest.raises(ConfigError, match=r"finalmile.yaml:3: .*bugdet.*budget"):
        Project.open(tmp_path)


def test_an_order_that_a_budget_made_too_small_waits_and_its_cost_is_told(
    planned: Callable[..., tuple[Project, Planned]],
) -> None:
    rules = "[{supplier_minimum: {top_up_share: 1}}, {budget: {money: 100}}]"
    _, told = planned(rules, supplier_id="acme")
    assert told.orders == ()
    (note,) = [note for note in told.notes if note.startswith("supplier_minimum") and "wait" in note]
    assert "; -" in note
    assert " 0.00 EUR" not in note


def test_what_keeps_for_a_part_of_a_period_sells_in_that_part(planned: Callable[..., tuple[Project, Planned]]) -> None:
    told = [units(planned("[shelf_life]", least=0, shelf_life_days=days)[1]) for days in (0.25, 0.5, 0.75, 1.0)]
    assert told == sorted(told)
    assert told[0] < told[1] < told[3]


def test_a_supplier_that_no_item_names_is_told_by_plans_and_checks(
    planned: Callable[..., tuple[Project, Planned]],
) -> None:
    project, told = planned("[]", supplier_id="ACME")
    slip = "suppliers: no item has the supplier 'acme', so what is said of it changes nothing. Did you mean 'ACME'?"
    assert slip in told.notes
    assert slip in project.check().faults
    _, meant = planned("[]", supplier_id="acme")
    assert not any("no item has the supplier" in note for note in meant.notes)


def test_settings_for_suppliers_are_told_where_items_name_none(planned: Callable[..., tuple[Project, Planned]]) -> None:
    _, told = planned("[]")
    assert any("Items name their supplier in the column supplier_id" in note for note in told.notes)


def test_cover_for_less_than_the_way_of_the_next_order_is_told(template: SmallShop, tmp_path: Path) -> None:
    def notes(settings: str) -> tuple[str, ...]:
        folder = tmp_path / f"shop-{len(list(tmp_path.iterdir()))}"
        shutil.copytree(template.folder, folder)
        plain = RULES.format(rules="[]", least=0)
        plain = plain.replace("plan: {", f"plan: {{policy: periods_of_cover, {settings}")
        (folder / "finalmile.yaml").write_text(plain)
        return tuple(Project.open(folder, clock=template.clock).plan().notes)

    (short,) = [note for note in notes("settings: {periods: 1}, ") if "looks less far ahead" in note]
    assert f"for {SERIES:,} of {SERIES:,} items (item 0, item 1" in short
    assert not any("looks less far ahead" in note for note in notes("settings: {periods: 9}, "))


def test_a_plan_names_what_costs_more_to_stock_than_it_brings(
    planned: Callable[..., tuple[Project, Planned]],
) -> None:
    project, _ = planned("[]", least=0, order_cost=100_000.0)
    path = project.folder / "finalmile.yaml"
    path.write_text(path.read_text().replace("review_period_days: 1", "review_period_days: 1, policy: min_max_by_cost"))
    told = Project.open(project.folder, clock=project.clock).plan()
    assert not told.orders
    assert any("cost more to stock than they bring" in note and "order_cost" in note for note in told.notes)


def test_a_plan_says_which_proposals_of_before_it_takes_back(planned: Callable[..., tuple[Project, Planned]]) -> None:
    project, first = planned("[]", least=0)
    line = first.orders[0]
    project.edit_order(line.order_id, line.unique_id, quantity=line.quantity + 1, code="event", by="ann")
    day = project.sales.read()["ds"].max()
    names = project.sales.read()["unique_id"].unique().to_list()
    project.sales.add(pl.DataFrame({"unique_id": names, "ds": [day + timedelta(days=1)] * len(names), "y": 1.0}))
    project.forecast()
    told = [note for note in project.plan().notes if "nobody approved" in note]
    assert len(told) == 1
    assert f"1 of them edited by hand ({line.unique_id} {line.quantity + 1})" in told[0]
