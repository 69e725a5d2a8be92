"""An endpoint under load that is swapped, restarted, stopped and killed: no request that was sent goes unanswered."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from finalmile.serving.board import Board, Route, Served
from finalmile.serving.online import About, OnlineTable

BODY = b'{"unique_id":"milk","horizon":2}'
REQUEST = (
    b"POST /v1/models/demand:predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n" % len(BODY)
) + BODY


def _served(project: Path, number: int) -> Served:
    table = project / "serving" / "tables" / "demand" / str(number) / "2026-01-01"
    about = About(model="demand", number=number, cutoff="2026-01-01", kind="answers", frequency="D", ds=("a", "b"))
    mean = np.full((1, 2), float(number), dtype=np.float32)
    OnlineTable(about=about, ids=["milk"], arrays={"mean": mean}).write(table)
    artefact = project / "artefact"
    artefact.mkdir(exist_ok=True)
    return Served(model="demand", number=number, kind="t", digest="", folder=str(artefact), table=str(table))


def _post(project: Path, live: int, epoch: int) -> None:
    versions = (
        tuple(_served(project, number) for number in (1, 2)) if epoch == 1 else Board.read(_folder(project)).versions
    )
    route = Route(model="demand", live=live, stable=3 - live)
    Board(epoch=epoch, versions=versions, routes=(route,)).write(_folder(project))


def _folder(project: Path) -> Path:
    return project / "serving"


@dataclass
class Endpoint:
    """A supervisor under test."""

    project: Path
    process: subprocess.Popen[bytes]
    port: int

    def workers(self) -> list[int]:
        return list(json.loads((_folder(self.project) / "serve.json").read_text())["workers"])

    def signal(self, number: int) -> None:
        self.process.send_signal(number)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Endpoint]]:
    running: list[Endpoint] = []

    def begin(*, workers: int = 1) -> Endpoint:
        (tmp_path / "serving").mkdir(exist_ok=True)
        _post(tmp_path, 1, 1)
        (_folder(tmp_path) / "serve.json").unlink(missing_ok=True)
        words = ["--project", str(tmp_path), "--port", "0", "--workers", str(workers), "--without-manager"]
        command = [sys.executable, "-m", "finalmile.web.supervisor", *words, "--grace", "0.5"]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        _until(lambda: (_folder(tmp_path) / "serve.json").exists())
        port = json.loads((_folder(tmp_path) / "serve.json").read_text())["port"]
        running.append(Endpoint(tmp_path, process, port))
        _until(lambda: _ready(port))
        return running[-1]

    yield begin
    for endpoint in running:
        endpoint.process.terminate()
        endpoint.process.wait(20)


def _until(done: Callable[[], bool], *, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it never came to pass"
        threading.Event().wait(0.02)


def _ready(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
            one.sendall(b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
            return b" 200 " in one.recv(4096)
    except OSError:
        return False


@dataclass
class Told:
    """What clients saw."""

    answered: int = 0
    lost: list[str] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    refused: bool = False


async def _client(port: int, told: Told, over: asyncio.Event) -> None:
    """Ask again and again on one connection, a new one where it was told to close; until refused or over."""
    while not over.is_set():
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            told.refused = True
            return
        open_ = True
        while open_ and not over.is_set():
            try:
                writer.write(REQUEST)
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                body = await reader.readexactly(length)
            except (OSError, asyncio.IncompleteReadError) as error:
                told.lost.append(repr(error))
                break
            if b" 200 " not in head[:20]:
                told.lost.append(f"{head!r} {body!r}")
            told.answered += 1
            told.versions.append(json.loads(body)["version"] if b" 200 " in head[:20] else -1)
            open_ = b"connection: close" not in head.lower()
        writer.close()


def _under_load(endpoint: Endpoint, act: Callable[[Told], object], *, clients: int = 8) -> Told:
    """Run ``act`` in a thread while clients ask; stop when it has returned, or when the endpoint refuses."""
    told = Told()

    async def load() -> None:
        over = asyncio.Event()
        work = [asyncio.create_task(_client(endpoint.port, told, over)) for _ in range(clients)]
        await asyncio.to_thread(_until, lambda: told.answered > 50)
        await asyncio.to_thread(act, told)
        over.set()
        await asyncio.gather(*work)

    asyncio.run(load())
    return told


def test_a_stop_under_load_answers_every_request_that_was_sent(start: Callable[..., Endpoint]) -> None:
    for workers in (1, 2):
        endpoint = start(workers=workers)

        def stop(_: Told, endpoint: Endpoint = endpoint) -> None:
            endpoint.signal(signal.SIGTERM)
            assert endpoint.process.wait(20) == 0

        told = _under_load(endpoint, stop)
        assert told.lost == []
        assert told.answered > 50


STOPPED_WITHIN_A_TICK = """
import os, signal, sys
from finalmile.web.supervisor import Supervisor, main

