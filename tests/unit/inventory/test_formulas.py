"""Formulas by name: every one can be asked from text, and what it lacks is said."""

from __future__ import annotations

import pytest

from finalmile.errors import UnknownNameError
from finalmile.inventory import joint_replenishment, min_max_levels, reorder_quantity
from finalmile.inventory.distributions import Poisson
from finalmile.inventory.formulas import FORMULAS, formula, worked_out
from finalmile.workflows.formulas import work_out

NUMBERS = {
    "demand": "poisson:6", "lead_time_demand": "normal:100,30", "yielded": "normal:0,1",
    "breakpoints": "0,200,500", "unit_costs": "500,475,450", "individual_fixed_costs": "120,840,300",
    "holding_costs": "160,20,50", "demand_rates": "1,1,1", "production_rate": "5000", "demand_rate": "1300",
    "fill_rate": "0.98", "cycle_service": "0.98", "order_quantity": "200", "reorder_point": "120", "level": "120",
    "fixed_cost": "8", "shared_fixed_cost": "600", "holding_cost": "0.225", "stockout_cost": "7.5",
    "holding_cost_rate": "0.2", "mean": "50", "sd": "8", "revenue": "1", "purchase_cost": "3/10",
    "disruption_rate": "1.5", "recovery_rate": "14", "disruption_prob": "0.04", "recovery_prob": "0.25",
    "yield_mean": "0.8", "yield_sd": "0.1",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_every_formula_answers_numbers_as_text(name):
    told = formula(name)
    given = {one: NUMBERS[one] for one in (*told.takes, *({"fixed_cost"} & {*told.may_take}))}
    if name == "cover":
        given["factor"] = "1.65"
    if name in ("wagner_whitin", "silver_meal"):
        given["demand"] = "90,120,80,70"
    if name == "base_stock_with_disruptions":
        given["demand"] = "2000"
    if name == "exact_reorder_quantity":
        given["lead_time_demand"] = "poisson:3"
    assert told.about
    assert work_out(name, {}).lines()[0] == told.about
    answer = worked_out(name, given)
    assert answer
    assert any(value is not None for value in answer.values())
    for key, line in zip(answer, work_out(name, given).lines(), strict=True):
        assert line.startswith(f"{key} = ")


def test_answers_are_those_of_the_functions():
    costs = {"fixed_cost": "64", "holding_cost": "1", "stockout_cost": "9"}
    given = reorder_quantity.Costs(fixed_cost=64.0, holding_cost=1.0, stockout_cost=9.0)
    levels = min_max_levels.exact(Poisson(10.0), costs=given)
    assert worked_out("exact_min_max", {"demand": "poisson:10", **costs})["order_up_to"] == levels.order_up_to
    supplier = joint_replenishment.SupplierCosts(
        shared_fixed_cost=600.0, individual_fixed_costs=[120.0, 840.0], holding_costs=[160.0, 20.0],
        demand_rates=[1.0, 1.0],
    )  # fmt: skip
    asked = {"shared_fixed_cost": "600", "individual_fixed_costs": "120,840", "holding_costs": "160,20"}
    told = worked_out("joint_replenishment", {**asked, "demand_rates": "1,1"})
    assert told["order_multiples"] == joint_replenishment.joint_replenishment(supplier).order_multiples
    chances = worked_out("newsvendor", {"demand": "0:1/2,4:1/2", "holding_cost": "1", "stockout_cost": "2"})
    assert chances["base_stock_level"] == 4.0


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("economic_order_quantity", {"fixed_cost": "8"}, "needs holding_cost, demand_rate too"),
        ("economic_order_quantity", {"fixed": "8"}, "does not take fixed"),
        ("implied_stockout_cost", {"cycle_service": "high", "holding_cost": "1"}, "give a number"),
        ("implied_stockout_cost", {"cycle_service": "1/0", "holding_cost": "1"}, "give a number"),
        ("newsvendor", {"demand": "binomial:3", "holding_cost": "1", "stockout_cost": "1"}, "poisson:..."),
        ("newsvendor", {"demand": "normal:3", "holding_cost": "1", "stockout_cost": "1"}, "normal takes mean, sd"),
        ("hadley_whitin", {"lead_time_demand": "poisson:3", "demand_rate": "1", "fixed_cost": "1", "holding_cost": "1",
                           "stockout_cost": "1"}, "normal:MEAN,SD"),
        ("quantity_with_disruptions", {**dict.fromkeys(formula("quantity_with_disruptions").takes, "1"),
                                       "approximate": "perhaps"}, "give yes or no"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_what_can(name, given, said):
    with pytest.raises(ValueError, match=said):
        worked_out(name, given)


def test_an_unknown_formula_is_named_with_its_likes():
    with pytest.raises(UnknownNameError, match="economic_order_quantity"):
        worked_out("economic_order_quantiy", {})
