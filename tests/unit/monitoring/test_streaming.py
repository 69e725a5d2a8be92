from __future__ import annotations

import math
import random
from datetime import date
from typing import Any

import numpy as np
import pytest

from finalmile.monitoring.checks.fast_lane import FastLane
from finalmile.monitoring.packing import from_bytes, to_bytes
from finalmile.monitoring.registry import detectors
from finalmile.monitoring.streaming.adwin import Adwin
from finalmile.monitoring.streaming.cusum import Cusum
from finalmile.monitoring.streaming.page_hinkley import PageHinkley

NAMES = ("adwin", "cusum", "page_hinkley")


def alarms(detector: Any, values: Any) -> list[int]:
    state, found = detector.start(), []
    for at, value in enumerate(values):
        state = detector.update(state, float(value))
        if state.detected:
            found.append(at)
    return found


def published() -> list[int]:
    """The sequence that the documentation of river shows both detectors on: 1,000 of 0 or 1, then 1,000 of 4 to 7."""
    rng = random.Random(12345)
    return rng.choices([0, 1], k=1000) + rng.choices(range(4, 8), k=1000)


def test_adwin_finds_the_published_change_where_it_was_published() -> None:
    assert alarms(Adwin(), published()) == [1023]


def test_page_hinkley_finds_the_published_change_where_it_was_published() -> None:
    assert alarms(PageHinkley(), published()) == [1006]


def test_cusum_is_as_often_wrong_and_as_fast_as_its_table_says() -> None:
    rng = np.random.default_rng(5_000_010)
    quiet = alarms(Cusum(), rng.standard_normal(60_000))
    assert 60_000 / len(quiet) == pytest.approx(465, rel=0.25)
    delays = [alarms(Cusum(), 1 + rng.standard_normal(200))[0] + 1 for _ in range(300)]
    assert np.mean(delays) == pytest.approx(10.4, rel=0.1)


def test_adwin_keeps_little_however_long_the_stream() -> None:
    rng, state, lane = np.random.default_rng(3), Adwin().start(), Adwin()
    for value in rng.random(5000):
        state = lane.update(state, float(value))
    assert state.width == 5000
    assert len(state.sizes) < 70
    assert state.mean == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_detectors_resume_where_they_were_bit_for_bit(name: str) -> None:
    detector, rng = detectors.make(name), np.random.default_rng(4)
    values = rng.standard_normal(400)
    state = detector.start()
    for value in values[:150]:
        state = detector.update(state, float(value))
    kept = from_bytes(type(state), to_bytes(state, version=1), version=1)
    for value in values[150:]:
        state, kept = detector.update(state, float(value)), detector.update(kept, float(value))
    assert to_bytes(state, version=1) == to_bytes(kept, version=1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_missing_or_infinite_says_nothing(name: str, value: float) -> None:
    detector = detectors.make(name)
    state = detector.update(detector.start(), value)
    assert not state.detected


@pytest.mark.parametrize("name", NAMES)
def test_a_constant_stream_is_quiet(name: str) -> None:
    assert alarms(detectors.make(name), np.zeros(500)) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_fast_lane_says_that_it_promises_nothing_and_opens_no_incident(name: str) -> None:
    lane = FastLane(detector=name)
    state, found = lane.start(), []
    rng = np.random.default_rng(7)
    for at in range(600):
        value = rng.standard_normal() + (8.0 if at > 300 else 0.0)
        state, told = lane.update(state, value, stream="loss", subject="fleet", at=date(2024, 3, 1))
        found += [one for one in told if one.severity == "warning"]
    assert found
    assert not any(one.breached for one in found)
    assert "no rate of false alarms is promised" in found[0].why
