"""View models: the verdicts of the first page."""

from datetime import UTC, date, datetime

import pytest

from finalmile.figures import Event, HealthView, Home, Need, ServiceView
from finalmile.records import Estimate


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        (Estimate(value=0.99, low=0.985, high=0.995), "met"),
        (Estimate(value=0.99, low=0.97, high=0.995), "too close to call"),
        (Estimate(value=0.95, low=0.94, high=0.96), "missed"),
        (Estimate(value=0.98), "met"),
        (Estimate(value=0.9799), "missed"),
        (Estimate(value=None), "unknown"),
    ],
)
def test_the_target_is_met_only_when_the_interval_says_so(told: Estimate, verdict: str) -> None:
    assert ServiceView(fill_rate=told).verdict == verdict
    assert ServiceView(cycle_service=told, which="cycle service").verdict == verdict


def test_a_model_is_healthy_when_live_and_certified() -> None:
    assert HealthView().healthy is None
    assert HealthView(version="demand@1").healthy is False
    assert HealthView(version="demand@1", certified=False).healthy is False
    assert HealthView(version="demand@1", certified=True).healthy is True


def test_decisions_are_ranked_by_money_and_unknown_money_is_last() -> None:
    needs = (Need(what="b", why=""), Need(what="c", why="", money=1.0), Need(what="a", why="", money=9.0))
    assert [need.what for need in Home(name="x", needs=needs).ranked_needs] == ["a", "c", "b"]


def test_the_story_is_newest_first_whether_days_or_instants() -> None:
    moments = (date(2026, 3, 1), datetime(2026, 3, 2, 5, tzinfo=UTC), datetime(2026, 3, 1, 9))
    events = tuple(Event(at=at, kind="note", text=str(number)) for number, at in enumerate(moments))
    assert [event.text for event in Home(name="x", events=events).story] == ["1", "2", "0"]
