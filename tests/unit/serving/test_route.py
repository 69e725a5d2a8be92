"""Which version answers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from finalmile.serving.board import Route, Share
from finalmile.serving.route import choose, place


def _route(*shares: float) -> Route:
    told = tuple(Share(number=at + 2, share=share, role="canary") for at, share in enumerate(shares))
    return Route(model="demand", live=1, shares=told)


@given(st.text())
def test_without_shares_the_live_version_answers_everything(key: str) -> None:
    assert choose(_route(), key).number == 1


@given(st.text(), st.floats(0, 0.5), st.floats(0, 0.5))
def test_a_share_that_grows_keeps_what_it_had(key: str, small: float, more: float) -> None:
    if choose(_route(small), key).number == 2:
        assert choose(_route(small + more), key).number == 2


def test_a_canary_of_a_tenth_answers_about_a_tenth() -> None:
    answered = [choose(_route(0.1), f"item-{at}").number for at in range(20_000)]
    assert abs(answered.count(2) / 20_000 - 0.1) < 0.01


def test_arms_split_what_they_were_given_and_the_rest_stays_live() -> None:
    answered = [choose(_route(0.3, 0.3), f"item-{at}").number for at in range(20_000)]
    assert all(abs(answered.count(number) / 20_000 - part) < 0.015 for number, part in ((1, 0.4), (2, 0.3), (3, 0.3)))


@given(st.text())
def test_models_place_the_same_key_independently_and_always_alike(key: str) -> None:
    assert 0 <= place("demand", key) < 1
    assert place("demand", key) == place("demand", key)
