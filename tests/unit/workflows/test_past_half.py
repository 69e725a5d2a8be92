"""More than half of the traffic rests on a verdict, or on somebody who says why."""

from __future__ import annotations

from typing import Any

import pytest

from finalmile.errors import ConfigError, NotCertifiedError

LEARNED = 44


def promoted(shop: Any) -> Any:
    for recipe in ("seasonal_naive", "window_average"):
        shop.project.train("demand", recipe, cutoff=shop.day(LEARNED))
    shop.project.promote("demand", 1, force=True)
    return shop.project


@pytest.fixture
def project(small_shop: Any) -> Any:
    """The live version repeats last week; the second averages, and is better on noise."""
    return promoted(small_shop())


@pytest.fixture
def three(small_shop: Any) -> Any:
    """The same, and a third that repeats last week, too."""
    shop = small_shop()
    project = promoted(shop)
    project.train("demand", "seasonal_naive", cutoff=shop.day(LEARNED - 1))
    return project


def reasons(project: Any) -> list[str]:
    return [str(row.body) for row in project.ledger.audit_rows() if "route" in row.verb]


@pytest.mark.parametrize("asked", [{"canary": (2, 0.6)}, {"arms": {2: 1.0}}])
def test_a_version_that_nobody_compared_is_not_raised_past_half(project, asked):
    with pytest.raises(NotCertifiedError, match="nobody compared it"):
        project.set_route(**asked)
    assert project.ledger.route("demand").beside == ()


def test_half_of_the_traffic_asks_for_nothing(project):
    (beside,) = project.set_route(arms={2: 0.5}).rule.beside
    assert beside.share == 0.5


def test_a_version_that_won_may_answer_all(project):
    assert project.compare("demand", horizon_days=55).decision == "win"
    (beside,) = project.set_route(canary=(2, 1.0)).rule.beside
    assert beside.share == 1.0


def test_a_comparison_that_has_not_decided_is_no_verdict(project):
    assert project.compare("demand", anew=True).decision == "hold"
    with pytest.raises(NotCertifiedError, match="hold: "):
        project.set_route(canary=(2, 0.51))


def test_force_needs_a_reason_of_its_own_and_the_audit_keeps_it(project):
    with pytest.raises(ConfigError, match="reason of its own"):
        project.set_route(canary=(2, 0.9), force=True)
    project.set_route(canary=(2, 0.9), force=True, why="version 1 has lost its feed")
    told = [why for why in reasons(project) if "lost its feed" in why]
    assert len(told) == 1
    assert "forced: demand@2 would answer 90%, and nobody compared it" in told[0]


def test_a_share_past_half_may_be_lowered_and_other_things_changed_without_a_verdict(project):
    project.set_route(canary=(2, 0.9), force=True, why="version 1 has lost its feed")
    project.set_route(durable=False)
    (beside,) = project.set_route(canary=(2, 0.7)).rule.beside
    assert beside.share == 0.7
    with pytest.raises(NotCertifiedError):
        project.set_route(canary=(2, 0.8))


def test_two_versions_that_nobody_compared_are_not_raised_past_half_together(three):
    with pytest.raises(NotCertifiedError, match=r"demand@2 would answer 40%.*demand@3 would answer 30%"):
        three.set_route(arms={2: 0.4, 3: 0.3})
    assert three.ledger.route("demand").beside == ()
    three.set_route(arms={2: 0.3, 3: 0.2})
    with pytest.raises(NotCertifiedError, match="demand@3"):
        three.set_route(canary=(2, 0.1), arms={3: 0.5})


def test_one_version_that_won_leaves_half_of_the_traffic_to_another_on_trust(three):
    assert three.compare("demand", challenger=2, horizon_days=55).decision == "win"
    assert len(three.set_route(arms={2: 0.5, 3: 0.5}).rule.beside) == 2
    with pytest.raises(NotCertifiedError, match="demand@3 would answer 51%"):
        three.set_route(arms={2: 0.2, 3: 0.51})
