"""When keys were last used: noted by workers, folded by the manager."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from finalmile.project import Project
from finalmile.serving.access import holder
from finalmile.serving.board import Board, Key
from finalmile.web.gate import Gate
from finalmile.web.replies import RefusedError
from finalmile.web.state import State
from finalmile.web.uses import USES, Uses, fold
from finalmile.workflows.endpoint import post

EVENT = datetime(2030, 1, 1, tzinfo=UTC)


def test_a_key_is_noted_once_a_minute_however_often_it_is_used(tmp_path: Path) -> None:
    now = [100.0]
    uses = Uses(tmp_path, clock=lambda: now[0])
    uses("fm_ab")
    note = tmp_path / USES / "fm_ab"
    os.utime(note, (1, 1))
    now[0] += 59.0
    uses("fm_ab")
    assert note.stat().st_mtime == 1
    now[0] += 2.0
    uses("fm_ab")
    assert note.stat().st_mtime > 1


def test_a_name_that_is_no_prefix_touches_no_file(tmp_path: Path) -> None:
    Uses(tmp_path)("../climbed")
    assert list(tmp_path.iterdir()) == []


def test_notes_become_the_last_use_that_keys_list_tells_and_never_an_earlier_one(tmp_path: Path) -> None:
    project = Project.init(tmp_path / "shop")
    prefix = project.create_key("robot").key.prefix
    serving = project.folder / "serving"
    serving.mkdir()
    Uses(serving)(prefix)
    Uses(serving)("fm_gone")
    for at in (EVENT, EVENT - timedelta(hours=1)):
        os.utime(serving / USES / prefix, (at.timestamp(), at.timestamp()))
        fold(serving, project.ledger)
        assert project.keys().rows[0].last_used_at == EVENT
    assert [note.name for note in (serving / USES).iterdir()] == [prefix]


def test_a_prediction_with_a_key_is_a_use_and_a_refused_one_is_none() -> None:
    secret = "0" * 64
    digest = "60e05bd1b195af2f94112fa7197a5c88289058840ce7c6df9693756bc6250f55"
    key = Key(prefix="fm_ab", sha256=digest, role="viewer", models=("demand",))
    assert holder([key], f"fm_ab.{secret}", now=0.0) is key
    used: list[str] = []
    gate, state = Gate(used=used.append), State(board=Board(keys=(key,), open_to_all=False))
    headers = {b"x-api-key": f"fm_ab.{secret}".encode()}
    assert gate.check_key(headers, state, model="demand") == "fm_ab"
    for model, sent in (("other", headers), ("demand", {b"x-api-key": b"fm_ab.no"})):
        with pytest.raises(RefusedError):
            gate.check_key(sent, state, model=model)
    assert used == ["fm_ab"]


def test_workers_know_keys_that_ended_so_that_their_holders_are_told(tmp_path: Path) -> None:
    project = Project.init(tmp_path / "shop")
    revoked, expired = project.create_key("a").secret, project.create_key("b", lasts=timedelta(seconds=-1)).secret
    project.revoke_key(revoked)
    posted = post(project.ledger, project.artefacts, project.folder, now=project.clock.now(), open_to_all=False).board
    posted.write(tmp_path)
    state = State(board=Board.read(tmp_path))
    for told, code in (
        (revoked, "revoked_key"),
        (expired, "expired_key"),
        ("fm_ab.cd", "unknown_key"),
        (None, "no_key"),
    ):
        with pytest.raises(RefusedError) as refused:
            Gate().check_key({} if told is None else {b"x-api-key": told.encode()}, state, model="demand")
        assert (refused.value.status, refused.value.code) == (401, code)


def test_another_name_is_told_how_the_endpoint_comes_to_answer_to_it() -> None:
    with pytest.raises(RefusedError, match=r"finalmile serve --name shop\.example$"):
        Gate().check_place({b"host": b"shop.example:8080"}, State())
    with pytest.raises(RefusedError) as refused:
        Gate().check_place({b"host": b"a b; rm -rf"}, State())
    assert "rm" not in refused.value.message
