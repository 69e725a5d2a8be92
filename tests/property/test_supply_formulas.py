"""Formulas of unreliable supply, sums of demand and percentiles against computations that know nothing of them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats
from scipy.integrate import quad
from scipy.linalg import expm

from finalmile.forecasters.intermittent import smoothed_croston, smoothed_sba
from finalmile.inventory import newsvendor, supply_uncertainty, uncertain_yield
from finalmile.inventory.distributions import (
    Exponential,
    Gamma,
    Geometric,
    Normal,
    Pmf,
    Poisson,
    Uniform,
    between_percentiles,
    sum_of_quantiles,
)
from finalmile.inventory.safety_stock import cover

few = settings(max_examples=25, deadline=None)
prices = some.floats(0.1, 20.0)
chances = some.floats(0.02, 0.98)


@few
@given(some.floats(0.5, 40.0), some.floats(0.0, 90.0), chances)
def test_the_simple_distributions_are_those_of_scipy(mean, level, chance):
    both = (
        (Exponential(mean), stats.expon(scale=mean)),
        (Uniform(-mean, 2 * mean), stats.uniform(-mean, 3 * mean)),
        (Geometric(chance), stats.geom(chance)),
    )
    for ours, theirs in both:
        assert ours.mean == pytest.approx(theirs.mean())
        assert ours.cdf(level) == pytest.approx(theirs.cdf(level), abs=1e-12)
        if ours.whole:
            assert ours.quantile(0.9) == theirs.ppf(0.9)
            units = np.arange(3000)
            short = float(np.maximum(units - level, 0.0) @ theirs.pmf(units))
        else:
            assert ours.cdf(ours.quantile(chance)) == pytest.approx(chance)
            short = (
                quad(theirs.sf, level, theirs.ppf(1 - 1e-12), limit=200)[0] if level < theirs.ppf(1 - 1e-12) else 0.0
            )
        assert ours.loss(level) == pytest.approx(short, rel=1e-6, abs=1e-7)


@few
@given(some.lists(some.floats(0.01, 1.0), min_size=2, max_size=5), some.integers(1, 5))
def test_the_sum_of_periods_has_the_mean_and_spread_of_independent_ones(weights, periods):
    one = Pmf(np.array(weights) / sum(weights))
    units = np.arange(len(weights))
    spread = float(units**2 @ one.chances) - one.mean**2
    total = one.over(periods)
    every = np.arange(len(total.chances))
    assert total.mean == pytest.approx(periods * one.mean)
    assert float(every**2 @ total.chances) - total.mean**2 == pytest.approx(periods * spread)
    assert Poisson(one.mean).over(periods).mean == pytest.approx(total.mean)
    assert Normal(one.mean, 2.0).over(periods).sd == pytest.approx(2.0 * math.sqrt(periods))
    assert Gamma(one.mean, 2.0).over(periods).sd == pytest.approx(2.0 * math.sqrt(periods))


@few
@given(some.floats(0.2, 20.0), some.floats(0.1, 5.0), some.integers(1, 20), some.floats(0.5, 0.995))
def test_adding_up_quantiles_of_normal_demand_asks_for_at_least_the_quantile_of_the_sum(mean, sd, periods, chance):
    demand = Normal(mean, sd)
    added = sum_of_quantiles(demand, periods, chance=chance)
    assert added >= demand.over(periods).quantile(chance) - 1e-9


def test_adding_up_quantiles_of_a_slow_mover_asks_for_too_little():
    demand = Poisson(0.01)
    assert sum_of_quantiles(demand, 100, chance=0.98) == 0.0
    assert demand.over(100).quantile(0.98) == 3.0


@few
@given(
    some.lists(some.tuples(chances, some.floats(0.0, 100.0)), min_size=1, max_size=5, unique_by=lambda t: t[0]), chances
)
def test_between_percentiles_lies_between_them_and_hits_those_that_are_known(told, chance):
    units = sorted(value for _, value in told)
    known = dict(zip(sorted(at for at, _ in told), units, strict=True))
    assert units[0] <= between_percentiles(known, chance) <= units[-1]
    for at, value in known.items():
        assert between_percentiles(known, at) == pytest.approx(value)


def test_percentiles_that_fall_are_refused():
    with pytest.raises(ValueError, match="must rise"):
        between_percentiles({0.1: 5.0, 0.5: 4.0}, 0.3)
    with pytest.raises(ValueError, match="no percentile"):
        between_percentiles({}, 0.3)


@few
@given(prices, prices, prices, some.floats(5.0, 200.0), some.floats(0.05, 5.0), some.floats(0.5, 20.0))
def test_no_quantity_beats_that_of_a_supplier_who_fails(fixed, holding, shortage, rate, fails, recovers):
    costs = {
        "fixed_cost": fixed, "holding_cost": holding, "stockout_cost": shortage, "demand_rate": rate,
        "disruption_rate": fails, "recovery_rate": recovers,
    }  # fmt: skip

    def cost(quantity):  # by the two-state chain: is the supplier down when the shelf is empty?
        down = expm(np.array([[-fails, fails], [recovers, -recovers]]) * quantity / rate)[0, 1] / recovers
        paid = fixed + holding * quantity**2 / (2 * rate) + shortage * rate * down
        return paid / (quantity / rate + down)

    best = supply_uncertainty.quantity_with_disruptions(**costs)
    near = supply_uncertainty.quantity_with_disruptions(**costs, approximate=True)
    assert best.cost_rate == pytest.approx(cost(best.order_quantity), rel=1e-9)
    for quantity in [near.order_quantity, *np.geomspace(best.order_quantity / 30, best.order_quantity * 30, 9)]:
        assert best.cost_rate <= cost(quantity) * (1 + 1e-9)


@settings(max_examples=10, deadline=None)
@given(prices, prices, some.floats(1.0, 50.0), some.floats(0.02, 1.0), some.floats(0.05, 1.0), some.floats(0.0, 6.0))
def test_no_stock_beats_that_of_a_supplier_who_fails(holding, shortage, demand, fails, recovers, spans):
    def a_period_later(chance):  # of having been without supply for 0, 1, ... periods
        works = chance[0] * (1 - fails) + recovers * chance[1:].sum()
        return np.concatenate([[works, fails * chance[0]], (1 - recovers) * chance[1:-1]])

    chance = np.eye(1, 1000)[0]
    for _ in range(1000):
        chance = (chance + a_period_later(chance)) / 2
    chance /= chance.sum()

    def cost(level):
        left = level - demand * (1 + np.arange(len(chance)))
        return float(chance @ np.where(left > 0, holding * left, -shortage * left))

    terms = {"holding_cost": holding, "stockout_cost": shortage, "disruption_prob": fails, "recovery_prob": recovers}
    best = supply_uncertainty.base_stock_with_disruptions(demand, **terms)
    assert best.cost == pytest.approx(cost(best.base_stock_level), rel=1e-6)
    assert best.cost <= min(cost(k * demand) for k in range(1, 60)) * (1 + 1e-6)
    level = spans * demand
    told = supply_uncertainty.base_stock_with_disruptions_cost(level, demand, **terms)
    assert told == pytest.approx(cost(level), rel=1e-6)


@few
@given(prices, prices, some.floats(1.0, 90.0), some.floats(-5.0, 5.0), some.floats(0.0, 9.0), some.floats(0.3, 1.2))
def test_no_quantity_beats_that_of_an_uncertain_yield(fixed, holding, rate, mean, sd, share):
    costs = {"fixed_cost": fixed, "holding_cost": holding, "demand_rate": rate}

    def cost(first, second):  # a cycle brings this on average, and this squared: it lasts as long as it sells
        return (fixed + holding * second / (2 * rate)) / (first / rate)

    added = uncertain_yield.quantity_with_additive_yield(**costs, yield_mean=mean, yield_sd=sd)
    part = uncertain_yield.quantity_with_multiplicative_yield(**costs, yield_mean=share, yield_sd=sd / 10)
    for arrives in np.geomspace(0.1, 10, 41) * (added.order_quantity + mean):
        other = cost(arrives, arrives**2 + sd**2)
        assert added.cost_rate <= other * (1 + 1e-9)
        again = uncertain_yield.quantity_with_additive_yield_cost(arrives - mean, **costs, yield_mean=mean, yield_sd=sd)
        assert again == pytest.approx(other)
    for quantity in np.geomspace(0.1, 10, 41) * part.order_quantity:
        other = cost(quantity * share, quantity**2 * (share**2 + sd**2 / 100))
        assert part.cost_rate <= other * (1 + 1e-9)
        again = uncertain_yield.quantity_with_multiplicative_yield_cost(
            quantity, **costs, yield_mean=share, yield_sd=sd / 10
        )
        assert again == pytest.approx(other)


@few
@given(prices, prices, some.floats(0.0, 90.0), some.floats(-20.0, 20.0), some.floats(0.5, 9.0))
def test_ordering_against_an_uncertain_yield_is_a_newsvendor_turned_round(holding, shortage, demand, mean, sd):
    best = uncertain_yield.base_stock_with_additive_yield(
        demand, Normal(mean, sd), holding_cost=holding, stockout_cost=shortage
    )
    mirrored = newsvendor.newsvendor(Normal(demand - mean, sd), holding_cost=holding, stockout_cost=shortage)
    assert best.base_stock_level == pytest.approx(mirrored.base_stock_level)
    assert best.cost == pytest.approx(mirrored.cost, rel=1e-7)


@few
@given(some.lists(some.integers(0, 4), min_size=1, max_size=30), some.floats(0.05, 0.5))
def test_croston_is_size_over_interval_written_out(demand, alpha):
    size, interval, waited = None, 1.0, 0
    for units in demand:
        waited += 1
        if units:
            first = size is None
            size = units if first else size + alpha * (units - size)
            interval = waited if first else interval + alpha * (waited - interval)
            waited = 0
    rows = np.array([demand], dtype=np.float32)
    rate = 0.0 if size is None else size / interval
    assert smoothed_croston(rows, alpha=alpha)[0, 0] == pytest.approx(rate, rel=1e-5)
    assert smoothed_sba(rows, alpha=alpha)[0, 0] == pytest.approx(rate * (1 - alpha / 2), rel=1e-5)


@few
@given(some.floats(0.0, 90.0), some.floats(0.1, 30.0), some.integers(1, 14), some.floats(0.5, 0.99))
def test_cover_is_the_quantile_of_normal_demand_over_the_periods(mean, sd, periods, service):
    told = cover(mean, sd, periods=periods, cycle_service=service)
    assert told.level == pytest.approx(Normal(mean, sd).over(periods).quantile(service))
    assert told == cover(mean, sd, periods=periods, factor=told.factor)


def test_cover_needs_one_aim():
    for aims in ({}, {"cycle_service": 0.9, "factor": 1.3}):
        with pytest.raises(ValueError, match="one of the two"):
            cover(1.0, 1.0, **aims)
