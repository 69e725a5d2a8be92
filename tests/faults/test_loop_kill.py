"""Commands killed at any moment: the next finds a sound project and finishes, and nothing is there twice."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from finalmile.project import Project
from finalmile.workflows.logbook import FORECASTS

SERIES, BEGIN, HISTORY = 10, date(2023, 1, 2), 100
SETTINGS = """
models: {demand: {forecaster: window_average, horizon_days: 14}}
assume: {lead_time_days: [2, 6]}
plan: {review_period_days: 1}
"""
NURSERY = """
import json
import os
import pkgutil
import sys
from importlib import import_module
import finalmile.project
import finalmile.workflows
import finalmile.forecasters
from finalmile.cli.app import app

for one in pkgutil.walk_packages(finalmile.workflows.__path__, "finalmile.workflows."):
    import_module(one.name)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        try:
            app(json.loads(line))
        except SystemExit as left:
            os._exit(left.code or 0)
        os._exit(99)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Nursery:
    """A process that has everything imported and gives birth to a command for every line it is sent."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process, self.folder = process, folder

    def run(self, *words: str, kill_after_s: float | None = None) -> int:
        """Exit code of a command, which is killed where it has not ended by then."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([*words, "--project", str(self.folder)]).encode() + b"\n")
        child = int(self.process.stdout.readline())
        ended = select.select([self.process.stdout], [], [], kill_after_s)[0]
        if not ended:
            with suppress(ProcessLookupError):  # it ended in this very moment
                os.kill(child, signal.SIGKILL)
        return int(self.process.stdout.readline())


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    folder = tmp_path / "shop"
    command = [sys.executable, "-c", NURSERY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        yield Nursery(process, folder)
        process.kill()


def sales(first: int, last: int) -> pl.DataFrame:
    t = np.arange(first, last)
    one = [np.random.default_rng([series, int(number)]).poisson(5 + series) for series in range(SERIES) for number in t]
    return pl.DataFrame(
        {
            "unique_id": np.repeat([f"item {series}" for series in range(SERIES)], len(t)),
            "ds": [BEGIN + timedelta(days=int(number)) for number in np.tile(t, SERIES)],
            "y": np.array(one, dtype=np.float64),
            "price": 2.0,
        }
    )


def opened(folder: Path) -> Project:
    """A project with a live version, sales and a stock count."""
    folder.mkdir()
    (folder / "finalmile.yaml").write_text(SETTINGS)
    project = Project.open(folder)
    project.sales.add(sales(0, HISTORY))
    counts = {"unique_id": [f"item {one}" for one in range(SERIES)], "at": BEGIN + timedelta(days=HISTORY - 1)}
    project.stock.add(pl.DataFrame({**counts, "on_hand": 10.0}))
    project.train()
    project.promote(force=True)
    return project


def forecasts(project: Project) -> pl.DataFrame:
    rows = project.lake.scan(FORECASTS).collect().drop("issued_at", strict=False)
    return rows.sort("version", "cutoff", "unique_id", "ds") if rows.width else rows


def findings(project: Project) -> list[tuple[object, ...]]:
    return sorted((str(one.at), one.check, one.subject, one.value) for one in project.ledger.findings("demand"))


def orders(project: Project) -> pl.DataFrame:
    lines = project.ledger.orders()
    rows = [(one.line_id, one.unique_id, one.quantity, str(one.ordered_at), one.state) for one in lines]
    names = ["line_id", "unique_id", "quantity", "ordered_at", "state"]
    return pl.DataFrame(rows, schema=names, orient="row").sort("line_id")


def assert_sound(project: Project, *, days: int) -> None:
    """Every row that was acknowledged is there, once, and every version has its artefact."""
    assert project.doctor().faults == ()
    kept = project.sales.read()
    assert kept.height == SERIES * days
    assert not kept.select("unique_id", "ds").is_duplicated().any()
    told = forecasts(project)
    assert told.is_empty() or not told.select("version", "cutoff", "unique_id", "ds").is_duplicated().any()
    assert len(findings(project)) == len({one[:3] for one in findings(project)})
    active = orders(project).filter(pl.col("state") != "cancelled")
    assert not active.select("unique_id", "ordered_at").is_duplicated().any()
    numbers = [version.number for version in project.ledger.versions("demand")]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.slow
@pytest.mark.parametrize("kills", [6, pytest.param(30, marks=pytest.mark.proof)])
def test_commands_killed_at_any_moment_finish_the_next_time_and_nothing_is_there_twice(
    tmp_path: Path, nursery: Nursery, kills: int
):
    opened(nursery.folder)
    chance, takes, killed, day = random.Random(11), {"ingest": 1.0, "train": 1.0, "run": 1.0}, 0, HISTORY
    for number in range(kills):
        verb = ("ingest", "run", "train")[number % 3]
        words: tuple[str, ...] = (verb,)
        if verb == "ingest":
            file = tmp_path / f"{day}.csv"
            sales(day, day + 1).write_csv(file)
            words, day = (verb, "sales", str(file)), day + 1
        killed += nursery.run(*words, kill_after_s=chance.uniform(0.02, takes[verb])) == -signal.SIGKILL
        assert nursery.run("doctor") == 0, f"after {verb} was killed"
        began = time.monotonic()
        assert nursery.run(*words) == 0, f"{verb} again, after it was killed"
        takes[verb] = time.monotonic() - began
        with_all = Project.open(nursery.folder)
        assert_sound(with_all, days=day)
    assert killed >= kills // 2, "the commands were mostly over before they were killed"
    twin = opened(tmp_path / "undisturbed")
    for number in range(HISTORY, day):
        twin.sales.add(sales(number, number + 1))
        twin.run_day()
        twin.train("demand")
    last = Project.open(nursery.folder)
    last.run_day()
    assert_frame_equal(forecasts(last), forecasts(twin))
    assert_frame_equal(orders(last), orders(twin))
    assert findings(last) == findings(twin)
