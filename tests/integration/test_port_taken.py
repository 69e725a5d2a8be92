"""What ``serve`` says where it cannot begin, or has nothing to answer with."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from finalmile.project import Project
from finalmile.web.claims import bound
from finalmile.web.port_taken import why_not_bound

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the endpoint runs on Linux")


def _served(project: Path, *words: str) -> subprocess.Popen[str]:
    told = [sys.executable, "-m", "finalmile.web.supervisor", "--project", str(project), *words]
    return subprocess.Popen(told, stderr=subprocess.PIPE, text=True)


def _ended(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGTERM)
    return process.communicate(timeout=60)[1]


def _until(fine: Callable[[], bool]) -> None:
    over = time.monotonic() + 60
    while time.monotonic() < over:
        if fine():
            return
        time.sleep(0.02)
    raise AssertionError("not so within a minute")


def test_a_port_that_another_program_holds_is_told_with_a_free_neighbour() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"^127.0.0.1 port {port} is taken. Take another one: .*--port {port + 1}"):
            bound("127.0.0.1", port)


def test_a_port_that_an_endpoint_of_ours_holds_is_told_with_process_and_project(tmp_path: Path) -> None:
    project = Project.init(tmp_path / "shop")
    first = _served(project.folder, "--port", "0")
    try:
        state = project.folder / "serving" / "serve.json"
        _until(state.exists)
        port = json.loads(state.read_text())["port"]
        other = Project.init(tmp_path / "other")
        second = _served(other.folder, "--port", str(port))
        told = second.communicate(timeout=60)[1]
        assert second.returncode == 2
        expected = f"127.0.0.1 port {port} is taken by finalmile serve, process {first.pid}, of {project.folder}. "
        assert expected in told
    finally:
        _ended(first)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.EADDRNOTAVAIL, "is no address of this machine"),
        (errno.EACCES, "Take one above 1023"),
        (errno.ENETDOWN, "cannot be opened: Network is down"),
    ],
)
def test_other_reasons_are_told_too(number: int, told: str) -> None:
    assert told in why_not_bound("10.0.0.7", 80, OSError(number, os.strerror(number)))


def test_other_addresses_and_an_endpoint_with_nothing_live_are_told_at_the_start(tmp_path: Path) -> None:
    project = Project.init(tmp_path / "shop")
    project.create_key("robot")
    process = _served(project.folder, "--port", "0", "--host", "0.0.0.0", "--keyed", "--name", "shop.example")
    _until((project.folder / "serving" / "manager.sock").exists)
    told = _ended(process)
    assert "It answers to localhost, 127.0.0.1, 0.0.0.0, shop.example, and refuses requests for any other name" in told
    assert "Nothing is live yet" in told
    assert "finalmile promote MODEL" in told
