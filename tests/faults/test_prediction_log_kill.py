"""Writers and sealers killed at any moment, a disk that fills up: what was acknowledged is in the log exactly once."""

from __future__ import annotations

import asyncio
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

from finalmile.adapters.local.lake import FolderLake
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.adapters.local.tail import Tail
from finalmile.adapters.local.tail_file import TailFile, open_tails
from finalmile.errors import TransientError
from finalmile.predictions.record import Prediction
from finalmile.workflows.seal import PREDICTIONS, predictions, seal

WAITERS = 8
DISK_MB = 2

NURSERY = """
import asyncio
import itertools
import os
import sys
from pathlib import Path
from finalmile.adapters.local.lake import FolderLake
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.adapters.local.lock import project_lock
from finalmile.adapters.local.tail import Tail
from finalmile.adapters.local.tail_file import open_tails
from finalmile.predictions.record import Prediction, key_digest, keyed_id
from finalmile.workflows.seal import seal

folder, waiters = Path(sys.argv[1]), int(sys.argv[2])


def line(key):
    digest = key_digest(key, scope="test")
    return Prediction(
        prediction_id=keyed_id(digest, 0), request_id=key, endpoint="predict", model="demand", version=1, role="live",
        issued_at=0, mean=[1.0], ds=["2024-03-01"], key=digest, features=[0.5] * 30,
    ).to_json()


async def write(slot, start):
    # Every seventh key was used by the writer before, which may or may not have been told that it was kept.
    tail, numbers = Tail(folder / f"log-{slot}.db"), itertools.count(start)

    async def one():
        for number in numbers:
            key = f"{number - 40 if number % 7 == 0 else number}"
            await tail.put([line(key)])
            os.write(1, f"{key}\\n".encode())

    await asyncio.gather(*(one() for _ in range(waiters)))


def keep_sealing():
    while True:
        with project_lock(folder, verb="seal", wait_s=30), SqlLedger(f"sqlite:///{folder}/ledger.db") as ledger:
            lake = FolderLake(folder / "lake", ledger)
            lake.sweep()
            with open_tails(folder) as tails:
                seal(tails, lake, ledger, lines=20)
            os.write(1, b"sealed\\n")


for order in sys.stdin:
    verb, slot, start = order.split()
    child = os.fork()
    if child == 0:
        print("born", os.getpid(), flush=True)
        asyncio.run(write(int(slot), int(start))) if verb == "write" else keep_sealing()
    print("died", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def nurseries(tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two processes that have everything imported and give birth to a writer or sealer for every line they are sent."""
    command = [sys.executable, "-c", NURSERY, str(tmp_path), str(WAITERS)]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as one,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as other,
    ):
        yield [one, other]
        one.kill()
        other.kill()


def start(nursery: subprocess.Popen[bytes], order: str) -> int:
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write(f"{order}\n".encode())
    word, pid = nursery.stdout.readline().decode().split()
    assert word == "born"
    return int(pid)


def heard_until_killed(nursery: subprocess.Popen[bytes], pid: int, *, lines: int, then_s: float) -> list[str]:
    """Kill what a nursery started some time after so many lines; everything it said."""
    assert nursery.stdout is not None
    heard = [nursery.stdout.readline() for _ in range(lines)]
    deadline = time.monotonic() + then_s
    while (left := deadline - time.monotonic()) > 0:
        if select.select([nursery.stdout], [], [], left)[0]:
            heard.append(nursery.stdout.readline())
    os.kill(pid, signal.SIGKILL)
    while not (line := nursery.stdout.readline()).startswith(b"died"):
        assert line, "the nursery died"
        heard.append(line)
    assert line == b"died -9\n"
    return [line.decode().strip() for line in heard]


def assert_log(folder: Path, acknowledged: set[str], *, attempted_upto: int) -> None:
    """Every acknowledged key once, any other at most once, and none that was never sent."""
    with SqlLedger(f"sqlite:///{folder}/ledger.db") as ledger, open_tails(folder) as tails:
        keys = predictions(tails, FolderLake(folder / "lake", ledger))["request_id"].to_list()
    assert len(keys) == len(set(keys))
    assert acknowledged <= set(keys)
    assert all(int(key) < attempted_upto for key in keys)


@pytest.mark.parametrize("kills", [6, pytest.param(30, marks=pytest.mark.proof)])
def test_killed_writers_and_sealers_lose_and_double_no_acknowledged_prediction(
    tmp_path: Path, nurseries: list[subprocess.Popen[bytes]], kills: int
):
    chance, (writing, sealing) = random.Random(3), nurseries
    acknowledged: set[str] = set()
    first = sealed_passes = 0
    for kill in range(kills):
        writer = start(writing, f"write {kill % 2} {first}")
        sealer = start(sealing, "seal 0 0")
        heard = heard_until_killed(writing, writer, lines=chance.randint(1, 60), then_s=chance.uniform(0.0, 0.05))
        sealed_passes += len(heard_until_killed(sealing, sealer, lines=kill % 2, then_s=chance.uniform(0.0, 0.15)))
        acknowledged |= set(heard)
        first = max(first, *map(int, heard)) + 2 * WAITERS + 1
        assert_log(tmp_path, acknowledged, attempted_upto=first)
    assert len(acknowledged) >= kills
    assert sealed_passes > 0
    with SqlLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger, open_tails(tmp_path) as tails:
        lake = FolderLake(tmp_path / "lake", ledger)
        lake.sweep()
        seal(tails, lake, ledger)
        lake.verify(PREDICTIONS)
        sealed = lake.scan(PREDICTIONS).collect()["request_id"]
        assert all(tail.waiting() == 0 for tail in tails)
    assert sealed.is_unique().all()
    assert acknowledged <= set(sealed)


def line(number: int) -> bytes:
    return Prediction(
        prediction_id=f"p{number}", request_id=f"{number}", endpoint="predict", model="demand", version=1, role="live",
        issued_at=0, mean=[1.0], ds=["2024-03-01"], features=[number + 0.1] * 100,
    ).to_json()  # fmt: skip


def test_a_full_disk_is_told_to_every_waiter_and_work_goes_on_once_there_is_room(small_disk: Path):
    async def act() -> tuple[Tail, set[int], list[str]]:
        tail, acknowledged, told = Tail(small_disk / "log-0.db"), set[int](), list[str]()
        (small_disk / "filler").write_bytes(b"x" * 1_000_000)
        for number in range(4000):
            try:
                await tail.put([line(number)])
                acknowledged.add(number)
            except TransientError as error:
                told.append(str(error))
                (small_disk / "filler").unlink(missing_ok=True)
                if len(told) > 3:
                    break
        await tail.close()
        return tail, acknowledged, told

    tail, acknowledged, told = asyncio.run(act())
    assert told
    assert all("full" in one for one in told)
    assert (tail.counts.failed, tail.counts.lag, tail.counts.lost) == (len(told), 0, 0)
    file = TailFile(small_disk / "log-0.db")
    kept = [Prediction.from_json(row).request_id for _, rows in file.groups() for row in rows]
    file.close()
    assert len(kept) == len(set(kept))
    assert {str(number) for number in acknowledged} <= set(kept)