watch, told = Supervisor._watch_hearts, []

def stopped_here(self):
    if not told:
        told.append(os.kill(os.getpid(), signal.SIGTERM))
    watch(self)

Supervisor._watch_hearts = stopped_here
sys.exit(main())
"""


def test_a_stop_that_comes_while_workers_are_looked_after_ends_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "serving").mkdir()
    _post(tmp_path, 1, 1)
    words = ["--project", str(tmp_path), "--port", "0", "--workers", "2", "--without-manager", "--grace", "0.5"]
    command = [sys.executable, "-c", STOPPED_WITHIN_A_TICK, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_a_rolling_restart_under_load_loses_nothing_and_replaces_everybody(start: Callable[..., Endpoint]) -> None:
    endpoint = start(workers=2)

    def restart(_: Told) -> None:
        for _again in range(2):
            before = set(endpoint.workers())
            endpoint.signal(signal.SIGHUP)
            _until(lambda before=before: len(endpoint.workers()) == 2 and not before & set(endpoint.workers()))

    told = _under_load(endpoint, restart)
    assert told.lost == []
    assert not told.refused


def test_swaps_under_load_lose_nothing_and_the_last_one_counts(start: Callable[..., Endpoint]) -> None:
    endpoint = start()
    seconds: list[float] = []

    def swap(told: Told) -> None:
        for epoch in range(2, 22):
            live = 1 + epoch % 2
            began = time.monotonic()
            _post(endpoint.project, live, epoch)
            _until(lambda live=live: told.versions[-1] == live)
            seconds.append(time.monotonic() - began)

    told = _under_load(endpoint, swap)
    assert told.lost == []
    assert set(told.versions) == {1, 2}
    assert max(seconds) < 5.0
    assert sorted(seconds)[10] < 1.0


def test_a_worker_that_is_killed_or_hangs_is_replaced(start: Callable[..., Endpoint]) -> None:
    endpoint = start()
    before = endpoint.workers()
    os.kill(before[0], signal.SIGKILL)
    _until(lambda: endpoint.workers() not in ([], before) and _ready(endpoint.port))


def test_workers_end_with_their_supervisor(start: Callable[..., Endpoint]) -> None:
    endpoint = start(workers=2)
    workers = endpoint.workers()
    endpoint.process.kill()
    endpoint.process.wait()
    _until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def test_another_address_without_a_key_refuses_to_start(tmp_path: Path) -> None:
    words = ["--project", str(tmp_path), "--host", "0.0.0.0", "--port", "0", "--without-manager"]
    command = [sys.executable, "-m", "finalmile.web.supervisor", *words]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert run.returncode == 2
    assert "keys create" in run.stderr


def test_a_second_server_on_the_same_project_is_refused_and_told_who_serves_it(start: Callable[..., Endpoint]) -> None:
    endpoint = start()
    words = ["--project", str(endpoint.project), "--port", "0", "--without-manager"]
    command = [sys.executable, "-m", "finalmile.web.supervisor", *words]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert run.returncode == 2
    assert f"by process {endpoint.process.pid} on 127.0.0.1 port {endpoint.port}" in run.stderr
    assert _ready(endpoint.port)
    assert (_folder(endpoint.project) / "serve.json").exists()
    endpoint.process.kill()
    endpoint.process.wait()
    start()


def test_a_rolling_restart_whose_new_workers_die_is_given_up_and_the_old_one_goes_on(tmp_path: Path) -> None:
    (tmp_path / "serving").mkdir()
    _post(tmp_path, 1, 1)
    (tmp_path / "serving" / "log-1.db").mkdir()  # the new worker's slot
    words = ["--project", str(tmp_path), "--port", "0", "--without-manager"]
    said = tmp_path / "said"
    with said.open("wb") as stderr:
        process = subprocess.Popen([sys.executable, "-m", "finalmile.web.supervisor", *words], stderr=stderr)
    try:
        state = _folder(tmp_path) / "serve.json"
        _until(state.exists)
        told = json.loads(state.read_text())
        _until(lambda: _ready(told["port"]))
        process.send_signal(signal.SIGHUP)
        _until(lambda: "the old ones go on" in said.read_text(), seconds=40)
        assert said.read_text().count(" ended with ") == 3
        assert json.loads(state.read_text())["workers"] == told["workers"]
        assert _ready(told["port"])
    finally:
        process.terminate()
        process.wait(20)
