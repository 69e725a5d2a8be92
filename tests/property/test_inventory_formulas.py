"""Formulas of inventory against searches that know nothing of them."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some
from scipy import stats

from finalmile.inventory import (
    discounts,
    eoq,
    joint_replenishment,
    lot_sizing,
    min_max_levels,
    min_max_loops,
    newsvendor,
    reorder_quantity,
    service_levels,
)
from finalmile.inventory.distributions import (
    Gamma,
    LogNormal,
    NegativeBinomial,
    Normal,
    Pmf,
    Poisson,
    complementary_loss,
    counts,
)

few = settings(max_examples=25, deadline=None)
means = some.floats(0.05, 60.0)
prices = some.floats(0.1, 50.0)


@few
@given(means, some.floats(1.05, 8.0), some.floats(-3.0, 120.0))
def test_losses_of_counts_are_sums_over_their_chances(mean, spread, level):
    demand = NegativeBinomial(mean, mean * spread)
    for ours, theirs in ((demand, stats.nbinom(demand.r, demand.p)), (Poisson(mean), stats.poisson(mean))):
        units = np.arange(4000)
        short = float(np.maximum(units - level, 0.0) @ theirs.pmf(units))
        assert ours.loss(level) == pytest.approx(short, rel=1e-7, abs=1e-8)
        assert complementary_loss(ours, level) - ours.loss(level) == pytest.approx(level - mean, abs=1e-7)


@few
@given(means, some.floats(1.05, 8.0), some.floats(0.01, 0.999))
def test_quantiles_of_counts_are_the_smallest_that_are_enough(mean, spread, chance):
    demand = NegativeBinomial(mean, mean * spread)
    assert demand.quantile(chance) == stats.nbinom(demand.r, demand.p).ppf(chance)
    assert Poisson(mean).quantile(chance) == stats.poisson(mean).ppf(chance)


@few
@given(means, some.floats(0.2, 1.5), some.floats(-1.0, 150.0))
def test_continuous_losses_are_areas_under_the_tail(mean, spread, level):
    from scipy.integrate import quad

    both = (
        (Normal(mean, mean * spread), stats.norm(mean, mean * spread)),
        (Gamma(mean, mean * spread), stats.gamma(1 / spread**2, scale=mean * spread**2)),
        (LogNormal(math.log(mean), spread), stats.lognorm(spread, scale=mean)),
    )
    for ours, theirs in both:
        middle = max(level, theirs.ppf(0.999))
        area = quad(theirs.sf, level, middle, limit=200)[0] + quad(theirs.sf, middle, math.inf, limit=200)[0]
        assert ours.loss(level) == pytest.approx(area, rel=1e-5, abs=1e-7)
        assert ours.cdf(ours.quantile(0.9)) == pytest.approx(0.9)


@few
@given(some.lists(some.floats(0.01, 1.0), min_size=1, max_size=12), prices, prices)
def test_no_other_stock_beats_the_newsvendors(weights, holding, shortage):
    demand, costs = Pmf(np.array(weights) / sum(weights)), {"holding_cost": holding, "stockout_cost": shortage}
    best = newsvendor.newsvendor(demand, **costs)
    tried = [newsvendor.newsvendor_cost(demand, level, **costs) for level in range(14)]
    assert best.cost == pytest.approx(min(tried))


@few
@given(some.lists(some.integers(1, 400), min_size=1, max_size=3, unique=True), prices, some.data())
def test_no_other_quantity_beats_that_of_discounts(breaks, fixed, data):
    breakpoints = [0, *sorted(breaks)]
    size = len(breakpoints)
    unit_costs = sorted(data.draw(some.lists(some.floats(1.0, 90.0), min_size=size, max_size=size)), reverse=True)
    given_ = {"fixed_cost": fixed, "holding_cost_rate": 0.25, "demand_rate": 300.0}

    def purchase(quantity, incremental):
        if not incremental:
            return quantity * unit_costs[np.searchsorted(breakpoints, quantity, side="right") - 1]
        ends = [*breakpoints[1:], math.inf]
        parts = zip(breakpoints, ends, unit_costs, strict=True)
        return sum(max(min(quantity, end) - start, 0.0) * price for start, end, price in parts)

    for rule, incremental in ((discounts.all_units_discount, False), (discounts.incremental_discount, True)):
        told = rule(breakpoints, unit_costs, **given_)
        for quantity in [*np.geomspace(0.5, 5000, 300), *breakpoints[1:], told.order_quantity]:
            paid = purchase(quantity, incremental)
            cost = (fixed + paid) * 300.0 / quantity + 0.25 * paid / 2
            assert told.cost_rate <= cost * (1 + 1e-9)
        assert told.cost_rate == pytest.approx(cost)


@few
@given(prices, prices, prices, some.floats(1.0, 500.0))
def test_an_economic_quantity_costs_least_of_all(fixed, holding, shortage, rate):
    costs = {"fixed_cost": fixed, "holding_cost": holding, "demand_rate": rate}
    best = eoq.economic_order_quantity(**costs)
    for factor in (0.5, 0.9, 1.1, 2.0):
        assert eoq.order_quantity_cost(best.order_quantity * factor, **costs) >= best.cost_rate
    waiting = eoq.quantity_with_backorders(stockout_cost=shortage, **costs)
    assert waiting.cost_rate <= best.cost_rate


@few
@given(some.lists(some.integers(0, 30), min_size=1, max_size=7), some.integers(0, 60), some.integers(0, 5))
def test_wagner_whitin_finds_the_cheapest_of_all_schedules(demand, fixed, holding):
    told = lot_sizing.wagner_whitin(demand, fixed_cost=fixed, holding_cost=holding)
    cheapest = math.inf
    for orders in itertools.product((False, True), repeat=len(demand)):
        last, cost = None, 0.0
        for t, (starts, units) in enumerate(zip(orders, demand, strict=True)):
            last = t if starts else last
            cost += fixed * starts + (math.inf if last is None and units else holding * units * (t - (last or 0)))
        cheapest = min(cheapest, cost)
    assert told.cost == cheapest
    assert np.all(np.cumsum(told.order_quantities) >= np.cumsum(demand))
    assert lot_sizing.silver_meal(demand, fixed_cost=fixed, holding_cost=holding).cost >= told.cost


@few
@given(some.lists(some.tuples(some.floats(0.0, 40.0), prices, prices), min_size=1, max_size=3), some.floats(1.0, 40.0))
def test_no_multiples_beat_those_of_joint_replenishment(products, shared):
    own, holding, rates = zip(*products, strict=True)
    costs = joint_replenishment.SupplierCosts(
        shared_fixed_cost=shared, individual_fixed_costs=own, holding_costs=holding, demand_rates=rates
    )
    best = joint_replenishment.joint_replenishment(costs)
    tried = [costs.cycle(one).cost_rate for one in itertools.product(range(1, 9), repeat=len(own))]
    assert best.cost_rate <= min(tried) * (1 + 1e-9)
    assert best.cost_rate <= joint_replenishment.silver_joint_replenishment(costs).cost_rate


@few
@given(some.floats(0.3, 12.0), some.floats(1.0, 4.0), some.floats(0.0, 60.0), some.floats(0.5, 3.0), prices)
def test_no_reorder_point_and_quantity_beat_the_exact_ones(mean, spread, fixed, holding, shortage):
    demand = counts(mean, mean * spread)
    costs = reorder_quantity.Costs(fixed_cost=fixed, holding_cost=holding, stockout_cost=shortage)
    told = reorder_quantity.exact(demand, demand_rate=mean, costs=costs)
    stock = {y: costs.of_stock(demand, y) for y in range(-40, 80)}
    tried = [
        (fixed * mean + sum(stock[y] for y in range(r + 1, r + q + 1))) / q
        for r in range(-20, 40)
        for q in range(1, 39)
    ]
    assert told.cost_rate <= min(tried) * (1 + 1e-9)
    again = reorder_quantity.expected_cost(
        demand, told.reorder_point, order_quantity=told.order_quantity, demand_rate=mean, costs=costs
    )
    assert again == pytest.approx(told.cost_rate)
    point = reorder_quantity.best_reorder_point(demand, order_quantity=told.order_quantity, costs=costs)
    other = reorder_quantity.expected_cost(
        demand, point, order_quantity=told.order_quantity, demand_rate=mean, costs=costs
    )
    assert other == pytest.approx(told.cost_rate)


@few
@given(some.floats(0.5, 0.995), some.floats(5.0, 400.0), some.floats(20.0, 300.0), some.floats(1.0, 90.0))
def test_a_reorder_point_gives_the_fill_rate_it_was_asked_for(target, quantity, mean, sd):
    demand = Normal(mean, sd)
    point = service_levels.reorder_point_for_fill_rate(demand, fill_rate=target, order_quantity=quantity)
    assert service_levels.fill_rate(demand, point, order_quantity=quantity) == pytest.approx(target, abs=1e-7)
    whole, lumpy = math.ceil(quantity), counts(mean, mean + sd)
    point = service_levels.reorder_point_for_fill_rate(lumpy, fill_rate=target, order_quantity=whole)
    assert point % 1 == 0
    assert service_levels.fill_rate(lumpy, point, order_quantity=whole) >= target
    assert service_levels.fill_rate(lumpy, point - 1, order_quantity=whole) < target


@few
@given(
    some.lists(some.floats(0.0, 1.0), min_size=2, max_size=6),
    some.floats(0.0, 40.0),
    some.floats(0.5, 3.0),
    some.floats(0.5, 20.0),
)
def test_no_levels_beat_the_exact_ones(weights, fixed, holding, shortage):
    assume(sum(weights[1:]) > 0.2 and weights[0] < 0.9 * sum(weights))
    demand = Pmf(np.array(weights) / sum(weights))
    costs = reorder_quantity.Costs(fixed_cost=fixed, holding_cost=holding, stockout_cost=shortage)
    told = min_max_levels.exact(demand, costs=costs)
    assert min_max_levels.cost_of(demand, told, costs=costs) == pytest.approx(told.cost_rate)
    for low in range(-6, 7):
        for high in range(low + 1, low + 18):
            levels = min_max_levels.MinMaxLevels(reorder_level=low, order_up_to=high)
            assert told.cost_rate <= min_max_levels.cost_of(demand, levels, costs=costs) * (1 + 1e-9)


@few
@given(some.floats(0.1, 30.0), some.floats(0.5, 6.0), some.floats(0.0, 80.0), some.integers(0, 4))
def test_levels_of_all_products_are_those_of_each_compiled_or_not(mean, spread, fixed, lead):
    one = np.ones(1)
    cost = {"fixed_cost": fixed * one, "holding_cost": one, "stockout_cost": 9 * one}
    at_once = min_max_levels.exact_for_all(mean * one, mean * spread * one, lead_periods=lead * one, **cost)[0]
    demand, window = (counts(mean * n, mean * spread * n) for n in (1, lead + 1))
    costs = reorder_quantity.Costs(fixed_cost=fixed, holding_cost=1.0, stockout_cost=9.0)
    alone = min_max_levels.exact(demand, costs=costs, window=window)
    assert at_once[2] == pytest.approx(alone.cost_rate, rel=1e-6)
    plain = getattr(min_max_loops.zheng_federgruen, "py_func", min_max_loops.zheng_federgruen)
    chances = [min_max_loops.counts_pmf(mean * n, mean * spread * n) for n in (1, lead + 1)]
    low, high, rate = plain(*chances, fixed, 1.0, 9.0)
    assert (low, high) == (at_once[0], at_once[1])
    assert rate == pytest.approx(at_once[2], rel=1e-12)


def test_what_has_no_answer_is_refused_with_what_would_be_right():
    with pytest.raises(ValueError, match="must start at 0 and rise"):
        discounts.all_units_discount([0, 5, 5], [3, 2, 1], fixed_cost=1.0, holding_cost_rate=0.1, demand_rate=9.0)
    with pytest.raises(ValueError, match="always 0"):
        min_max_levels.exact(Pmf.of({0: 1.0}), costs=reorder_quantity.Costs(holding_cost=1.0, stockout_cost=1.0))
    with pytest.raises(ValueError, match="must be a number above 0"):
        eoq.economic_order_quantity(fixed_cost=1.0, holding_cost=0.0, demand_rate=1.0)
    demand, costs = Normal(4.0, 1.0), reorder_quantity.Costs(holding_cost=1.0, stockout_cost=1.0)
    with pytest.raises(ValueError, match="whole units"):
        reorder_quantity.exact(demand, demand_rate=1.0, costs=costs)
