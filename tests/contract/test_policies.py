"""What every registered policy keeps to, whatever it decides by."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.frames import Cumulative
from finalmile.inventory import NegativeBinomialPaths, PointDemand, position
from finalmile.inventory.demand_ahead import with_means_ahead
from finalmile.inventory.policies import policies
from finalmile.inventory.proposal import LooksAhead, windows_for

NAMES = list(policies)


def demand_for(policy, at, mean):
    """The demand a policy asks for, around the same mean path."""
    if policy.needs == "paths":
        return NegativeBinomialPaths(paths=60)(mean, ids=at.ids, seed=1)
    if policy.needs == "point":
        return PointDemand(mean=mean, sd=np.sqrt(mean[:, 0]))
    window = windows_for(policy, at)
    ahead = np.arange(mean.shape[1]) < window[:, :, None]
    total = np.where(ahead, mean[:, None, :], 0).sum(axis=2).astype(np.float32)
    values = np.stack([total * (1 + level) for level in policy.levels], axis=2)
    methods = np.full(at.n, "cqr", dtype=object)
    told = Cumulative(windows=window, mean=total, levels=policy.levels, values=values, methods=methods)
    return with_means_ahead(told, policy.ahead(at), path=mean, season=7) if isinstance(policy, LooksAhead) else told


def shop(n=6, *, seed=0, on_hand=None, ids=None, **terms):
    rng = np.random.default_rng(seed)
    shelf = rng.integers(0, 8, n).astype(float) if on_hand is None else on_hand
    names = np.array([f"item-{k}" for k in range(n)] if ids is None else ids, dtype=object)
    leads = np.full(n, 2, dtype=np.int64)
    money = {"unit_cost": np.full(n, 2.0), "unit_price": np.full(n, 3.0)}
    at = position(names, on_hand=shelf, lead_periods=leads, **{**money, **terms})
    return at, np.round(rng.uniform(0.2, 12, (n, 8)), 3)


@pytest.mark.parametrize("name", NAMES)
def test_orders_are_whole_packs_and_never_negative(name):
    policy = policies.make(name)
    at, mean = shop(pack_size=np.array([1.0, 2, 3, 4, 6, 12]))
    quantity = policy(at, demand_for(policy, at, mean)).quantity
    assert (quantity >= 0).all()
    assert (quantity % at.pack_size == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_with_everything_on_the_shelf_nothing_is_ordered(name):
    policy = policies.make(name)
    at, mean = shop(on_hand=np.full(6, 1e4))
    assert not policy(at, demand_for(policy, at, mean)).quantity.any()


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_shelf_in_front_of_demand_is_filled(name):
    policy = policies.make(name)
    at, mean = shop(on_hand=np.zeros(6))
    assert (policy(at, demand_for(policy, at, mean + 3)).quantity > 0).all()


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), more=st.integers(0, 20))
def test_more_on_order_never_means_ordering_more(name, seed, more):
    policy = policies.make(name)
    at, mean = shop(seed=seed)
    fuller, _ = shop(seed=seed, on_order=np.full(6, float(more)))
    demand = demand_for(policy, at, mean)
    assert (policy(fuller, demand).quantity <= policy(at, demand).quantity).all()


@pytest.mark.parametrize("name", NAMES)
def test_what_other_items_there_are_changes_nothing(name):
    policy = policies.make(name)
    at, mean = shop()
    alone, _ = shop(1, on_hand=at.on_hand[3:4], ids=["item-3"])
    together = policy(at, demand_for(policy, at, mean)).quantity[3]
    assert policy(alone, demand_for(policy, alone, mean[3:4])).quantity[0] == together


@pytest.mark.parametrize("name", NAMES)
def test_an_item_without_a_forecast_is_named_and_not_ordered(name):
    policy = policies.make(name)
    at, mean = shop(on_hand=np.zeros(6))
    mean[2] = np.nan
    proposal = policy(at, demand_for(policy, at, mean))
    assert proposal.unplanned(at.ids) == ["item-2"]
    assert proposal.quantity[2] == 0
    assert proposal.bound[2] == "no_forecast"


@pytest.mark.parametrize("name", NAMES)
def test_no_demand_ahead_orders_nothing(name):
    policy = policies.make(name)
    at, mean = shop(on_hand=np.zeros(6))
    assert not policy(at, demand_for(policy, at, np.zeros_like(mean))).quantity.any()


@pytest.mark.parametrize("name", NAMES)
def test_no_items_make_no_orders(name):
    policy = policies.make(name)
    at, mean = shop(0)
    assert policy(at, demand_for(policy, at, mean)).quantity.shape == (0,)


@pytest.mark.parametrize("name", NAMES)
def test_the_wrong_form_of_demand_is_refused_by_name(name):
    policy = policies.make(name)
    at, mean = shop()
    other = (
        PointDemand(mean=mean, sd=mean[:, 0])
        if policy.needs != "point"
        else demand_for(policies.make("order_up_to"), at, mean)
    )
    with pytest.raises(TypeError, match=name):
        policy(at, other)


@pytest.mark.parametrize("name", NAMES)
def test_the_horizon_reaches_over_the_window(name):
    policy = policies.make(name)
    at, mean = shop()
    proposal = policy(at, demand_for(policy, at, mean))
    assert policy.horizon(at) >= proposal.window.max()
