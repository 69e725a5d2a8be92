"""A writer killed at any moment loses nothing it acknowledged, doubles nothing, and leaves a sound project."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from finalmile.adapters.local.artefacts import FolderArtefacts
from finalmile.adapters.local.history import History
from finalmile.adapters.local.lake import FolderLake
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.adapters.local.lock import project_lock

KILLS, ROWS = 20, 50

NURSERY = """
import os
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
import polars as pl
from finalmile.adapters.local.artefacts import FolderArtefacts
from finalmile.adapters.local.history import History
from finalmile.adapters.local.lake import FolderLake
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.adapters.local.lock import project_lock
from finalmile.records import OrderLine

folder, rows = Path(sys.argv[1]), int(sys.argv[2])


def write():
  print("born", os.getpid(), flush=True)
  with project_lock(folder, verb="ingest"), SqlLedger(f"sqlite:///{folder}/ledger.db") as ledger:
      lake = FolderLake(folder / "lake", ledger)
      lake.sweep()
      sales, artefacts = History(lake, "sales"), FolderArtefacts(folder / "models")
      artefacts.sweep()
      start = len(ledger.orders())
      for number in range(max(0, start - 1), start + 10_000):
          now = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number)
          today = pl.DataFrame({"unique_id": [f"s{i}" for i in range(rows)], "ds": now.date(), "y": 1.0})
          before = today.with_columns(pl.col("ds") - timedelta(days=1), y=pl.lit(2.0))
          sales.add(pl.concat([before, today]), known_at=now, backfill=False, writer="ingest")
          digest = artefacts.put(lambda target: (target / "model.txt").write_text(str(number)) and None)
          ledger.new_version(
              model="demand", kind="naive", digest=digest, cutoff=now.date(), settings={}, at=now, actor="train"
          )
          line = OrderLine(
              order_id=f"o{number}", line_id=f"o{number}-1", supplier="a", unique_id="s1", quantity=number + 1,
              unit_cost=None, currency="EUR", ordered_at=now.date(), due=now.date(),
          )
          ledger.put_orders([line], at=now, actor="plan")
          print(number, digest, flush=True)
          if number % 7 == 0:
              lake.compact("sales")


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        write()
    print("died", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has everything imported and gives birth to a writer for every line it is sent."""
    command = [sys.executable, "-c", NURSERY, str(tmp_path), str(ROWS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        yield process
        process.kill()


def killed_writer(
    nursery: subprocess.Popen[bytes], *, acknowledgements: int, then_s: float
) -> Iterator[tuple[int, str]]:
    """Kill a writer some time after so many acknowledgements; everything it acknowledged."""
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write(b"go\n")
    word, pid = nursery.stdout.readline().decode().split()
    assert word == "born"
    heard = [nursery.stdout.readline() for _ in range(acknowledgements)]
    deadline = time.monotonic() + then_s
    while (left := deadline - time.monotonic()) > 0:
        if select.select([nursery.stdout], [], [], left)[0]:
            heard.append(nursery.stdout.readline())
    os.kill(int(pid), signal.SIGKILL)
    while not (line := nursery.stdout.readline()).startswith(b"died"):
        assert line, "the nursery died"
        heard.append(line)
    assert line == b"died -9\n"
    for line in heard:
        number, digest = line.decode().split()
        yield int(number), digest


def assert_sound(folder: Path, acknowledged: dict[int, str]) -> None:
    """Everything acknowledged is there, once; nothing is there in part."""
    with project_lock(folder, verb="check"), SqlLedger(f"sqlite:///{folder}/ledger.db") as ledger:
        lake, artefacts = FolderLake(folder / "lake", ledger), FolderArtefacts(folder / "models")
        lake.sweep()
        ledger.verify_audit()
        lake.verify("sales")
        numbers = [line.quantity - 1 for line in ledger.orders()]
        assert numbers == list(range(len(numbers)))
        assert set(acknowledged) <= set(numbers)
        assert {version.digest for version in ledger.versions()} >= set(acknowledged.values())
        for version in ledger.versions():
            artefacts.path(version.digest)
        sales = History(lake, "sales").read()
        days = sales.group_by("ds").len()
        assert (days["len"] == ROWS).all()
        assert days.height in (len(numbers) + 1, len(numbers) + 2)
        newest = sales["ds"].max()
        assert (sales.filter(sales["ds"] < newest)["y"] == 2.0).all()
        assert (sales.filter(sales["ds"] == newest)["y"] == 1.0).all()


def test_a_killed_writer_loses_and_doubles_nothing(tmp_path: Path, nursery: subprocess.Popen[bytes]):
    chance = random.Random(7)
    acknowledged: dict[int, str] = {}
    for _ in range(KILLS):
        heard = killed_writer(nursery, acknowledgements=chance.randint(2, 4), then_s=chance.uniform(0.0, 0.12))
        acknowledged |= dict(heard)
        assert_sound(tmp_path, acknowledged)
    assert len(acknowledged) >= KILLS
