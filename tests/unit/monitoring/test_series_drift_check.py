"""The series check: which features of which series it lists."""

from __future__ import annotations

import numpy as np
import pytest

from finalmile.errors import MissingInputError
from finalmile.frames import Frequency
from finalmile.monitoring.checks.series_drift import SeriesDriftCheck
from finalmile.monitoring.inputs.series import SeriesLook, SeriesReference, SeriesState

DAY = Frequency("day")
IDS = np.array([f"p{i:02d}" for i in range(40)], dtype=object)
NAMES = np.array(["price", "stock"], dtype=object)
CHECK = SeriesDriftCheck()


def values(period: int) -> np.ndarray:
    rng = np.random.default_rng(5_150_000 + period)
    return np.column_stack([np.full(40, 5.0), 20 + 3 * rng.normal(size=40) + 2 * (period % 7 == 0)])


def started(looks: int = 60) -> SeriesState:
    told = np.stack([values(19_000 + t) for t in range(looks)], axis=-1)
    periods = np.arange(19_000, 19_000 + looks)
    return CHECK.start(SeriesReference(frequency=DAY, ids=IDS, names=NAMES, periods=periods, values=told))


def test_series_that_are_as_they_were_are_not_listed() -> None:
    state = started()
    for _ in range(40):
        state, told = CHECK.update(state, SeriesLook(period=state.last + 1, ids=IDS, values=values(state.last + 1)))
    assert [one.value for one in told] == [0.0, 0.0]
    assert told[0].why == "No series has left its usual price, of 40."


def test_a_price_that_changed_for_good_is_named_and_forgotten_when_it_is_back() -> None:
    state = started()
    for t in range(120):
        now = values(state.last + 1)
        now[7, 0] = 6.0 if t < 10 else 5.0
        state, told = CHECK.update(state, SeriesLook(period=state.last + 1, ids=IDS, values=now))
        if t == 9:
            assert told[0].value == 1 / 40
            assert told[0].breached
            assert "p07 (5 became " in told[0].why
    assert told[0].value == 0.0


def test_series_come_in_any_order_and_new_ones_are_left_out() -> None:
    one = two = started()
    for _ in range(5):
        now, turn = values(one.last + 1), np.random.default_rng(one.last).permutation(40)
        one, _ = CHECK.update(one, SeriesLook(period=one.last + 1, ids=IDS, values=now))
        ids, more = np.append(IDS[turn], "new"), np.vstack([now[turn], [1.0, 1.0]])
        two, _ = CHECK.update(two, SeriesLook(period=two.last + 1, ids=ids, values=more))
    assert one.to_bytes() == two.to_bytes()


def test_missing_values_prove_nothing_and_a_stored_state_goes_on() -> None:
    state = started()
    for _ in range(30):
        nothing = np.full((40, 2), np.nan)
        state, told = CHECK.update(state, SeriesLook(period=state.last + 1, ids=IDS, values=nothing))
        state = SeriesState.from_bytes(state.to_bytes())
    assert not any(one.breached for one in told)
    assert CHECK.update(state, SeriesLook(period=state.last, ids=IDS, values=nothing)) == (state, [])


def test_too_short_a_reference_is_refused() -> None:
    with pytest.raises(MissingInputError, match="5 looks"):
        started(looks=5)
