"""Levels found by simulation, against what can be worked out exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.errors import MissingInputError
from finalmile.frames import Cumulative
from finalmile.inventory import position
from finalmile.inventory.lead_times import certain, from_pmf, side_by_side
from finalmile.inventory.level_search import LevelSearch
from finalmile.inventory.period_demand import OUTCOMES, PeriodDemand, period_demand
from finalmile.inventory.policies import policies
from finalmile.inventory.position import protection_windows
from finalmile.inventory.protection import LAW_LEVELS, DemandLaw
from finalmile.simulation import Costs, keys_of
from finalmile.simulation.jit import numba_installed


def law_of_quantiles(quantiles, mean):
    knots = np.asarray(quantiles, dtype=float)[None, None, :]
    return DemandLaw(knots=knots, levels=np.array(LAW_LEVELS), weights=np.ones((1, 1)), mean=np.array([mean]))


def added_up(chances, periods):
    total = np.ones(1)
    for _ in range(periods):
        total = np.convolve(total, chances)
    return total


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(st.floats(0.2, 6.0), min_size=6, max_size=6),
    periods=st.integers(1, 6),
    share=st.floats(0.5, 1.0),
)
def test_periods_add_up_to_the_mean_and_to_what_is_short(steps, periods, share):
    quantiles = np.cumsum(steps)
    law = law_of_quantiles(quantiles, mean=share * quantiles[0] + 0.5)
    stock = np.ceil(quantiles[-2:-1])
    told = period_demand(law, periods=np.array([float(periods)]), at=stock)
    total = added_up(told.chances[0], periods) if told.unit[0] == 1 else None
    if total is None:
        return
    units = np.arange(len(total))
    assert units @ total == pytest.approx(law.mean[0], rel=2e-3)
    short, steadiest = np.maximum(units - stock[0], 0) @ total, poisson_short(law.mean[0], stock[0])
    assert short == pytest.approx(max(law.short(stock)[0], steadiest), rel=2e-2, abs=2e-3)


def poisson_short(mean, stock):
    from scipy.stats import poisson

    return mean * poisson.sf(stock - 1, mean) - stock * poisson.sf(stock, mean)


def test_fast_demand_is_counted_in_more_units_at_a_time_and_keeps_mean_and_spread():
    law = law_of_quantiles([700.0, 800.0, 860.0, 900.0, 960.0, 1000.0], mean=700.0)
    told = period_demand(law, periods=np.array([1.0]), at=np.array([900.0]))
    units = np.arange(OUTCOMES) * told.unit[0]
    assert told.unit[0] > 1
    assert units @ told.chances[0] == pytest.approx(700, rel=1e-3)
    assert np.maximum(units - 900, 0) @ told.chances[0] == pytest.approx(law.short(np.array([900.0]))[0], rel=0.1)


def test_what_is_unknown_or_never_asked_for_asks_for_nothing():
    law = law_of_quantiles([np.nan] * 6, mean=np.nan)
    assert period_demand(law, periods=np.ones(1), at=np.array([np.nan])).chances[0, 0] == 1
    none = law_of_quantiles([0.0] * 6, mean=0.0)
    assert period_demand(none, periods=np.ones(1), at=np.zeros(1)).chances[0, 0] == 1


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), periods=st.integers(1, 400))
def test_a_shuffled_demand_has_every_number_as_often_as_is_likely_to_the_nearest_whole(seed, periods):
    chances = np.random.default_rng(seed).dirichlet(np.full(OUTCOMES, 0.1), 3)
    demand = PeriodDemand(chances=chances, unit=np.ones(3, dtype=np.int64))
    keys = keys_of(range(3), seed=seed)
    made = demand.shuffled(np.arange(3), keys, periods=periods)
    reached = np.cumsum([np.bincount(row, minlength=OUTCOMES) for row in made], axis=1)
    assert made.shape == (3, periods)
    assert (np.abs(reached - np.cumsum(chances, axis=1) * periods) <= 1 + 1e-6).all()
    np.testing.assert_array_equal(made[1:2], demand.shuffled(np.array([1]), keys, periods=periods))


def overnight(n, **terms):
    """Shops that are filled up to the level every night, so that each day begins with it."""
    names = np.array([f"item-{k}" for k in range(n)], dtype=object)
    return position(names, on_hand=np.zeros(n), lead_periods=np.zeros(n, dtype=np.int64), **terms)


def poisson_demand(means):
    from scipy.stats import poisson

    chances = poisson.pmf(np.arange(OUTCOMES), np.asarray(means)[:, None])
    return PeriodDemand(chances=chances, unit=np.ones(len(means), dtype=np.int64))


MEANS = [0.3, 1.0, 2.5, 6.0, 20.0]


def test_filled_up_every_night_the_least_level_for_a_fill_rate_is_the_one_worked_out():
    demand = poisson_demand(MEANS)
    found = LevelSearch(goal="fill_rate", target=0.97, periods=40_000)(overnight(5), demand, guess=np.full(5, 20.0))
    levels = np.arange(OUTCOMES)
    served = np.minimum(levels[:, None], levels) @ demand.chances.T / np.array(MEANS)
    exact = (served >= 0.97).argmax(axis=0)
    for k, level in enumerate(found.best.astype(int)):
        assert level == exact[k] or abs(served[level, k] - 0.97) < 0.002


def test_filled_up_every_night_the_cheapest_level_is_the_newsvendors():
    demand, costs = poisson_demand(MEANS), Costs(holding=1.0, shortage=9.0)
    search = LevelSearch(goal="cost", periods=40_000)
    found = search(overnight(5), demand, guess=np.full(5, 20.0), costs=costs).best.astype(int)
    levels = np.arange(OUTCOMES)
    each = np.where(levels[:, None] > levels, levels[:, None] - levels, 9.0 * (levels - levels[:, None]))
    cost = each @ demand.chances.T
    assert (cost[found, np.arange(5)] <= 1.005 * cost.min(axis=0)).all()


@pytest.mark.skipif(not numba_installed(), reason="numba is not installed here")
@pytest.mark.parametrize("goal", ["fill_rate", "cycle_service", "cost"])
def test_both_engines_try_the_same_levels_and_find_the_same(goal):
    leads = side_by_side([from_pmf([0, 0.6, 0, 0.4])] * 5)
    at = overnight(5, lead_times=leads, moq=np.array([0.0, 3, 0, 12, 0]), pack_size=np.array([1.0, 1, 6, 4, 1]))
    both = [
        LevelSearch(goal=goal, periods=200, engine=engine)(
            at, poisson_demand(MEANS), guess=np.full(5, 40.0), costs=Costs(holding=0.1, shortage=2.0, order=1.0)
        )
        for engine in ("numba", "numpy")
    ]
    for name in ("levels", "told", "choice"):
        np.testing.assert_array_equal(getattr(both[0], name), getattr(both[1], name))


def told(at, mean, spread=2.0):
    windows = protection_windows(at)
    over = np.asarray(mean)[:, None] * windows
    values = over[:, :, None] + spread * np.sqrt(over)[:, :, None] * np.array([-0.1, 0.84, 1.28, 1.64, 2.05, 2.33])
    return Cumulative(
        windows=windows, mean=over.astype(np.float32), levels=LAW_LEVELS,
        values=np.maximum(values, 0).astype(np.float32), methods=np.full(at.n, "cqr", dtype=object),
    )  # fmt: skip


def weekly(n=40, *, lead=None, **terms):
    leads = certain(7) if lead is None else lead
    return position(
        np.array([f"item-{k}" for k in range(n)], dtype=object), on_hand=np.zeros(n),
        lead_periods=np.full(n, leads.planned), lead_times=None if lead is None else side_by_side([leads] * n),
        review_periods=np.full(n, 7), **terms,
    )  # fmt: skip


def levels_found(at, mean, **set_to):
    return policies.make("by_simulation", **set_to)(at, told(at, mean)).level


MEAN = np.random.default_rng(1).lognormal(0.5, 0.8, 40)


def test_a_higher_service_never_takes_less_and_takes_more_of_most():
    low, high = (levels_found(weekly(), MEAN, fill_rate=rate) for rate in (0.9, 0.99))
    assert (high >= low).all()
    assert high.sum() > 1.1 * low.sum()


def test_lead_times_that_vary_take_more_than_certain_ones_of_the_same_mean():
    varying = from_pmf([0, 0, 0, 0.5, 0, 0, 0, 0, 0, 0, 0, 0.5])
    assert varying.mean == 7
    assert levels_found(weekly(lead=varying), MEAN).sum() > 1.1 * levels_found(weekly(), MEAN).sum()


def test_a_large_least_order_serves_at_a_lower_level():
    assert levels_found(weekly(moq=40 * MEAN), MEAN).sum() < 0.9 * levels_found(weekly(), MEAN).sum()


def test_lost_sales_need_less_than_the_formula_for_owed_ones_where_demand_is_lumpy():
    at = weekly()
    owed = policies.make("fill_rate_order_up_to", fill_rate=0.9)(at, told(at, MEAN, spread=4.0)).level
    lost = policies.make("by_simulation", fill_rate=0.9)(at, told(at, MEAN, spread=4.0)).level
    assert lost.sum() < owed.sum()


def test_an_item_without_a_forecast_is_left_out():
    at = weekly(2)
    wanted = policies.make("by_simulation")(at, told(at, np.array([np.nan, 1.0])))
    assert wanted.bound[0] == "no_forecast"
    assert wanted.quantity[0] == 0 < wanted.quantity[1]


def test_cost_without_prices_is_refused_and_says_what_is_missing():
    with pytest.raises(MissingInputError, match="unit_cost or unit_price unknown for 40 of 40 items"):
        levels_found(weekly(), MEAN, goal="cost")


@pytest.mark.parametrize(
    "wrong", [{"goal": "profit"}, {"kind": "lots"}, {"fill_rate": 1.0}, {"cycle_service": 0.0}, {"periods": 0},
              {"shortage_cost": 0.0}]
)  # fmt: skip
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        policies.make("by_simulation", **wrong)


@pytest.mark.parametrize(("goal", "other"), [("fill_rate", "cycle_service"), ("cost", "fill_rate")])
def test_a_service_that_the_goal_does_not_read_is_refused_rather_than_mixed_up(goal, other):
    with pytest.raises(ValueError, match=f"{other} is 0.9, which goal: {goal} does not read; set goal: {other}"):
        policies.make("by_simulation", goal=goal, **{other: 0.9})
