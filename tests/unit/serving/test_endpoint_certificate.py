"""Intervals and verdicts on the speed of versions, by windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from finalmile.serving.endpoint_certificate import compare, overall, prediction_interval

LATENCIES = st.lists(st.floats(0.5, 1e3), min_size=2, max_size=40)


def windows(chance: np.random.Generator, *, slower: float = 1.0, n: int = 30, spread: float = 0.08) -> list[float]:
    shift = chance.normal(0, 0.02)
    return (slower * np.exp(shift + chance.normal(0, spread, size=n))).tolist()


@given(LATENCIES, st.floats(0.5, 0.999))
def test_the_interval_holds_its_centre_and_grows_with_the_level(values: list[float], level: float) -> None:
    told, wider = prediction_interval(values, level=level), prediction_interval(values, level=(level + 1) / 2)
    assert told.low < told.centre < told.high
    assert wider.low <= told.low
    assert wider.high >= told.high


@given(LATENCIES, st.floats(0.01, 100))
def test_the_unit_of_latency_does_not_matter(values: list[float], factor: float) -> None:
    told, scaled = prediction_interval(values), prediction_interval([factor * one for one in values])
    assert scaled.centre == pytest.approx(factor * told.centre)
    assert scaled.high == pytest.approx(factor * told.high, rel=1e-4)


def test_equal_windows_do_not_promise_exactness() -> None:
    told = prediction_interval([1.0] * 10)
    assert told.low < 0.995
    assert told.high > 1.005


def test_the_interval_covers_one_more_window_as_often_as_it_says() -> None:
    chance = np.random.default_rng(3)
    drawn = chance.normal(0, 0.1, size=(4000, 11))
    told = [prediction_interval(np.exp(row[:10]).tolist(), level=0.9) for row in drawn]
    covered = np.mean([np.exp(row[10]) in one for row, one in zip(drawn, told, strict=True)])
    assert covered == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, float("nan")], [1.0, 0.0]])
def test_too_few_windows_or_empty_ones_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"windows|window must"):
        prediction_interval(values)


def test_the_ratio_is_welchs_where_windows_are_independent() -> None:
    chance = np.random.default_rng(1)
    first, second = windows(chance, n=12), windows(chance, n=20, slower=1.3)
    first[::2], first[1::2] = sorted(first)[:6], sorted(first)[6:]
    second[::2], second[1::2] = sorted(second)[:10], sorted(second)[10:]
    told = compare(first, second, level=0.95)
    by_scipy = stats.ttest_ind(np.log(second), np.log(first), equal_var=False).confidence_interval(0.95)
    assert (told.low, told.high) == pytest.approx((np.exp(by_scipy.low), np.exp(by_scipy.high)))


@given(LATENCIES, LATENCIES)
def test_exchanging_the_two_turns_the_verdict_around(first: list[float], second: list[float]) -> None:
    there, back = compare(first, second), compare(second, first)
    assert there.ratio == pytest.approx(1 / back.ratio)
    assert {"slower": "faster", "faster": "slower"}.get(there.verdict, there.verdict) == back.verdict


@pytest.mark.parametrize("n", [10, 30])
def test_the_same_version_is_never_called_slower_and_one_half_slower_always(n: int) -> None:
    chance = np.random.default_rng(n)
    base = [windows(chance, n=n) for _ in range(300)]
    same = [compare(one, windows(chance, n=n)).verdict for one in base]
    quarter = [compare(one, windows(chance, n=n, slower=1.25)).verdict for one in base]
    half = [compare(one, windows(chance, n=n, slower=1.5)).verdict for one in base]
    assert same.count("slower") == 0
    assert quarter.count("slower") >= 150
    assert half.count("slower") == 300


def test_windows_that_resemble_their_neighbours_count_for_fewer() -> None:
    drifting = (1 + np.linspace(0, 0.3, 30)).tolist()
    shuffled = np.random.default_rng(0).permutation(drifting).tolist()
    wide, narrow = compare(drifting, drifting), compare(shuffled, shuffled)
    assert wide.high > narrow.high


def test_slow_in_one_quantile_is_slower() -> None:
    base = [1.0, 1.01, 0.99, 1.0, 1.02]
    even, slow = compare(base, base), compare(base, [2 * one for one in base])
    assert overall({"p50": even, "p99": slow}) == "slower"
    assert overall({"p50": even}) == "same"
    assert overall({}) == "undecided"
