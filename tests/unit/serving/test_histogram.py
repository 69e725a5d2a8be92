"""Latencies in buckets."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from finalmile.serving.histogram import BUCKETS, WIDTH, Histogram, bucket_of

micros = st.lists(st.floats(1.0, 9e7), min_size=1, max_size=200)


@given(micros)
def test_a_quantile_is_within_one_per_cent_of_the_latency_it_names(values: list[float]) -> None:
    told = Histogram.of(np.array(values))
    for level in (0.5, 0.9, 0.99, 1.0):
        exact = sorted(values)[max(1, math.ceil(level * len(values) - 1e-9)) - 1]
        assert abs(told.quantile(level) / exact - 1) < 0.01


@given(micros, micros)
def test_two_histograms_added_are_the_histogram_of_both(one: list[float], other: list[float]) -> None:
    both = Histogram.of(np.array(one)) + Histogram.of(np.array(other))
    assert (both.counts == Histogram.of(np.array(one + other)).counts).all()


@given(st.floats(0, 1e12))
def test_counting_one_by_one_and_counting_many_agree(value: float) -> None:
    assert Histogram.of(np.array([value])).counts[bucket_of(value)] == 1


def test_nothing_counted_has_no_quantile() -> None:
    assert math.isnan(Histogram.empty().quantile(0.5))
    assert Histogram.empty().total == 0


def test_the_last_bucket_reaches_a_hundred_seconds() -> None:
    assert WIDTH**BUCKETS >= 1e8
    assert bucket_of(1e8) == BUCKETS - 1
