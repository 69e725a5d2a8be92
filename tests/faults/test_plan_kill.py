"""``finalmile plan`` killed before every change it makes to the ledger: the next plan orders nothing twice."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from finalmile.project import Project
from finalmile.records import OrderLine

BEGIN, HISTORY = date(2024, 1, 1), 35
SETTINGS = """
models: {demand: {forecaster: window_average, horizon_days: 14}}
plan: {review_period_days: 1}
assume: {lead_time_days: 2}
"""
NURSERY = """
import json
import os
import signal
import pkgutil
import sys
from importlib import import_module
import finalmile.project
import finalmile.workflows
import finalmile.forecasters
from finalmile.cli.app import app
from sqlalchemy import event
from sqlalchemy.engine import Engine

left = [10**9]

def count(connection, cursor=None, statement="", *_):
    left[0] -= not statement.startswith(("SELECT", "PRAGMA"))
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "before_cursor_execute", count)
event.listen(Engine, "commit", count)
for one in pkgutil.walk_packages(finalmile.workflows.__path__, "finalmile.workflows."):
    import_module(one.name)
for line in sys.stdin:
    words, changes = json.loads(line)
    child = os.fork()
    if child == 0:
        left[0] = changes
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        try:
            app(words)
        except SystemExit as ended:
            os._exit(ended.code or 0)
        os._exit(99)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def nursery() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has everything imported and gives birth to a command for every line it is sent."""
    command = [sys.executable, "-c", NURSERY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        yield process
        process.kill()


def planned(nursery: subprocess.Popen[bytes], folder: Path, *, changes: int) -> int:
    """Exit code of a plan that is killed before its change of this number."""
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write(json.dumps([["plan", "--project", str(folder)], changes]).encode() + b"\n")
    return int(nursery.stdout.readline())


def sales(first: int, last: int) -> pl.DataFrame:
    chance = np.random.default_rng(first)
    cells = [(item, t) for item in "abc" for t in range(first, last)]
    return pl.DataFrame(
        {
            "unique_id": [item for item, _ in cells],
            "ds": [BEGIN + timedelta(days=t) for _, t in cells],
            "y": chance.poisson(4.0, len(cells)).astype(float),
        }
    )


def between_two_days(folder: Path) -> Path:
    """Yesterday's proposals are there, one of them approved; a day has been sold since, and nothing is planned yet."""
    folder.mkdir()
    (folder / "finalmile.yaml").write_text(SETTINGS)
    project = Project.open(folder)
    project.sales.add(sales(0, HISTORY))
    project.stock.add(
        pl.DataFrame({"unique_id": list("abc"), "at": BEGIN + timedelta(days=HISTORY - 1), "on_hand": 5.0})
    )
    project.train()
    project.promote(force=True)
    project.plan()
    project.approve_orders(product="a")
    project.sales.add(sales(HISTORY, HISTORY + 1))
    return folder


def told(folder: Path) -> list[OrderLine]:
    return list(Project.open(folder).orders().rows)


@pytest.mark.slow
@pytest.mark.parametrize("every", [24, pytest.param(1, marks=pytest.mark.proof)])
def test_a_plan_killed_before_any_change_is_finished_by_the_next(
    tmp_path: Path, nursery: subprocess.Popen[bytes], every: int
) -> None:
    start, twin = between_two_days(tmp_path / "start"), tmp_path / "twin"
    shutil.copytree(start, twin)
    assert planned(nursery, twin, changes=10**9) == 0
    wanted, at, killed = told(twin), 0, 0
    while True:
        folder = tmp_path / f"killed-{at}"
        shutil.copytree(start, folder)
        code = planned(nursery, folder, changes=at)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        half = told(folder)
        assert half in (told(start), wanted), "a plan is kept whole or not at all"
        Project.open(folder).plan()
        assert told(folder) == wanted
        killed, at = killed + 1, at + every
        shutil.rmtree(folder)
    assert killed >= 3, "the plan changed less than there is to kill"
