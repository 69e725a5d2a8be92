"""What inputs were like is profiled once, at certification, and never again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from finalmile.monitoring.inputs.columns import Look
from finalmile.monitoring.inputs.state import InputState
from finalmile.monitoring.profile import Profile
from finalmile.project import Project
from finalmile.records import Finding
from finalmile.workflows.watching import inputs, profiles
from finalmile.workflows.watching.seen import state_key

HISTORY = 100


@pytest.fixture
def certified(small_shop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A shop with a certified version, in which nothing can be profiled any more."""
    shop = small_shop()
    shop.project.train("demand")
    shop.project.certify("demand")
    shop.project.promote("demand", force=True)

    def again(looks: Sequence[Look]) -> Profile:
        raise AssertionError(f"{len(looks)} looks were profiled again")

    monkeypatch.setattr(profiles, "profiled", again)
    return shop


def a_day(shop: Any, number: int) -> tuple[Finding, ...]:
    project: Project = shop.project
    project.forecast("demand")
    shop.morning(number + 1)
    project.sales.add(shop.sales(number, number + 1))
    findings: tuple[Finding, ...] = project.monitor("demand").findings
    return findings


def test_later_looks_read_the_profile_of_certification(certified: Any) -> None:
    for number in (HISTORY, HISTORY + 1):
        told = a_day(certified, number)
        assert not [one.why for one in told if one.subject == "check"]
        assert {"input_drift", "schema", "ranges"} <= {one.check for one in told}


def test_evidence_that_is_lost_is_learned_again_from_the_same_profile(certified: Any) -> None:
    shop = certified.project.shop
    key = state_key(inputs.NAME, shop.ledger.version("demand", 1))
    shop.ledger.save_state(key, b"damaged")
    told = a_day(certified, HISTORY)
    assert not [one.why for one in told if one.subject == "check"]
    assert any("learned again" in one.why for one in told)
    assert InputState.from_bytes(shop.ledger.load_state(key)).last > 0
