"""One writing process per project."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from finalmile.adapters.local.lock import project_lock
from finalmile.errors import BusyError

HOLDER = """
import sys
from pathlib import Path
from finalmile.adapters.local.lock import project_lock
with project_lock(Path(sys.argv[1]), verb="train"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_busy_project_says_who_holds_it_what_for_and_since_when(tmp_path: Path):
    with (
        project_lock(tmp_path, verb="ingest"),
        pytest.raises(BusyError, match=rf"process {os.getpid()} has been running 'ingest' since 20\d\d-"),
        project_lock(tmp_path, verb="train"),
    ):
        pass


def test_a_lock_given_back_can_be_taken_again(tmp_path: Path):
    for verb in ("ingest", "train"):
        with project_lock(tmp_path / "shop", verb=verb):
            assert (tmp_path / "shop" / ".lock").exists()


def test_a_lock_is_given_back_when_the_work_fails(tmp_path: Path):
    with pytest.raises(ArithmeticError), project_lock(tmp_path, verb="ingest"):
        raise ArithmeticError
    with project_lock(tmp_path, verb="ingest"):
        pass


def test_a_killed_holder_gives_the_lock_back(tmp_path: Path):
    with holder(tmp_path) as process:
        with (
            pytest.raises(BusyError, match=f"process {process.pid} has been running 'train'"),
            project_lock(tmp_path, verb="ingest"),
        ):
            pass
        process.kill()
        process.wait()
        with project_lock(tmp_path, verb="ingest"):
            pass


def test_who_waits_gets_the_lock_when_the_holder_is_done(tmp_path: Path):
    with holder(tmp_path) as process:
        process.stdin.write("done\n")
        process.stdin.flush()
        with project_lock(tmp_path, verb="ingest", wait_s=60):
            assert process.wait() == 0


def test_a_lock_file_with_nonsense_in_it_is_no_obstacle(tmp_path: Path):
    with project_lock(tmp_path, verb="ingest"):
        (tmp_path / ".lock").write_text("?")
        with pytest.raises(BusyError, match="another process is writing"), project_lock(tmp_path, verb="train"):
            pass
