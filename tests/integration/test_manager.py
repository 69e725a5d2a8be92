"""The manager as a process: its socket, the board it posts, jobs that survive it."""

from __future__ import annotations

import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from finalmile.cli.app import app
from finalmile.errors import ConflictError
from finalmile.project import Project
from finalmile.serving.board import Board
from finalmile.serving.counters import Counters
from finalmile.serving.online import About, OnlineTable
from finalmile.web.manager import Bound, create_manager, listen
from finalmile.web.running import ask_manager
from finalmile.workflows.promote import promote

SECONDS = 30.0


def _until(fine: Callable[[], Any], *, seconds: float = SECONDS) -> Any:
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        found = fine()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError(f"not so within {seconds} s: {fine}")


class Manager:
    """A manager of a project, and a client on its socket."""

    def __init__(self, project: Project, *words: str) -> None:
        self.project = project
        self.serving = project.folder / "serving"
        self.socket = self.serving / "manager.sock"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "finalmile.web.manager", str(project.folder), *words], stderr=subprocess.PIPE
        )
        self.client = httpx.Client(transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://localhost")
        _until(self._up)

    def _up(self) -> bool:
        assert self.process.poll() is None, self.process.stderr and self.process.stderr.read()
        with socket.socket(socket.AF_UNIX) as door:
            if door.connect_ex(str(self.socket)) != 0:
                return False
        return self.client.get("/v1/models").status_code in (200, 401)

    def board(self) -> Board:
        return Board.read(self.serving)

    def end(self, how: int = signal.SIGTERM) -> int:
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(timeout=20)
        if self.process.stderr is not None:
            self.process.stderr.close()
        return code


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a project with two versions, to be copied."""
    return _shop(tmp_path_factory.mktemp("stocked") / "shop").folder


@pytest.fixture
def project(stocked: Path, tmp_path: Path) -> Project:
    return Project.open(shutil.copytree(stocked, tmp_path / "shop"), create=False)


def _shop(folder: Path) -> Project:
    made = Project.init(folder)
    for text in "ab":
        _version(made, text)
        promote(made.shop, "demand", number=len(made.ledger.versions()), force=True)
    return made


def _version(project: Project, text: str) -> None:
    def write(folder: Path) -> None:
        (folder / "model.txt").write_text(text)

    digest = project.artefacts.put(write)
    at = project.clock.now()
    project.ledger.new_version(
        model="demand", kind="tsb", digest=digest, cutoff=date(2024, 1, 1), settings={}, at=at, actor="t"
    )


@pytest.fixture
def manager(project: Project) -> Iterator[Manager]:
    running = Manager(project)
    yield running
    running.end()


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    """One manager, with answers to look up, for all who only ask."""
    project = _shop(tmp_path_factory.mktemp("standing") / "shop")
    _table(project)
    running = Manager(project)
    yield running
    running.end()


def _live(board: Board) -> int | None:
    return board.routes[0].live if board.routes else None


def test_a_rollback_by_another_process_is_on_the_board_within_150_milliseconds(project: Project, manager: Manager):
    _until(lambda: _live(manager.board()) == 2)
    took: list[float] = []
    for _ in range(5):
        for change, live in (
            (lambda: project.rollback("demand", to=1), 1),
            (lambda: promote(project.shop, "demand", number=2, force=True), 2),
        ):
            change()
            began = time.monotonic()
            _until(lambda live=live: _live(manager.board()) == live)
            took.append(time.monotonic() - began)
    assert sorted(took)[len(took) // 2] < 0.15, took


def test_the_socket_and_its_folder_are_for_this_user_alone(standing: Manager):
    assert stat.S_IMODE(standing.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(standing.serving.stat().st_mode) == 0o700


def test_a_manager_ends_when_told_to_and_the_next_takes_over_the_socket(project: Project, manager: Manager):
    assert manager.end() in (0, -signal.SIGTERM)
    after = Manager(project)
    try:
        assert after.client.get("/v1/models").json()["models"][0]["live"] == 2
        assert after.board().epoch >= 1
    finally:
        after.end()


def test_a_killed_manager_leaves_a_socket_that_the_next_one_replaces(project: Project, manager: Manager):
    manager.end(signal.SIGKILL)
    assert manager.socket.exists()
    after = Manager(project)
    after.end()


def test_strikes_that_a_worker_counted_quarantine_the_version(project: Project, manager: Manager):
    _until(lambda: _live(manager.board()) == 2)
    counters = Counters(manager.serving / "slot-0.counters")
    counters.words[counters.tally("strikes demand@2")] += 3
    _until(lambda: _live(manager.board()) == 1)
    counters.close()
    (incident,) = _until(lambda: manager.client.get("/v1/incidents").json()["incidents"])
    assert incident["subject"] == "demand@2"
    _until(lambda: not project.ledger.pending_alerts())
    assert project.ledger.version("demand", 2).state == "quarantined"


def test_an_artefact_that_was_tampered_with_is_left_off_and_told_once(project: Project):
    version = project.ledger.version("demand", 2)
    (project.artefacts.path(version.digest) / "model.txt").write_text("evil")
    running = Manager(project)
    try:
        _until(lambda: _live(running.board()) == 1)
        (incident,) = _until(lambda: running.client.get("/v1/incidents").json()["incidents"])
        assert "is not what was written" in incident["explained"]
        epoch = running.board().epoch
        project.create_key("one")
        _until(lambda: running.board().epoch > epoch)
        assert len(running.client.get("/v1/incidents").json()["incidents"]) == 1
    finally:
        running.end()


def test_more_than_this_machine_is_refused_without_a_key(project: Project):
    words = [sys.executable, "-m", "finalmile.web.manager", str(project.folder), "--bound", "0.0.0.0"]
    run = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert run.returncode == 3
    assert "no key is in force" in run.stderr
    assert not (project.folder / "serving" / "manager.sock").exists()


def test_a_board_for_more_than_this_machine_asks_for_keys_and_knows_its_names(project: Project):
    secret = project.create_key("ci", role="viewer").secret
    running = Manager(project, "--bound", "0.0.0.0", "--host", "forecast.example")
    try:
        assert running.client.get("/v1/models").status_code == 401
        headers = {"authorization": f"Bearer {secret}", "host": "forecast.example"}
        assert running.client.get("/v1/models", headers=headers).status_code == 200
        assert not running.board().open_to_all
        project.revoke_key(secret)
        _until(lambda: running.client.get("/v1/models", headers=headers).status_code == 401)
    finally:
        running.end()


def test_a_local_address_is_told_from_others():
    assert Bound(address="127.0.0.1").local
    assert not Bound(address="forecast.example").local


def _table(project: Project) -> None:
    about = About(
        model="demand", number=2, cutoff="2024-01-01", kind="answers", frequency="D",
        ds=("2024-01-02", "2024-01-03"), levels=(0.5,),
    )  # fmt: skip
    arrays = {"mean": np.array([[1.0, 2.0], [3.0, 4.0]]), "quantiles": np.ones((2, 2, 1))}
    folder = project.folder / "serving" / "tables" / "demand" / "2" / "2024-01-01"
    folder.parent.mkdir(parents=True, exist_ok=True)
    OnlineTable(about=about, ids=["bread", "milk"], arrays=arrays).write(folder)


def _done(client: httpx.Client, batch_id: str) -> Any:
    told = client.get(f"/v1/batches/{batch_id}").json()
    return told if told["state"] in ("done", "failed", "cancelled") else None


LINES = (
    b'{"unique_id":"milk"}\n{"unique_id":"mlik"}\n[1]\nnot json\n{"unique_id":"bread","horizon":1,"quantiles":true}\n'
)


def test_uploaded_records_are_answered_one_by_one_and_the_broken_ones_say_why(standing: Manager):
    sent = standing.client.post(
        "/v1/models/demand/batches", content=LINES, headers={"content-type": "application/x-ndjson"}
    )
    assert sent.status_code == 202
    batch_id = sent.json()["batch_id"]
    told = _until(lambda: _done(standing.client, batch_id))
    assert (told["state"], told["done"], told["total"]) == ("done", 5, 5), told
    frame = pl.read_parquet(standing.client.get(f"/v1/batches/{batch_id}/result").content)
    assert frame.filter(pl.col("error").is_null()).select("row", "unique_id", "mean").rows() == [
        (0, "milk", 3.0),
        (0, "milk", 4.0),
        (4, "bread", 1.0),
    ]
    errors = dict(frame.filter(pl.col("error").is_not_null()).select("row", "error").rows())
    assert sorted(errors) == [1, 2, 3]
    assert "mlik" in errors[1]
    assert "is not JSON" in errors[3]
    assert frame["q0.5"].drop_nulls().to_list() == [1.0]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_are_taken_too(standing: Manager, form: str, tmp_path: Path):
    frame = pl.DataFrame({"unique_id": ["milk", "bread"], "horizon": [1, 1]})
    path = tmp_path / "asked"
    frame.write_csv(path) if form == "csv" else frame.write_parquet(path)
    media = "text/csv" if form == "csv" else "application/vnd.apache.parquet"
    sent = standing.client.post("/v1/models/demand/batches", content=path.read_bytes(), headers={"content-type": media})
    batch_id = sent.json()["batch_id"]
    assert _until(lambda: _done(standing.client, batch_id))["state"] == "done"
    result = pl.read_parquet(standing.client.get(f"/v1/batches/{batch_id}/result").content)
    assert result.select("unique_id", "mean").rows() == [("milk", 3.0), ("bread", 1.0)]


def test_a_batch_survives_the_manager_that_took_it(project: Project, manager: Manager):
    _table(project)
    lines = b'{"unique_id":"milk"}\n' * 20_000
    sent = manager.client.post(
        "/v1/models/demand/batches", content=lines, headers={"content-type": "application/jsonl"}
    )
    batch_id = sent.json()["batch_id"]
    manager.end(signal.SIGKILL)
    after = Manager(project)
    try:
        told = _until(lambda: _done(after.client, batch_id))
        assert told["state"] == "done", told
        result = pl.read_parquet(after.client.get(f"/v1/batches/{batch_id}/result").content)
        assert result["row"].unique().len() == 20_000
        assert result.height == 40_000
    finally:
        after.end()


def test_a_batch_that_cannot_be_done_says_why(manager: Manager):
    sent = manager.client.post("/v1/models/demand/batches", json={})
    told = _until(lambda: _done(manager.client, sent.json()["batch_id"]))
    assert told["state"] == "failed"
    assert told["message"]
    answer = manager.client.get(f"/v1/batches/{told['batch_id']}/result")
    assert answer.status_code == 409


def test_a_manager_whose_parent_is_gone_is_gone_too(project: Project):
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'finalmile.web.manager', sys.argv[1]])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    words = [sys.executable, "-c", script, str(project.folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        _until(lambda: (project.folder / "serving" / "manager.sock").exists())
        parent.kill()
    _until(lambda: not _alive(pid))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_app_can_be_made_without_a_process(project: Project):
    assert create_manager(project).title == "finalmile"
    assert (project.folder / "serving" / "batches").is_dir()


def test_the_command_line_asks_the_running_manager_and_needs_nothing_heavy(project: Project, manager: Manager):
    _until(lambda: _live(manager.board()) == 2)
    script = (
        "import sys\n"
        "from finalmile.cli.app import app\n"
        "try:\n"
        "    app(sys.argv[1:])\n"
        "finally:\n"
        "    print(sorted({'scipy', 'sqlalchemy', 'fastapi', 'finalmile.project'} & sys.modules.keys()))\n"
    )
    words = [sys.executable, "-c", script, "rollback", "--project", str(project.folder), "--why", "worse"]
    run = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert run.stdout.splitlines() == ["demand@1 is live; before: demand@2.", "[]"], run.stderr
    assert project.ledger.audit_rows()[-1].actor == "local"
    _until(lambda: _live(manager.board()) == 1)


def test_a_rollback_that_the_manager_refuses_says_why(standing: Manager):
    words = [
        str(Path(sys.executable).with_name("finalmile")),
        "rollback",
        "nothing",
        "--project",
        str(standing.project.folder),
    ]
    run = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert run.returncode == 2
    assert "nothing" in run.stderr


def test_a_rollback_that_a_slow_manager_did_all_the_same_is_not_done_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    def late(folder: Path, *_: object) -> None:
        Project.open(folder, create=False).rollback("demand")
        raise TimeoutError

    monkeypatch.setattr("finalmile.web.running.ask_manager", late)
    told = CliRunner().invoke(app, ["rollback", "--project", str(project.folder)])
    assert (told.exit_code, told.stdout) == (0, "demand@1 is live; before: demand@2.\n"), told.output


@pytest.mark.parametrize("lost_to", [ConflictError("somebody else deployed"), None])
def test_a_rollback_that_a_slow_manager_does_while_the_command_tries_is_done_once(
    project: Project, monkeypatch: pytest.MonkeyPatch, lost_to: Exception | None
):
    ours = Project.rollback

    def late(*_: object) -> None:
        raise TimeoutError

    def beaten(self: Project, model: str, **given: Any) -> object:
        ours(self, model)
        if lost_to is not None:
            raise lost_to
        return ours(self, model, **given)

    monkeypatch.setattr("finalmile.web.running.ask_manager", late)
    monkeypatch.setattr(Project, "rollback", beaten)
    told = CliRunner().invoke(app, ["rollback", "--project", str(project.folder)])
    assert (told.exit_code, told.stdout) == (0, "demand@1 is live; before: demand@2.\n"), told.output
    assert Project.open(project.folder).ledger.deployment("demand").token == 3


def test_a_manager_that_does_not_answer_in_time_is_told_apart_from_none(project: Project):
    (project.folder / "serving").mkdir(exist_ok=True)
    assert ask_manager(project.folder, "/v1/x", {}) is None
    with listen(project.folder / "serving"), pytest.raises(TimeoutError):
        ask_manager(project.folder, "/v1/x", {}, seconds=0.05)
