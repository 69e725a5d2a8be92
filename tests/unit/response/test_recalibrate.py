"""Quantiles are measured again where coverage asks, and for nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from finalmile.records import Finding, Incident
from finalmile.response.playbook import Playbook, decide
from finalmile.response.situation import Situation

NOW = datetime(2024, 3, 1, tzinfo=UTC)


def incident(check: str) -> Incident:
    finding = Finding(check=check, subject="fleet", at=NOW, value=0.9, benchmark=0.98, breached=True, why="Worse.")
    return Incident(
        incident_id="ab", model="demand", check=check, subject="fleet", severity="critical", state="open",
        opened_at=NOW, updated_at=NOW, finding=finding,
    )  # fmt: skip


def situation(**losses: float) -> Situation:
    return Situation(model="demand", live=3, previous=2, losses={"keep": 0.9, **losses}, n_looks=14, now=NOW)


def test_coverage_is_answered_by_measuring_quantiles_again_whatever_else_is_better() -> None:
    (step,) = decide(incident("coverage"), situation(rollback=0.1), Playbook()).steps
    assert (step.action, step.to_version) == ("recalibrate", None)
    assert "Promote version 3 again" in step.undo


@pytest.mark.parametrize("check", ["loss", "bias", "fva"])
def test_a_mean_that_went_wrong_is_not_answered_so(check: str) -> None:
    (step,) = decide(incident(check), situation(rollback=0.1), Playbook()).steps
    assert step.action == "rollback"


def test_who_does_not_allow_it_is_asked_otherwise() -> None:
    steps = decide(incident("coverage"), situation(), Playbook(automatic=("rollback",))).steps
    assert [step.action for step in steps] == ["escalate"]
