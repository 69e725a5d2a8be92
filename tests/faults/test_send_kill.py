"""``finalmile orders send`` killed before each change it makes: every line reaches the supplier once."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from finalmile.project import Project
from finalmile.records import OrderLine

NURSERY = """
import json
import os
import signal
import pkgutil
import sys
from importlib import import_module
import finalmile.project
import finalmile.workflows
from finalmile.cli.app import app
from sqlalchemy import event
from sqlalchemy.engine import Engine

left = [10**9]

def count(*told):
    statement = told[2] if len(told) > 2 else ""
    left[0] -= not statement.startswith(("SELECT", "PRAGMA"))
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)

def counted(work):
    def named(*given, **more):
        count()
        return work(*given, **more)
    return named

event.listen(Engine, "before_cursor_execute", count)
event.listen(Engine, "commit", count)
os.link, os.fsync = counted(os.link), counted(os.fsync)
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


def sent(nursery: subprocess.Popen[bytes], folder: Path, *, changes: int) -> int:
    """Exit code of sending that is killed before its change of this number."""
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    words = ["orders", "send", "PO-1", "--project", str(folder)]
    nursery.stdin.write(json.dumps([words, changes]).encode() + b"\n")
    return int(nursery.stdout.readline())


def opened_shop(folder: Path) -> Path:
    """A project with an order of two lines, one of them approved."""
    project = Project.open(folder)
    lines = [
        OrderLine(
            order_id="PO-1", line_id=f"PO-1-{item}", supplier="acme", unique_id=item, quantity=quantity, unit_cost=2.0,
            currency="EUR", ordered_at=date(2024, 5, 1), due=date(2999, 5, 8), reason={"policy": "order_up_to"},
        )
        for item, quantity in (("milk", 10), ("bread", 4))
    ]  # fmt: skip
    project.ledger.put_orders(lines, at=project.clock.now(), actor="plan")
    project.approve_orders("PO-1", product="milk")
    return folder


@pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.proof)])
def test_whenever_sending_is_killed_every_line_goes_out_once(
    nursery: subprocess.Popen[bytes], tmp_path: Path, step: int
) -> None:
    shop, ended, kills = opened_shop(tmp_path / "shop"), -signal.SIGKILL, 0
    while ended == -signal.SIGKILL:
        folder = tmp_path / f"killed-{kills}"
        shutil.copytree(shop, folder)
        ended = sent(nursery, folder, changes=kills)
        project = Project.open(folder)
        project.approve_orders("PO-1", product="bread")
        for _ in range(2):
            project.send_order("PO-1")
        came: Counter[str] = Counter()
        for path in (folder / "outbox").glob("*.csv"):
            told = pl.read_csv(path)
            came.update(dict(zip(told["unique_id"].to_list(), told["quantity"].to_list(), strict=True)))
            assert told["unique_id"].to_list() in (["milk"], ["bread"], ["bread", "milk"])
        assert came == {"milk": 10, "bread": 4}, f"killed before change {kills}"
        assert {line.state for line in project.ledger.orders()} == {"sent"}
        project.ledger.verify_audit()
        shutil.rmtree(folder)
        kills += step
    assert ended == 0
    assert kills > 20
