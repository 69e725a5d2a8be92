"""Products of one supplier in one order: how often, which join, and up to what."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.frames import Cumulative, Frequency
from finalmile.inventory import order_lines, position
from finalmile.inventory.joint_replenishment import SupplierCosts, joint_cycles, joint_replenishment
from finalmile.inventory.policies import policies
from finalmile.workflows.order_reasons import reason

products = st.lists(st.tuples(st.floats(0.0, 500.0), st.floats(0.5, 200.0)), min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(st.floats(1.0, 2000.0), products)
def test_cycles_of_many_suppliers_cost_hardly_more_than_the_best_of_all(shared, given_products):
    own, held = (np.array(column) for column in zip(*given_products, strict=True))
    costs = SupplierCosts(
        shared_fixed_cost=shared, individual_fixed_costs=own.tolist(), holding_costs=held.tolist(),
        demand_rates=[1.0] * len(own),
    )  # fmt: skip
    time, multiple = joint_cycles(
        np.zeros(len(own), dtype=np.int64),
        shared_fixed_cost=np.array([shared]),
        individual_fixed_cost=own,
        held=held,
    )
    told = costs.cycle([int(one) for one in multiple])
    assert time[0] == pytest.approx(told.base_cycle_time)
    best = joint_replenishment(costs).cost_rate
    assert best * (1 - 1e-9) <= told.cost_rate <= best * 1.01


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 900.0), products), min_size=1, max_size=4))
def test_each_suppliers_cycle_is_its_own(suppliers):
    both = [(row, own, held) for row, (_, items) in enumerate(suppliers) for own, held in items]
    row, own, held = (np.array(column) for column in zip(*both, strict=True))
    shared = np.array([cost for cost, _ in suppliers])
    time, multiple = joint_cycles(row, shared_fixed_cost=shared, individual_fixed_cost=own, held=held)
    for number in range(len(suppliers)):
        mine = row == number
        alone = joint_cycles(
            np.zeros(mine.sum(), dtype=np.int64), shared_fixed_cost=shared[number : number + 1],
            individual_fixed_cost=own[mine], held=held[mine],
        )  # fmt: skip
        assert alone[0][0] == time[number]
        assert (alone[1] == multiple[mine]).all()


def planned(on_hand, *, shared=20.0, suppliers=None, mean=6.0, **terms):
    """Items of three periods to be covered, of which six are expected and twelve suffice."""
    n = len(on_hand)
    names = ["acme"] * n if suppliers is None else suppliers
    one = np.ones(n)
    at = position(
        np.array([f"item {k}" for k in range(n)], dtype=object),
        on_hand=np.array(on_hand, dtype=float),
        lead_periods=np.full(n, 2),
        supplier=np.array(names, dtype=object),
        **{"unit_cost": one, "order_cost": one, "holding_rate": 0.1 * one, **terms},
    )
    means = (mean * one)[:, None].astype(np.float32)
    told = Cumulative(
        windows=np.full((n, 1), 3), mean=means, levels=(0.98,), values=2 * means[:, :, None],
        methods=np.full(n, "cqr", dtype=object),
    )  # fmt: skip
    return policies.make("joint_replenishment", shared_order_cost=shared)(at, told)


def test_nothing_is_ordered_while_nobody_is_below_its_point():
    assert planned([12.0, 13.0, 40.0]).quantity.tolist() == [0, 0, 0]


def test_what_would_be_short_before_the_next_order_joins_and_what_lasts_does_not():
    told = planned([11.0, 13.0, 200.0])
    assert (told.quantity[:2] > 0).all()
    assert told.quantity[2] == 0
    cycle, each = planned([11.0, 13.0]).details["base_cycle"][0], 2.0
    assert planned([11.0, 12 + cycle * each - 0.5]).quantity[1] > 0
    assert planned([11.0, 12 + cycle * each + 0.5]).quantity[1] == 0


def test_another_suppliers_order_and_items_without_a_supplier_join_nothing():
    assert planned([11.0, 13.0], suppliers=["acme", "bolt"]).quantity[1] == 0
    assert planned([11.0, 13.0], suppliers=["", ""]).quantity[1] == 0


def test_a_dearer_order_comes_less_often_and_a_dear_line_not_in_each():
    cheap, dear = (float(planned([0.0, 0.0], shared=cost).quantity.sum()) for cost in (1.0, 100.0))
    assert cheap < dear
    told = planned([0.0, 0.0], order_cost=np.array([1.0, 200.0]))
    multiple = next(step for step in told.steps if step.name == "multiple").values
    assert multiple[0] == 1
    assert multiple[1] > 1


def test_items_without_costs_or_demand_weigh_nothing_and_are_kept_supplied():
    told = planned([0.0, 0.0], unit_cost=np.array([1.0, np.nan]))
    alone = planned([0.0])
    assert told.quantity[0] == alone.quantity[0]
    assert told.quantity[1] > 0
    assert planned([0.0, 0.0], mean=np.array([6.0, 0.0])).quantity[1] == 0


def test_an_item_without_a_forecast_is_left_out_and_changes_nobodys_order():
    told = planned([0.0, 0.0], mean=np.array([6.0, np.nan]))
    assert told.bound[1] == "no_forecast"
    assert told.quantity[0] == planned([0.0]).quantity[0]


@pytest.mark.parametrize(
    "wrong", [{"cycle_service": 0.0}, {"shared_order_cost": -1.0}, {"holding_rate_per_period": 0.0}]
)
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match=r"it must (be|lie)"):
        policies.make("joint_replenishment", **wrong)


def test_the_sentence_of_a_line_says_that_it_joins():
    told = planned([11.0, 13.0])
    at = position(
        np.array(["item 0", "item 1"], dtype=object), on_hand=np.array([11.0, 13.0]), lead_periods=np.array([2, 2]),
        supplier=np.array(["acme", "acme"], dtype=object),
    )  # fmt: skip
    below, joins = order_lines(at, told, ordered_at=date(2024, 5, 1), frequency=Frequency("day"), currency="EUR")
    assert "it joins the order of its supplier's other products, so " in reason(joins)
    assert "joins" not in reason(below)


def test_what_has_no_room_for_an_order_does_not_make_its_supplier_order():
    free, full = (
        position(
            np.array(["tea", "coffee"], dtype=object),
            on_hand=np.array([3.0, 15.0]),
            lead_periods=np.array([2, 2]),
            pack_size=np.array([6.0, 1.0]),
            max_stock=np.array([most, np.inf]),
            unit_cost=np.ones(2),
            order_cost=np.ones(2),
            holding_rate=np.full(2, 0.1),
            supplier=np.array(["acme", "acme"], dtype=object),
        )
        for most in (100.0, 8.0)
    )
    told = Cumulative(
        windows=np.array([[3], [3]]),
        mean=np.full((2, 1), 6, dtype=np.float32),
        levels=(0.98,),
        values=np.full((2, 1, 1), 12, dtype=np.float32),
        methods=np.full(2, "cqr", dtype=object),
    )
    policy = policies.make("joint_replenishment", shared_order_cost=5.0)
    assert (policy(free, told).quantity > 0).all()
    assert (policy(full, told).quantity == 0).all()
