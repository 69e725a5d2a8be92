"""Decisions: the option that lost least, within the guards."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.errors import UnknownNameError
from finalmile.records import Finding, Incident
from finalmile.response.playbook import Decision, Playbook, decide
from finalmile.response.situation import Situation, Taken

NOW = datetime(2024, 3, 1, 8, tzinfo=UTC)
INCIDENT = Incident(
    incident_id="ab",
    model="demand",
    check="loss",
    subject="fleet",
    severity="critical",
    state="open",
    opened_at=date(2024, 2, 29),
    updated_at=date(2024, 2, 29),
    finding=Finding(check="loss", subject="fleet", at=date(2024, 2, 29), value=0.9, benchmark=0.6, breached=True),
)


def situation(**losses: float | None) -> Situation:
    return Situation(model="demand", live=3, previous=2, fallback=1, losses=losses, n_looks=14, now=NOW)


def decided(at: Situation, *, incident: Incident = INCIDENT, playbook: Playbook | None = None) -> Decision:
    return decide(incident, at, playbook or Playbook())


def did(decision: Decision) -> list[str]:
    return [step.action for step in decision.steps]


def test_the_option_that_lost_least_is_taken() -> None:
    assert did(decided(situation(keep=0.9, rollback=0.6, fallback=0.8))) == ["rollback"]
    assert did(decided(situation(keep=0.9, rollback=0.85, fallback=0.7))) == ["fallback"]


def test_of_equally_good_options_the_cheaper_is_taken() -> None:
    assert did(decided(situation(keep=0.9, rollback=0.605, fallback=0.6))) == ["rollback"]


def test_an_option_that_is_hardly_better_is_not_worth_a_change() -> None:
    decision = decided(situation(keep=0.9, rollback=0.89), playbook=Playbook(automatic=("rollback",)))
    assert did(decision) == ["escalate"]
    assert any("at least 2% less" in reason for reason in decision.reasons)


def test_without_a_better_version_a_critical_incident_retrains() -> None:
    assert did(decided(situation(keep=0.9, rollback=0.95, fallback=1.0))) == ["retrain"]


def test_a_warning_never_retrains_without_evidence() -> None:
    assert did(decided(situation(keep=0.9), incident=replace(INCIDENT, severity="warning"))) == ["escalate"]


@pytest.mark.parametrize(
    ("incident", "at", "why"),
    [
        (replace(INCIDENT, check="freshness"), situation(keep=0.9, rollback=0.1), "actuals are missing"),
        (INCIDENT, replace(situation(keep=0.9, rollback=0.1), n_looks=3), "a decision needs 7"),
        (INCIDENT, situation(rollback=0.1), "not known"),
        (INCIDENT, situation(keep=float("nan"), rollback=0.1), "not known"),
        (replace(INCIDENT, state="resolved"), situation(keep=0.9, rollback=0.1), "over"),
    ],
)
def test_missing_data_holds(incident: Incident, at: Situation, why: str) -> None:
    decision = decided(at, incident=incident)
    assert decision.steps == ()
    assert "Hold" in decision.reasons[0]
    assert why in decision.reasons[0]


def test_within_the_cooldown_the_last_change_is_given_time() -> None:
    before = Taken(action="rollback", at=NOW - timedelta(days=3), from_version=4, to_version=3)
    at = replace(situation(keep=0.9, rollback=0.5), taken=(before,))
    assert did(decided(at)) == []
    assert did(decided(replace(at, now=NOW + timedelta(days=4)))) == ["rollback"]


def test_too_many_changes_in_a_week_leave_the_next_to_people() -> None:
    often = tuple(Taken(action="retrain", at=NOW - timedelta(days=n)) for n in (3, 5))
    decision = decided(
        replace(situation(keep=0.9, rollback=0.5), taken=often), playbook=Playbook(cooldown_days=1, max_per_week=2)
    )
    assert did(decision) == ["escalate"]
    assert "2 changes within a week" in decision.reasons[0]


def test_an_incident_is_not_escalated_every_day() -> None:
    told = Taken(action="escalate", at=NOW - timedelta(days=1), incident_id="ab")
    people = Playbook(automatic=("rollback",))
    assert did(decided(replace(situation(keep=0.9), taken=(told,)), playbook=people)) == []
    other = replace(told, incident_id="cd")
    assert did(decided(replace(situation(keep=0.9), taken=(other,)), playbook=people)) == ["escalate"]


def test_an_escalation_starts_no_cooldown() -> None:
    told = Taken(action="escalate", at=NOW - timedelta(hours=1), incident_id="ab")
    assert did(decided(replace(situation(keep=0.9, rollback=0.5), taken=(told,)))) == ["rollback"]


def test_a_version_that_was_left_before_is_not_returned_to() -> None:
    left = Taken(action="rollback", at=NOW - timedelta(days=60), from_version=2, to_version=1)
    decision = decided(replace(situation(keep=0.9, rollback=0.5, fallback=0.6), taken=(left,)))
    assert did(decision) == ["fallback"]
    assert any("version 2 was left before" in reason for reason in decision.reasons)


def test_without_a_previous_version_there_is_no_rollback() -> None:
    decision = decided(replace(situation(keep=0.9, rollback=0.5, fallback=0.6), previous=None))
    assert did(decision) == ["fallback"]
    assert any("there is no such version" in reason for reason in decision.reasons)


def test_nothing_automatic_means_people_decide() -> None:
    assert did(decided(situation(keep=0.9, rollback=0.1), playbook=Playbook(automatic=()))) == ["escalate"]


def test_a_dry_run_decides_the_same_and_says_that_it_is_one() -> None:
    real = situation(keep=0.9, rollback=0.6)
    dry = decided(replace(real, dry_run=True))
    assert dry.dry_run
    assert dry.steps == decided(real).steps


def test_the_reasons_name_the_losses() -> None:
    decision = decided(situation(keep=0.9, rollback=0.6))
    assert "0.600 against 0.900" in decision.steps[0].why
    assert any(reason.startswith("rollback: loss 0.600") for reason in decision.reasons)


def test_an_action_that_is_not_there_is_named_at_once() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'rollback'"):
        Playbook(automatic=("rolback",))


@given(
    keep=st.floats(0, 10),
    losses=st.dictionaries(st.sampled_from(["rollback", "fallback"]), st.floats(0, 10) | st.none()),
    margin=st.floats(0, 0.5),
)
def test_a_change_of_version_always_lost_less_by_the_margin(
    keep: float, losses: dict[str, float | None], margin: float
) -> None:
    decision = decided(situation(keep=keep, **losses), playbook=Playbook(margin=margin))
    for step in decision.steps:
        if step.action in {"rollback", "fallback"}:
            assert losses[step.action] < keep * (1 - margin)
