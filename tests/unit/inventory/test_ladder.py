"""Demand over windows from the best that is known of each item."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from finalmile.frames import Cumulative
from finalmile.inventory.demand import PathDemand
from finalmile.inventory.ladder import BINOMIAL, CATEGORY, HISTORY, PATHS, KnownDemand, window_demand

LEVELS = (0.5, 0.98)
WINDOWS = np.array([[2, 4]])
PAST = np.tile([[0.0, 2.0, 1.0, 5.0]], (1, 15))


def told(value=9.0):
    return Cumulative(
        windows=np.array([[4, 2]]),
        mean=np.full((1, 2), 3.0, dtype=np.float32),
        levels=(0.5, 0.9, 0.98),
        values=np.full((1, 2, 3), value, dtype=np.float32),
        methods=np.array(["cqr"], dtype=object),
    )


EVERYTHING = KnownDemand(
    told=told(),
    paths=PathDemand(paths=np.full((1, 20, 4), 2.0), mean=np.full((1, 4), 2.0)),
    mean=np.full((1, 4), 3.0),
    past=PAST,
)


def test_the_best_rung_that_is_there_answers_and_is_named():
    known, unheard = EVERYTHING, replace(EVERYTHING, told=told(np.nan))
    rungs = [
        (known, "cqr"),
        (unheard, PATHS),
        (replace(unheard, paths=None), BINOMIAL),
        (replace(unheard, paths=None, mean=np.full((1, 4), np.nan)), HISTORY),
    ]
    for one, method in rungs:
        said = window_demand(one, WINDOWS, levels=LEVELS)
        assert said.methods.tolist() == [method]
        assert np.isfinite(said.values).all()
        assert (np.diff(said.values, axis=2) >= 0).all()


def test_windows_are_found_by_their_length_and_levels_by_their_value():
    values = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    said = window_demand(replace(EVERYTHING, told=replace(told(), values=values)), WINDOWS, levels=LEVELS)
    assert said.values[0].tolist() == [[3.0, 5.0], [0.0, 2.0]]


def test_a_window_that_was_not_forecast_takes_the_next_rung():
    said = window_demand(EVERYTHING, np.array([[3]]), levels=LEVELS)
    assert said.methods.tolist() == [PATHS]
    assert said.values[0, 0].tolist() == [6.0, 6.0]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.2, 20))
def test_the_binomial_has_the_mean_of_the_forecast_and_the_spread_of_the_past(seed, mean):
    past = np.random.default_rng(seed).negative_binomial(2, 0.4, (1, 60)).astype(float)
    said = window_demand(KnownDemand(past=past, mean=np.full((1, 4), mean)), np.array([[3]]), levels=LEVELS)
    sums = np.convolve(past[0], np.ones(3), mode="valid")
    over = max(sums.var() / sums.mean(), 1 + 1e-9)
    mine = stats.nbinom(3 * mean / (over - 1), 1 / over)
    for level, value in zip(LEVELS, said.values[0, 0], strict=True):
        assert mine.cdf(value) >= level - 1e-6
        assert value == 0 or mine.cdf(value - 1) <= level + 1e-6
    assert said.mean[0, 0] == pytest.approx(3 * mean, rel=1e-5)


def test_a_new_item_has_the_demand_of_its_category_alone():
    past = np.vstack([np.full((2, 30), 3.0), np.full((2, 30), 50.0), np.full((1, 30), np.nan)])
    known = KnownDemand(past=past, category=np.array(["tea", "tea", "salt", "salt", "tea"], dtype=object))
    said = window_demand(known, np.full((5, 1), 2), levels=LEVELS)
    assert said.methods.tolist() == [HISTORY] * 4 + [CATEGORY]
    assert said.values[4, 0].tolist() == [6.0, 6.0]


def test_a_slow_mover_takes_the_spread_of_its_category_where_its_own_past_is_short():
    rng = np.random.default_rng(3)
    past = np.vstack([rng.negative_binomial(1, 0.2, (3, 60)).astype(float), np.full((1, 60), np.nan)])
    past[3, -3:] = 1.0
    known = KnownDemand(past=past, mean=np.full((4, 4), 1.0))
    alone = KnownDemand(past=past[3:], mean=np.full((1, 4), 1.0))
    wide = window_demand(known, np.full((4, 1), 3), levels=LEVELS).values[3, 0, 1]
    assert wide > window_demand(alone, np.full((1, 1), 3), levels=LEVELS).values[0, 0, 1]


def test_what_nobody_knows_anything_of_stays_unknown():
    said = window_demand(KnownDemand(past=np.full((1, 20), np.nan)), WINDOWS, levels=LEVELS)
    assert np.isnan(said.values).all()
    assert said.methods.tolist() == [""]


def test_no_items_are_no_rows():
    assert window_demand(KnownDemand(past=np.zeros((0, 9))), np.zeros((0, 1), int), levels=LEVELS).values.shape == (
        0,
        1,
        2,
    )
