"""Demand of periods that sold out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom

from finalmile.forecasters.sold_out import (
    demand_with_estimates,
    drawn_and_hidden,
    drawn_behind,
    expected_behind,
    expected_given_at_least,
    mostly_seen,
    usual_variance,
)
from finalmile.frames import Frequency, Panel
from finalmile.ports import forecasters

HALF_LIFE = 8.0


def panel(y, censored):
    values = np.asarray(y, dtype=np.float32)
    ids = np.array([f"s{k}" for k in range(len(values))], dtype=object)
    return Panel(ids=ids, frequency=Frequency("week"), first=2600, y=values, censored=np.asarray(censored))


def stocked(rng, *, n=300, length=120, mean=6.0, shelf=7.0):
    """Demand around a mean, and the sales of a shelf that is filled up to the same height every week."""
    demand = rng.poisson(rng.gamma(4.0, mean / 4.0, (n, length))).astype(np.float32)
    return demand, panel(np.minimum(demand, shelf), demand >= shelf)


def flat(world):
    return np.ones(world.y.shape)


def test_the_estimate_is_the_mean_of_the_tail_summed_term_by_term():
    mean, variance, floor = 6.0, 12.0, 7
    r, p = mean**2 / (variance - mean), mean / variance
    units = np.arange(floor, 2000)
    chance = nbinom.pmf(units, r, p)
    told = expected_given_at_least(np.array([mean]), np.array([float(floor)]), variance=np.array([variance]))
    assert told[0] == pytest.approx((units * chance).sum() / chance.sum())


def test_a_level_learned_from_sold_out_weeks_is_nearer_the_truth_than_without_them():
    _, world = stocked(np.random.default_rng(4))
    told = forecasters.make("exponential_level").mean(world, horizon=1)[:, 0].mean()
    dropped = Panel(
        ids=world.ids,
        frequency=world.frequency,
        first=world.first,
        y=np.where(world.censored, np.float32(0), world.y),
        censored=world.censored,
    )
    without = forecasters.make("exponential_level").mean(dropped, horizon=1)[:, 0].mean()
    taken = world.y.mean()
    assert abs(told - 6.0) < 0.6
    assert abs(told - 6.0) < min(abs(without - 6.0), abs(taken - 6.0))


@given(seed=st.integers(0, 2**32 - 1), shelf=st.integers(1, 15))
def test_an_estimate_is_never_below_what_was_sold_and_other_weeks_are_left_alone(seed, shelf):
    _, world = stocked(np.random.default_rng(seed), n=3, length=30, shelf=float(shelf))
    told = demand_with_estimates(world, flat(world), half_life=HALF_LIFE)
    out = world.censored
    assert np.array_equal(told[~out], world.y[~out])
    assert (np.isnan(told[out]) | (told[out] >= world.y[out])).all()
    assert np.isfinite(told[~out]).all()


@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(2, 29))
def test_an_estimate_knows_nothing_of_the_weeks_after_it(seed, cut):
    _, world = stocked(np.random.default_rng(seed), n=3, length=30)
    part = world.at(world.first + cut - 1)
    whole = demand_with_estimates(world, flat(world), half_life=HALF_LIFE)[:, :cut]
    assert np.array_equal(whole, demand_with_estimates(part, flat(part), half_life=HALF_LIFE), equal_nan=True)


def test_a_week_with_next_to_nothing_to_sell_teaches_nothing():
    y, out = np.full((1, 40), 20.0), np.zeros((1, 40), dtype=np.bool_)
    y[0, -1], out[0, -1] = 3.0, True
    world = panel(y, out)
    assert np.isnan(demand_with_estimates(world, flat(world), half_life=HALF_LIFE)[0, -1])


def test_a_week_without_sales_that_was_out_of_stock_stays_unknown():
    y, out = np.full((2, 40), 5.0), np.zeros((2, 40), dtype=np.bool_)
    y[:, -3:], out[:, -3:] = 0.0, True
    world = panel(y, out)
    assert np.isnan(demand_with_estimates(world, flat(world), half_life=HALF_LIFE)[:, -3:]).all()


def test_a_series_that_always_sold_out_has_a_level_above_its_sales():
    world = panel(np.full((1, 60), 4.0), np.ones((1, 60), dtype=np.bool_))
    told = forecasters.make("exponential_level").mean(world, horizon=1)[0, 0]
    assert 4.0 < told < 20.0


@pytest.mark.parametrize("chance", [0.0, 0.3, 0.9, 0.999])
def test_a_draw_is_the_quantile_of_what_is_above_the_sales(chance):
    mean, sold = np.array([0.2, 4.0, 80.0]), np.array([1.0, 6.0, 60.0])
    variance = usual_variance(mean)
    law = nbinom(mean**2 / (variance - mean), mean / variance)
    told = drawn_behind(sold, mean, np.full(3, chance))
    above = law.sf(sold - 1)
    most = np.ceil(sold + 3 * mean + 1)
    assert ((law.sf(told) <= (1 - chance) * above + 1e-12) | (told == most)).all()
    assert ((law.sf(told - 1) > (1 - chance) * above - 1e-12) | (told == sold)).all()


@given(
    sold=st.floats(0, 1e9, width=32),
    mean=st.floats(0, 1e9, width=32),
    chance=st.floats(0, 1, exclude_max=True, width=32),
)
def test_no_draw_is_below_what_was_sold_or_far_beyond_what_was_expected(sold, mean, chance):
    (told,) = drawn_behind(np.array([sold]), np.array([mean]), np.array([chance]))
    assert sold <= told <= np.ceil(np.ceil(sold) + 3 * mean + 1)


def test_draws_have_the_mean_that_is_expected_behind_the_sales():
    chance = (np.arange(20_000) + 0.5) / 20_000
    mean, sold = np.full(20_000, 5.0), np.full(20_000, 6.0)
    assert drawn_behind(sold, mean, chance).mean() == pytest.approx(expected_behind(sold, mean)[0], rel=0.01)


def test_a_period_is_drawn_alike_wherever_its_series_stands():
    _, world = stocked(np.random.default_rng(2), n=5, length=40)
    rows, columns = np.nonzero(world.censored)
    mean = np.full(len(rows), 6.0, dtype=np.float32)
    drawn, _ = drawn_and_hidden(world, mean, rows=rows, columns=columns)
    turned, _ = drawn_and_hidden(world.take(np.arange(5)[::-1]), mean, rows=4 - rows, columns=columns)
    assert np.array_equal(drawn, turned)


def test_a_shelf_that_was_empty_all_the_time_says_nothing_even_of_what_nobody_expects():
    world = panel(np.zeros((1, 3)), np.ones((1, 3), dtype=np.bool_))
    cells = np.zeros(3, dtype=np.int64), np.arange(3)
    _, hidden = drawn_and_hidden(world, np.zeros(3, dtype=np.float32), rows=cells[0], columns=cells[1])
    assert not mostly_seen(hidden.cumsum()).any()
