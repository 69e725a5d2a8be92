"""What every registered action promises."""

from datetime import UTC, datetime, timedelta

import pytest

from finalmile.records import Finding, Incident, Step
from finalmile.response.registry import actions
from finalmile.response.situation import Situation, Taken

NAMES = list(actions)
NOW = datetime(2024, 3, 1, 8, tzinfo=UTC)
ASKED = Incident(
    incident_id="ab",
    model="demand",
    check="coverage",
    subject="q0.98 of volume class 1 of 5",
    severity="critical",
    state="open",
    opened_at=NOW,
    updated_at=NOW,
    finding=Finding(check="coverage", subject="q0.98", at=NOW, value=0.9, benchmark=0.98, why="Too few held."),
)
EVERYTHING = Situation(
    model="demand",
    live=3,
    previous=2,
    fallback=1,
    losses={"keep": 0.9, "rollback": 0.6, "fallback": 0.8},
    n_looks=14,
    now=NOW,
    incident=ASKED,
)
NOTHING = Situation(model="demand", live=3, now=NOW)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_says_what_why_and_how_to_undo_it(name: str) -> None:
    step = actions.make(name).plan(EVERYTHING)
    assert isinstance(step, Step)
    assert (step.action, step.model) == (name, "demand")
    for sentence in (step.why, step.undo):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
    if step.to_version is not None:
        assert step.to_version != EVERYTHING.live
        assert f"version {EVERYTHING.live}" in step.undo


@pytest.mark.parametrize("name", NAMES)
def test_knowing_nothing_is_no_error(name: str) -> None:
    step = actions.make(name).plan(NOTHING)
    assert step is None or step.to_version is None


@pytest.mark.parametrize("name", NAMES)
def test_planning_twice_gives_the_same_step(name: str) -> None:
    assert actions.make(name).plan(EVERYTHING) == actions.make(name).plan(EVERYTHING)


@pytest.mark.parametrize("name", NAMES)
def test_no_action_returns_to_a_version_that_did_badly(name: str) -> None:
    history = (
        Taken(action="rollback", at=NOW - timedelta(days=90), from_version=2, to_version=1),
        Taken(action="fallback", at=NOW - timedelta(days=60), from_version=1, to_version=2),
    )
    step = actions.make(name).plan(
        Situation(model="demand", live=3, previous=2, fallback=1, now=NOW, taken=history, losses=EVERYTHING.losses)
    )
    assert step is None or step.to_version is None


@pytest.mark.parametrize("name", ["rollback", "fallback"])
def test_a_change_to_what_is_live_already_is_no_change(name: str) -> None:
    assert actions.make(name).plan(Situation(model="demand", live=3, previous=3, fallback=3, now=NOW)) is None
