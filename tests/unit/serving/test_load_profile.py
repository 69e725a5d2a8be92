"""The search for the highest rate that keeps its promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.serving.histogram import Histogram
from finalmile.serving.load_profile import Ladder, Rung, Window


def window(*, ms: float, sent: int = 1000, came: int | None = None, errors: dict[str, int] | None = None) -> Window:
    answered = sent - sum((errors or {}).values())
    return Window(
        seconds=1.0, rate=1000.0, sent=sent, came=answered if came is None else came,
        latencies=Histogram.of(np.full(answered, ms * 1000)), errors=errors or {},
    )  # fmt: skip


def climb(ladder: Ladder, limit: float) -> list[Rung]:
    rungs: list[Rung] = []
    while (rate := ladder.next(rungs)) is not None:
        rungs.append(Rung(rate=rate, windows=(window(ms=1.0 if rate <= limit else 900.0),)))
    return rungs


@given(start=st.floats(1, 50_000), limit=st.floats(2, 90_000))
@settings(deadline=None)
def test_the_rate_found_keeps_the_promise_and_is_within_the_fineness_of_the_limit(start: float, limit: float) -> None:
    ladder = Ladder(start=start, tries=60)
    found = ladder.sustained(rungs := climb(ladder, limit))
    assert found is not None
    assert limit / 1.1 - 1e-6 <= found <= limit
    assert ladder.why(rungs) == "settled"


def test_a_server_that_is_always_too_slow_sustains_nothing() -> None:
    ladder = Ladder(start=100, lowest=1)
    rungs = climb(ladder, limit=0.5)
    assert ladder.sustained(rungs) is None
    assert ladder.why(rungs) == "too slow at every rate"


def test_the_search_does_not_go_beyond_the_highest_rate() -> None:
    ladder = Ladder(start=100, highest=1000)
    rungs = climb(ladder, limit=1e9)
    assert ladder.sustained(rungs) == 1000
    assert ladder.why(rungs) == "highest rate asked"


def test_the_search_ends_after_its_tries() -> None:
    assert len(climb(Ladder(start=1, tries=3), limit=1e9)) == 3


def test_a_client_at_its_limit_ends_the_search() -> None:
    ladder = Ladder(start=100)
    rungs = [Rung(rate=100, windows=(window(ms=1),), client_share=0.95)]
    assert ladder.next(rungs) is None
    assert ladder.why(rungs) == "the client is the limit"


def test_one_slow_window_of_many_breaks_the_promise() -> None:
    assert not Rung(rate=1, windows=(window(ms=1), window(ms=60), window(ms=1))).keeps(50)


def test_one_error_breaks_the_promise_however_fast_the_answers_were() -> None:
    assert not Rung(rate=1, windows=(window(ms=1, errors={"status 503": 1}),)).keeps(50)


def test_a_queue_that_grows_is_not_sustained_however_long_a_wait_is_allowed() -> None:
    assert not Rung(rate=1, windows=(window(ms=1, came=900),)).keeps(50)
    assert Rung(rate=1, windows=(window(ms=1, came=960),)).keeps(50)


def test_what_is_on_its_way_from_one_window_to_the_next_is_no_queue() -> None:
    assert Rung(rate=1, windows=(window(ms=1, came=900), window(ms=1, came=1080))).keeps(50)


def test_no_window_keeps_no_promise() -> None:
    assert not Rung(rate=1, windows=()).keeps(50)
    assert not Rung(rate=1, windows=(window(ms=1, sent=0),)).keeps(50)


@pytest.mark.parametrize("level", [0.99, 0.999])
def test_an_error_counts_as_the_slowest_answer(level: float) -> None:
    assert window(ms=1, errors={"timeout": 50}).quantile(level) > 90_000


@given(st.lists(st.floats(1, 1e7), min_size=1, max_size=50), st.dictionaries(st.text(), st.integers(0, 9), max_size=3))
def test_a_window_survives_the_way_between_processes(micros: list[float], errors: dict[str, int]) -> None:
    told = Window(seconds=2, rate=10, sent=7, came=6, latencies=Histogram.of(np.asarray(micros)), errors=errors)
    back = Window.from_json(told.to_json())
    assert back.to_json() == told.to_json()
    assert (back.latencies.counts == told.latencies.counts).all()
