"""Demand over more periods is not less: whatever the data, no window is told less than a shorter one."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from finalmile.frames import Frequency, Panel, rising_windows, same_windows
from finalmile.inventory.ladder import KnownDemand, window_demand
from finalmile.ports import forecasters

LEVELS = (0.5, 0.8, 0.9, 0.98)
DEMAND = st.one_of(st.just(0.0), st.just(float("nan")), st.integers(0, 50).map(float))
WINDOWS = st.lists(st.integers(1, 20), min_size=1, max_size=5)


def told_for(windows: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Quantiles of each row's windows from a table (row, window, level), so that the same window has the same."""
    return np.take_along_axis(table, (windows - 1)[:, :, None], axis=1)


def tables() -> st.SearchStrategy[np.ndarray]:
    """Quantiles that rise with the level and do as they like from window to window."""
    numbers = arrays(np.float64, (2, 20, 3), elements=st.integers(0, 200).map(float))
    return numbers.map(lambda values: np.sort(values, axis=2))


def rises(windows: np.ndarray, values: np.ndarray) -> bool:
    order = np.argsort(windows, axis=1, kind="stable")[:, :, None]
    return bool((np.diff(np.take_along_axis(values, order, axis=1), axis=1) >= 0).all())


@settings(max_examples=30, deadline=None)
@given(table=tables(), asked=WINDOWS, whole=st.booleans())
def test_any_quantiles_are_mended_to_rise_with_window_and_level(table: np.ndarray, asked: list[int], whole: bool):
    windows = same_windows(2, asked)
    told = told_for(windows, table)
    mended = rising_windows(windows, told, whole=whole)
    assert rises(windows, mended)
    assert (np.diff(mended, axis=2) >= 0).all()
    assert (mended.min(axis=1) >= told.min(axis=1)).all()
    assert (mended.max(axis=1) <= told.max(axis=1)).all()
    assert (mended % 1 == 0).all() or not whole
    for one in set(asked):
        same = mended[:, [at for at, window in enumerate(asked) if window == one]]
        assert (same == same[:, :1]).all()


@settings(max_examples=30, deadline=None)
@given(table=tables(), asked=WINDOWS)
def test_what_rises_already_is_left_as_it_is(table: np.ndarray, asked: list[int]):
    windows = same_windows(2, asked)
    told = told_for(windows, np.sort(table, axis=1))
    assert np.array_equal(rising_windows(windows, told), told)
    mended = rising_windows(windows, told_for(windows, table))
    assert np.array_equal(rising_windows(windows, mended), mended)


@settings(max_examples=30, deadline=None)
@given(table=tables(), asked=WINDOWS, chance=st.randoms())
def test_the_order_in_which_windows_are_asked_changes_nothing(table: np.ndarray, asked: list[int], chance: Any):
    shuffled = list(range(len(asked)))
    chance.shuffle(shuffled)
    windows = same_windows(2, asked)
    mended = rising_windows(windows, told_for(windows, table))
    other = windows[:, shuffled]
    assert np.array_equal(rising_windows(other, told_for(other, table)), mended[:, shuffled])


@settings(max_examples=20, deadline=None)
@given(
    y=arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(2, 90)), elements=DEMAND),
    name=st.sampled_from(["seasonal_naive", "window_average", "sba", "tsb"]),
)
def test_any_demand_is_told_quantiles_that_rise_with_the_window(y: np.ndarray, name: str):
    panel = Panel(
        ids=np.array([f"s{at}" for at in range(len(y))], dtype=object),
        frequency=Frequency("day"),
        first=15_000,
        y=y,
        censored=np.zeros(y.shape, dtype=np.bool_),
    )
    asked = same_windows(panel.n, [12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 20, 33])
    told = forecasters.make(name).fit(panel).predict(panel, horizon=5, windows=asked, levels=LEVELS).cumulative
    assert told is not None
    assert rises(asked, told.values)
    assert (np.diff(told.values, axis=2) >= 0).all()


@settings(max_examples=12, deadline=None)
@given(
    past=arrays(np.float64, (3, 40), elements=DEMAND),
    mean=arrays(np.float64, (3, 10), elements=st.floats(0, 20)),
    forecast=st.booleans(),
)
def test_windows_of_items_without_a_forecast_rise_too(past: np.ndarray, mean: np.ndarray, forecast: bool):
    asked = same_windows(3, [7, 1, 2, 3, 4, 5, 6, 8, 9, 10])
    told = window_demand(KnownDemand(past=past, mean=mean if forecast else None), asked, levels=LEVELS)
    known = np.isfinite(told.values).all(axis=(1, 2))
    assert rises(asked[known], told.values[known])
