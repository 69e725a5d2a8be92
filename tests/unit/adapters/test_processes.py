"""What processes use, read from /proc."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from finalmile.adapters.local import processes

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system has no /proc")


def test_a_child_belongs_to_the_family_until_it_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert {os.getpid(), child.pid} <= processes.family(os.getpid())
        child.communicate(b"\n")
    assert child.pid not in processes.family(os.getpid())


def test_a_process_that_is_gone_has_no_family() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    assert processes.family(child.pid) == set()
    assert processes.cpu_s([child.pid]) is None
    assert processes.memory_mb([child.pid]) is None


def test_work_shows_in_the_processor_time_of_the_process_and_of_the_machine() -> None:
    mine, all_of_it = processes.cpu_s([os.getpid()]), processes.machine_cpu_s()
    began = time.process_time()
    while time.process_time() - began < 0.2:
        sum(range(1000))
    used, of_all = processes.cpu_s([os.getpid()]), processes.machine_cpu_s()
    assert mine is not None
    assert used is not None
    assert all_of_it is not None
    assert of_all is not None
    assert used - mine == pytest.approx(0.2, abs=0.1)
    assert of_all - all_of_it >= 0.1


def test_memory_counts_what_is_held() -> None:
    before = processes.memory_mb([os.getpid()])
    held = bytes(1) * 50_000_000 + b"x"
    after = processes.memory_mb([os.getpid()])
    assert before is not None
    assert after is not None
    assert after - before == pytest.approx(50, abs=10)
    assert len(held) > 1


def test_the_owner_of_a_port_is_who_listens_on_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert processes.owners(port) == {os.getpid()}
    assert processes.owners(port) == set()


def test_a_machine_is_told_by_its_cores_and_memory() -> None:
    assert f"{os.cpu_count()} core" in processes.machine()
    assert "GB" in processes.machine()
