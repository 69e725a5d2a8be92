"""The look-ahead policy against games small enough to work out."""

import numpy as np
import pytest

from finalmile.errors import MissingInputError
from finalmile.inventory import NegativeBinomialPaths, PathDemand, position
from finalmile.inventory.policies import policies

COSTS = {"holding_cost": 0.2, "shortage_cost": 1.0}


def item(*, on_hand=0.0, arriving=((0.0, 0.0),), lead=2, review=1, **terms):
    return position(
        np.array(["a"], dtype=object),
        on_hand=np.array([on_hand]),
        lead_periods=np.array([lead]),
        review_periods=np.array([review]),
        arriving=np.array(arriving),
        **terms,
    )


def sure(*demand, paths=10):
    told = np.array(demand, dtype=float)
    return PathDemand(paths=np.tile(told, (1, paths, 1)), mean=told[None, :])


def test_known_demand_is_met_exactly_in_the_period_the_order_arrives():
    at = item(on_hand=5.0, arriving=((2.0, 3.0),))
    # 5+2-4 = 3 left, 3+3-4 = 2 left at arrival, 6 wanted then: 4 more
    proposal = policies.make("look_ahead", **COSTS)(at, sure(4, 4, 6, 0, 0))
    assert proposal.quantity.tolist() == [4]
    assert proposal.details["expected_left_at_arrival"].tolist() == [2]


def test_demand_lost_inside_the_lead_time_is_not_ordered_after_the_fact():
    empty = item()
    assert policies.make("look_ahead", **COSTS)(empty, sure(9, 9, 1, 0, 0)).quantity.tolist() == [1]


def test_an_order_reviewed_every_two_periods_covers_both():
    at = item(lead=1, review=2, arriving=((0.0,),))
    assert policies.make("look_ahead", **COSTS, look_ahead=0)(at, sure(1, 3, 5)).quantity.tolist() == [8]


def test_the_myopic_order_is_the_newsvendors_when_nothing_is_left():
    demand = np.arange(1.0, 61.0)
    paths = np.zeros((1, 60, 1))
    paths[0, :, 0] = demand
    at = item(lead=0, arriving=((0.0,),))
    told = policies.make("look_ahead", **COSTS, look_ahead=0)(at, PathDemand(paths=paths, mean=np.full((1, 1), 30.5)))
    assert told.quantity.tolist() == [50]  # smallest with F >= 1 / 1.2


def test_looking_ahead_orders_no_more_than_the_myopic_order():
    mean = np.random.default_rng(0).uniform(0.5, 20, (30, 5))
    ids = np.array([f"i{k}" for k in range(30)], dtype=object)
    at = position(ids, on_hand=np.full(30, 2.0), lead_periods=np.full(30, 2))
    demand = NegativeBinomialPaths(paths=200)(mean, ids=ids, seed=1)
    told = policies.make("look_ahead", **COSTS)(at, demand)
    assert (told.raw <= told.details["myopic"]).all()
    assert (told.raw < told.details["myopic"]).any()


def rolled_cost(at, demand, quantity):
    """Cost of an order on the policy's own paths, later orders being myopic, rolled by hand from an empty pipeline."""
    paths = demand.paths[0]
    left = np.maximum(np.maximum(at.on_hand[0] - paths[:, 0], 0) - paths[:, 1], 0)
    cost, order, rank = 0.0, quantity, int(np.ceil(len(paths) / 1.2)) - 1
    for week in (2, 3, 4):
        if week > 2:
            order = max(np.sort(paths[:, week] - left)[rank], 0.0)
        after = left + order - paths[:, week]
        left = np.maximum(after, 0)
        cost += 0.2 * left.mean() + np.maximum(-after, 0).mean()
    return cost


@pytest.mark.parametrize("scale", [1.0, 6.0, 18.0])
def test_no_smaller_order_is_cheaper_on_the_same_paths(scale):
    at = item(on_hand=2.0 * scale)
    ids = np.array(["a"], dtype=object)
    demand = NegativeBinomialPaths(paths=400)(np.full((1, 5), scale), ids=ids, seed=4)
    told = policies.make("look_ahead", **COSTS)(at, demand)
    chosen, myopic = float(told.quantity[0]), float(told.details["myopic"][0])
    costs = {q: rolled_cost(at, demand, float(q)) for q in np.arange(0, myopic + 1)}
    assert costs[chosen] == pytest.approx(min(costs.values()))


def test_dearer_shortage_orders_at_least_as_much():
    at = item()
    demand = NegativeBinomialPaths(paths=300)(np.full((1, 5), 5.0), ids=np.array(["a"], dtype=object), seed=2)
    quantities = [
        policies.make("look_ahead", holding_cost=0.2, shortage_cost=cost)(at, demand).quantity[0]
        for cost in (0.1, 0.5, 1.0, 5.0, 50.0)
    ]
    assert quantities == sorted(quantities)


def test_costs_come_from_the_item_where_the_policy_names_none():
    demand = NegativeBinomialPaths(paths=300)(np.full((1, 5), 5.0), ids=np.array(["a"], dtype=object), seed=2)
    named = policies.make("look_ahead", holding_cost=0.04, shortage_cost=1.0)(item(), demand)
    own = policies.make("look_ahead", holding_rate_per_period=0.02)(
        item(unit_cost=np.array([2.0]), unit_price=np.array([3.0])), demand
    )
    assert own.quantity == named.quantity


def test_unknown_costs_are_refused_rather_than_invented():
    with pytest.raises(MissingInputError, match="unit_cost or unit_price unknown for 1 of 1"):
        policies.make("look_ahead")(item(), sure(1, 1, 1, 1, 1))


def test_paths_that_end_too_soon_are_refused():
    with pytest.raises(MissingInputError, match="needs 5 periods of paths and got 3"):
        policies.make("look_ahead", **COSTS)(item(), sure(1, 1, 1))


def test_a_negative_cost_is_refused():
    with pytest.raises(ValueError, match=r"holding_cost is -0\.1"):
        policies.make("look_ahead", holding_cost=-0.1)
