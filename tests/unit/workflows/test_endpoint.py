"""The board, routes, keys and quarantine, on a real ledger and real artefacts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from finalmile.errors import ConfigError, MissingInputError, UnknownNameError
from finalmile.project import Project
from finalmile.records import Beside, RouteRule, Version
from finalmile.serving.access import holder
from finalmile.serving.board import Board
from finalmile.workflows import endpoint, incidents, quarantine
from finalmile.workflows.promote import promote


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.init(tmp_path / "shop")


def _version(project: Project, text: str = "a", model: str = "demand", *, live: bool = False) -> Version:
    def write(folder: Path) -> None:
        (folder / "model.txt").write_text(text)

    made = project.ledger.new_version(
        model=model, kind="tsb", digest=project.artefacts.put(write), cutoff=date(2024, 1, 1), settings={},
        at=project.clock.now(), actor="t",
    )  # fmt: skip
    if live:
        promote(project.shop, model, number=made.number, force=True)
    return made


def _post(project: Project) -> endpoint.Posted:
    return endpoint.post(project.ledger, project.artefacts, project.folder / "serving", now=project.clock.now())


def _board(project: Project) -> Board:
    return _post(project).board


def test_nothing_live_is_nothing_to_answer(project: Project):
    _version(project)
    assert _board(project).routes == ()


def test_the_version_before_stands_by(project: Project):
    _version(project, "a", live=True)
    _version(project, "b", live=True)
    (route,) = _board(project).routes
    assert (route.live, route.stable) == (2, 1)
    assert [str(served) for served in _board(project).versions] == ["demand@1", "demand@2"]


def test_a_version_that_was_rolled_back_from_does_not_stand_by(project: Project):
    _version(project, "a", live=True)
    _version(project, "b", live=True)
    project.rollback()
    (route,) = _board(project).routes
    assert (route.live, route.stable) == (1, None)


def test_after_a_rollback_an_older_good_version_stands_by(project: Project):
    for text in "abc":
        _version(project, text, live=True)
    project.rollback()
    (route,) = _board(project).routes
    assert (route.live, route.stable) == (2, 1)


def test_an_artefact_with_one_byte_changed_is_never_on_the_board(project: Project):
    _version(project, "a", live=True)
    bad = _version(project, "b", live=True)
    (project.artefacts.path(bad.digest) / "model.txt").write_text("c")
    posted = _post(project)
    assert [route.live for route in posted.board.routes] == [1]
    assert [str(served) for served in posted.board.versions] == ["demand@1"]
    assert [str(unfit.version) for unfit in posted.unfit] == ["demand@2"]
    assert "is not what was written" in posted.unfit[0].why


def test_a_model_whose_only_version_is_damaged_is_not_answered_for(project: Project):
    bad = _version(project, "a", live=True)
    (project.artefacts.path(bad.digest) / "model.txt").write_text("c")
    assert _board(project).routes == ()


def test_canary_and_arms_are_on_the_board_with_their_versions(project: Project):
    _version(project, "a", live=True)
    for text in "bcd":
        _version(project, text)
    project.set_route(canary=(2, 0.1), arms={3: 0.2, 4: 0.15}, durable=False)
    (route,) = _board(project).routes
    assert [(share.number, share.share, share.role) for share in route.shares] == [
        (2, 0.1, "canary"),
        (3, 0.2, "arm"),
        (4, 0.15, "arm"),
    ]
    assert not route.durable
    assert len(_board(project).versions) == 4


def test_a_canary_that_went_live_is_no_canary_any_more(project: Project):
    _version(project, "a", live=True)
    _version(project, "b")
    project.set_route(canary=(2, 0.1))
    promote(project.shop, "demand", number=2, force=True)
    (route,) = _board(project).routes
    assert (route.live, route.shares) == (2, ())


def test_the_newest_online_table_is_served(project: Project):
    _version(project, "a", live=True)
    for cutoff in ("2024-01-02", "2024-01-01", ".half"):
        folder = project.folder / "serving" / "tables" / "demand" / "1" / cutoff
        folder.mkdir(parents=True)
        (folder / "about.json").write_text("{}")
    (served,) = _board(project).versions
    assert served.table is not None
    assert served.table.endswith("demand/1/2024-01-02")


@pytest.mark.parametrize(("loader", "isolated"), [("lightgbm", False), ("callable", True), ("onnx", True)])
def test_what_is_not_checked_text_answers_from_a_process_of_its_own(project: Project, loader: str, isolated: bool):
    def write(folder: Path) -> None:
        (folder / "serving.json").write_text(f'{{"loader": "{loader}"}}')

    project.ledger.new_version(
        model="demand", kind=loader, digest=project.artefacts.put(write), cutoff=date(2024, 1, 1), settings={},
        at=project.clock.now(), actor="t",
    )  # fmt: skip
    promote(project.shop, "demand", number=1, force=True)
    (served,) = _board(project).versions
    assert served.isolated is isolated


def test_a_model_whose_name_is_a_path_is_not_served(project: Project):
    _version(project, "a", "../../etc", live=True)
    assert _board(project) == replace(Board(), routes=(), versions=())


def test_only_keys_that_open_something_are_on_the_board(project: Project):
    made = project.create_key("till", role="planner", lasts=timedelta(days=1), models=["demand"])
    project.create_key("gone", lasts=timedelta(days=-1))
    project.revoke_key(project.create_key("revoked").secret)
    (key,) = _board(project).keys
    assert (key.prefix, key.role, key.models) == (made.key.prefix, "planner", ("demand",))
    assert holder([key], made.secret, now=project.clock.now().timestamp()) == key


def test_a_board_comes_back_as_it_was_written(project: Project):
    _version(project, "a", live=True)
    project.create_key("till", models=["demand"])
    project.set_route(durable=False)
    board = _board(project)
    board.write(project.folder)
    assert Board.read(project.folder) == board


def test_a_key_is_shown_once_and_kept_as_a_hash(project: Project):
    made = project.create_key("till", role="operator")
    secret = made.secret.partition(".")[2]
    assert made.key.sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert len(bytes.fromhex(secret)) == 32
    kept = repr(project.keys().to_dict()) + "".join(project.keys().lines()) + repr(project.ledger.audit_rows())
    assert secret not in kept
    assert made.key.sha256 not in kept
    for file in project.folder.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes()


def test_a_key_needs_a_known_role_and_a_name(project: Project):
    with pytest.raises(UnknownNameError, match="no role is called 'root'"):
        project.create_key("till", role="root")
    with pytest.raises(ConfigError, match="needs a name"):
        project.create_key("  ")


def test_no_two_keys_in_force_have_one_name(project: Project):
    _version(project, model="returns")
    first = project.create_key("till", models=["returns", *project.config.models])
    with pytest.raises(ConfigError, match=f"finalmile keys revoke {first.key.prefix}"):
        project.create_key(" till ", role="admin")
    assert len(project.keys().rows) == 1
    project.revoke_key(first.key.prefix)
    assert project.create_key("till", role="admin").key.role == "admin"


@pytest.mark.parametrize(
    "ask",
    [
        lambda project: project.rollback("demnad"),
        lambda project: project.rollback("demnad", dry_run=True),
        lambda project: project.rollback("demnad", to=1),
        lambda project: project.promote("demnad"),
        lambda project: project.promote("demnad", 1),
        lambda project: project.certify("demnad"),
        lambda project: project.certify_endpoint("demnad"),
        lambda project: project.forecast("demnad"),
        lambda project: project.materialise("demnad"),
        lambda project: project.monitor("demnad"),
        lambda project: project.routes("demnad"),
        lambda project: project.set_route("demnad", durable=True),
        lambda project: project.endpoint_benchmark("demnad"),
        lambda project: project.create_key("till", models=["demnad"]),
        lambda project: project.compare_endpoints(("demnad", 1), ("demand", 1)),
    ],
)
def test_a_slip_in_the_name_of_a_model_is_told_with_the_name_meant(project: Project, ask: Callable[[Project], object]):
    _version(project, live=True)
    with pytest.raises(UnknownNameError, match=r"Did you mean 'demand"):
        ask(project)


def test_every_fault_of_a_route_is_told_at_once(project: Project):
    _version(project, "a", live=True)
    _version(project, "b")
    with pytest.raises(ConfigError) as told:
        project.set_route(canary=(1, 0.7), arms={2: 0.5, 9: -0.1}, deadline_ms=1)
    said = str(told.value)
    for part in ("demand@1 is live", "no demand@9", "is -0.1", "more than 1", "deadline is 1 ms"):
        assert part in said
    assert project.ledger.route("demand") == RouteRule(model="demand")


def test_no_version_stands_beside_nothing(project: Project):
    _version(project)
    with pytest.raises(MissingInputError, match="promote one first"):
        project.set_route(canary=(1, 0.1))


def test_a_share_of_nothing_ends_a_canary_and_leaves_the_arms(project: Project):
    _version(project, "a", live=True)
    _version(project, "b")
    _version(project, "c")
    project.set_route(canary=(2, 0.1), arms={3: 0.4}, shadow=2)
    project.set_route(canary=(2, 0), shadow=0)
    assert project.ledger.route("demand") == RouteRule(
        model="demand", beside=(Beside(number=3, share=0.4, role="arm"),)
    )


def test_a_quarantined_version_leaves_the_last_good_one_live_an_incident_and_an_alert(project: Project):
    _version(project, "a", live=True)
    bad = _version(project, "b", live=True)
    told = quarantine.quarantine(project.shop, "demand", 2, strikes=3, why="It died three times.")
    assert told is not None
    assert told.answers == 1
    assert project.ledger.version("demand", 2).state == "quarantined"
    assert project.ledger.version("demand", 1).state == "stable"
    (route,) = _board(project).routes
    assert (route.live, route.stable) == (1, None)
    (incident,) = project.ledger.incidents()
    assert incident.subject == str(bad)
    assert "demand@1 answers instead" in incident.explain()
    ((_, alert),) = project.ledger.pending_alerts()
    assert alert.labels["version"] == "demand@2"


def test_the_second_quarantine_of_a_version_does_nothing(project: Project):
    _version(project, "a", live=True)
    assert quarantine.quarantine(project.shop, "demand", 1, strikes=3, why="x") is not None
    before = len(project.ledger.audit_rows())
    assert quarantine.quarantine(project.shop, "demand", 1, strikes=9, why="y") is None
    assert len(project.ledger.audit_rows()) == before


def test_the_only_version_in_quarantine_says_that_nothing_answers(project: Project):
    _version(project, "a", live=True)
    told = quarantine.quarantine(project.shop, "demand", 1, strikes=3, why="x")
    assert told is not None
    assert told.answers is None
    assert "no version is left to answer" in told.incident.explain()
    assert _board(project).routes == ()


def test_a_quarantined_canary_leaves_the_live_version_alone(project: Project):
    _version(project, "a", live=True)
    _version(project, "b")
    project.set_route(canary=(2, 0.5), shadow=2)
    told = quarantine.quarantine(project.shop, "demand", 2, strikes=3, why="x")
    assert told is not None
    assert told.answers == 1
    assert project.ledger.route("demand") == RouteRule(model="demand")
    deployed = project.ledger.deployment("demand")
    assert deployed is not None
    assert deployed.live == 1


def test_strikes_count_from_where_they_were_last_handled(project: Project):
    version = _version(project, "a", live=True)
    assert quarantine.due(project.shop, {"demand@1": 2, "nothing@7": 9}) == []
    assert quarantine.due(project.shop, {"demand@1": 3}) == [("demand", 1, 3)]
    quarantine.settle(project.shop, version, 3)
    assert quarantine.due(project.shop, {"demand@1": 5}) == []
    assert quarantine.due(project.shop, {"demand@1": 6}) == [("demand", 1, 3)]


def test_strikes_that_start_again_from_nothing_count_in_full(project: Project):
    version = _version(project, "a", live=True)
    quarantine.settle(project.shop, version, 30)
    assert quarantine.due(project.shop, {"demand@1": 4}) == [("demand", 1, 4)]


def test_an_incident_is_acknowledged_and_resolved_with_who_and_why(project: Project):
    _version(project, "a", live=True)
    quarantine.quarantine(project.shop, "demand", 1, strikes=3, why="x")
    (incident,) = project.ledger.incidents()
    now = project.clock.now()
    incidents.acknowledge(project.ledger, incident.incident_id, at=now, actor="key:ab", why="on it")
    over = incidents.resolve(project.ledger, incident.incident_id, at=now, actor="key:ab", why="mended")
    assert over.state == "resolved"
    assert "acknowledged by key:ab" in over.actions[-2]
    assert project.ledger.incidents(open_only=True) == []
    with pytest.raises(UnknownNameError):
        incidents.acknowledge(project.ledger, "nope", at=now, actor="a", why="")


def test_a_change_is_written_down_under_who_asked(project: Project):
    _version(project, "a", live=True)
    _version(project, "b", live=True)
    project.acting("key:fm_ab").rollback()
    assert {row.actor for row in project.ledger.audit_rows()[-2:]} == {"key:fm_ab"}
    assert project.actor == "finalmile"
