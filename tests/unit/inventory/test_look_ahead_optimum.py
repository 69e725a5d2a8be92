"""Look-ahead orders beside the exact optimum of a small shop that loses what it cannot sell."""

from functools import cache
from itertools import product

import numpy as np
import pytest
from scipy.stats import poisson

from finalmile.inventory import PathDemand, position
from finalmile.inventory.policies import policies

MEAN, SHORTAGE, HOLDING = 2.0, 5.0, 1.0
SHELF, MOST = 14, 7
CHANCE = poisson.pmf(np.arange(20), MEAN)
ROUNDING = 1e-6
LEADS = pytest.mark.parametrize("lead", [1, 2])


@cache
def states(lead):
    """Shelf at a period's end and what arrives in the next ones; an order now arrives after all of these."""
    return np.array(list(product(range(SHELF + 1), *[range(MOST + 1)] * lead)))


def cost_per_period(lead, orders=None):
    """Long-run cost of ordering ``orders`` by state, or of the best orders there are, by relative value iteration."""
    shelf, arriving, *later = states(lead).T
    there = (shelf + arriving)[:, None] - np.arange(len(CHANCE))
    cost = (HOLDING * np.maximum(there, 0) + SHORTAGE * np.maximum(-there, 0)) @ CHANCE
    after, rest = np.clip(there, 0, SHELF), (later[0] if later else np.zeros(len(shelf), dtype=int))
    value = np.zeros(len(shelf))
    for _ in range(400):
        ahead = value.reshape(SHELF + 1, -1, MOST + 1)[after, rest[:, None]]  # (states, demands, orders)
        expected = np.einsum("sdq,d->sq", ahead, CHANCE)
        chosen = expected.min(axis=1) if orders is None else expected[np.arange(len(shelf)), orders]
        value, change = cost + chosen, cost + chosen - value
        if np.ptp(change) < ROUNDING / 10:
            return float(change.mean())
        value -= value[0]
    raise AssertionError("value iteration did not settle")


@cache
def optimum(lead):
    return cost_per_period(lead)


@cache
def cost_of_looking(lead, cycles):
    every = states(lead).astype(np.float64)
    n, horizon = len(every), lead + 1 + cycles
    at = position(
        np.array([f"{k:05d}" for k in range(n)], dtype=object),
        on_hand=every[:, 0],
        arriving=every[:, 1:],
        lead_periods=np.full(n, lead),
    )
    drawn = np.random.default_rng(5).poisson(MEAN, (1000, horizon)).astype(np.float64)
    demand = PathDemand(paths=np.broadcast_to(drawn, (n, *drawn.shape)), mean=np.full((n, horizon), MEAN))
    policy = policies.make("look_ahead", holding_cost=HOLDING, shortage_cost=SHORTAGE, look_ahead=cycles)
    return cost_per_period(lead, np.minimum(policy(at, demand).quantity, MOST).astype(np.int64))


def cost_of_the_best_level(lead):
    """Order up to the cheapest level of the inventory position, as if nothing were ever lost."""
    held = states(lead).sum(axis=1)
    return min(cost_per_period(lead, np.clip(level - held, 0, MOST)) for level in range(5, 13))


@LEADS
def test_looking_ahead_costs_at_most_one_in_a_hundred_more_than_the_optimum(lead):
    assert optimum(lead) - ROUNDING <= cost_of_looking(lead, 2) <= 1.01 * optimum(lead)


def test_looking_ahead_is_cheaper_than_the_myopic_order_where_orders_are_long_under_way():
    assert cost_of_looking(2, 2) < cost_of_looking(2, 0)


@LEADS
def test_looking_ahead_is_cheaper_than_the_best_order_up_to_level(lead):
    assert cost_of_looking(lead, 2) < cost_of_the_best_level(lead)
