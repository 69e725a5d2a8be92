"""Responses: killed anywhere and done once all the same, and options judged on what none of them has learned from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from finalmile.project import Project
from finalmile.records import Finding, Incident
from finalmile.sandbox import Retailer
from finalmile.workflows.respond import option_losses, respond
from finalmile.workflows.taken import taken, unfinished

ENOUGH = 40
"""More writes than any response makes."""


class Killed(BaseException):
    """What nothing catches, as nothing catches a kill."""


def killing(project: Project, monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """The process dies right after so many writes to the ledger."""
    database, done = project.ledger.database, 0
    plain = database.writing

    @contextmanager
    def writing() -> Iterator[Any]:
        nonlocal done
        with plain() as connection:
            yield connection
        done += 1
        if done == after:
            raise Killed

    monkeypatch.setattr(database, "writing", writing)


def troubled(shop: Any) -> Project:
    """A seasonal naive model is live, whose loss a window average beats, and an incident says that it is bad."""
    project: Project = shop.project
    project.train()
    project.promote(force=True)
    shop.morning(110)
    project.sales.add(shop.sales(100, 110))
    day = shop.day(109)
    finding = Finding(check="loss", subject="fleet", at=day, value=0.9, benchmark=0.6, breached=True, why="Bad.")
    incident = Incident(
        incident_id="ab", model="demand", check="loss", subject="fleet", severity="critical", state="open",
        opened_at=day, updated_at=day, finding=finding,
    )  # fmt: skip
    project.ledger.put_incident(incident, alert=None, actor="test")
    return project


def killed_before_promoting(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr("finalmile.workflows.respond.promote", die)
        with pytest.raises(Killed):
            responded(project)


def responded(project: Project) -> list[str]:
    shop = project.shop
    found = tuple(shop.ledger.incidents(model="demand", open_only=True))
    return [step.action for step in respond(shop, "demand", found, cutoff=shop.known.newest).steps]


def end_state(project: Project) -> object:
    shop = project.shop
    (incident,) = shop.ledger.incidents(model="demand")
    return (
        incident.actions,
        incident.state,
        [(str(version), version.state) for version in shop.ledger.versions("demand")],
        [(one.action, one.from_version, one.to_version) for one in taken(shop, "demand")],
        unfinished(shop, "demand"),
        [alert.summary for _, alert in shop.ledger.pending_alerts()],
        shop.ledger.deployment("demand").live,
    )


@pytest.mark.parametrize(
    "automatic", ["[retrain]", *(pytest.param(one, marks=pytest.mark.proof) for one in ("[fallback]", "none"))]
)
def test_a_response_that_is_killed_anywhere_is_brought_to_its_end_once(
    small_shop: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, automatic: str
):
    begun = small_shop(f"respond: {{automatic: {automatic}}}\n")
    troubled(begun)
    whole = begun.copied(tmp_path / "whole").project
    did = responded(whole)
    assert len(did) == 1
    killed = 0
    for after in range(1, ENOUGH):
        project = begun.copied(tmp_path / f"killed after {after}").project
        killing(project, monkeypatch, after=after)
        try:
            responded(project)
        except Killed:
            killed += 1
        else:
            break
        monkeypatch.undo()
        responded(project)
        assert end_state(project) == end_state(whole), f"killed after {after} writes"
        assert responded(project) == []
    assert killed >= 4


def test_what_was_begun_starts_the_cooldown_even_if_it_was_killed(
    small_shop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    project = troubled(small_shop())
    killed_before_promoting(project, monkeypatch)
    (begun,) = taken(project.shop, "demand")
    assert (begun.action, begun.from_version, begun.to_version) == ("fallback", 1, None)


def test_what_was_begun_is_dropped_once_a_person_has_chosen_another_version(
    small_shop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    project = troubled(small_shop())
    killed_before_promoting(project, monkeypatch)
    chosen = project.train("demand", "exponential_level").version.number
    project.promote(number=chosen, force=True)
    assert responded(project) == []
    assert project.ledger.deployment("demand").live == chosen
    assert unfinished(project.shop, "demand") == ()


def test_what_was_begun_for_an_incident_that_is_over_is_not_done(
    small_shop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    project = troubled(small_shop())
    killed_before_promoting(project, monkeypatch)
    assert respond(project.shop, "demand", (), cutoff=project.shop.known.newest).steps == ()
    assert project.ledger.deployment("demand").live == 1
    assert taken(project.shop, "demand") == ()


@pytest.fixture(scope="module")
def retailer(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A simulated retailer with a version trained long ago, one trained six days ago, and the fallback of today."""
    folder = tmp_path_factory.mktemp("retailer")
    (folder / "finalmile.yaml").write_text("models: {demand: {forecaster: exponential_level, horizon_days: 7}}")
    project = Project.open(folder)
    world = Retailer(products=6, stores=2, days=300, new=0, dying=0).simulate()
    project.sales.add(world.sales)
    newest = project.shop.known.newest
    for cutoff in (newest - 40, newest - 6):
        project.train(cutoff=project.shop.day(cutoff))
    project.train("demand", "window_average")
    return project


def test_options_are_judged_only_on_periods_that_none_of_them_learned_from(retailer: Project):
    shop, newest = retailer.shop, retailer.shop.known.newest
    old, fresh, cheap = shop.ledger.versions("demand")
    options = {"keep": fresh, "rollback": old, "fallback": cheap}
    judged = option_losses(shop, options, cutoff=newest, looks=14)
    assert judged.looks == 6
    assert judged == option_losses(shop, options, cutoff=newest, looks=6)
    alone = option_losses(shop, {"rollback": old, "fallback": cheap}, cutoff=newest, looks=14)
    assert alone.looks == 14


def test_a_version_trained_on_everything_known_is_not_measured_against_anything(retailer: Project):
    shop = retailer.shop
    old, fresh, cheap = shop.ledger.versions("demand")
    at = shop.frequency.index_of(fresh.cutoff)
    judged = option_losses(shop, {"keep": fresh, "rollback": old, "fallback": cheap}, cutoff=at, looks=14)
    assert judged.looks == 0
    assert judged.by_option == {"keep": None, "rollback": None, "fallback": None}


def test_a_version_that_the_endpoint_put_out_of_the_way_is_not_answered_again_by_the_daily_run(
    small_shop: Callable[..., Any],
):
    project = troubled(small_shop("respond: {automatic: [fallback]}\n", name="served"))
    (incident,) = project.ledger.incidents(model="demand", open_only=True)
    served = replace(incident, incident_id="cd", check="serving", subject="demand@1")
    cutoff = project.shop.known.newest
    assert respond(project.shop, "demand", (served,), cutoff=cutoff).steps == ()
    assert respond(project.shop, "demand", (incident,), cutoff=cutoff).steps
