"""A whole endpoint under load whose processes are killed: acknowledged predictions are in the log exactly once."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest

from finalmile.project import Project

WORKER, SUPERVISOR, EVERYTHING = "a worker", "the supervisor", "everything"
RATE, TRIES = 120.0, 12


@dataclass
class Caller:
    """Asks at the instants of a Poisson process whatever the endpoint does; every second request may be tried again.

    Parameters
    ----------
    acknowledged
        Ids of the predictions that a request was answered with, by its name.
    """

    port: int
    chance: random.Random
    asked: set[str] = field(default_factory=set[str])
    acknowledged: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    again: int = 0
    over: bool = False

    async def run(self) -> None:
        due, under_way, number = time.monotonic(), set[asyncio.Task[None]](), 0
        while not self.over:
            due += self.chance.expovariate(RATE)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.create_task(self._get(number))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            number += 1
        await asyncio.gather(*under_way)

    async def _get(self, number: int) -> None:
        """One answer: with a key tried until it comes, and now and then once more; without a key asked once."""
        name, keyed = f"r{number}", number % 2 == 0
        self.asked.add(name)
        answers = 2 if number % 10 == 0 else 1
        for at in range(TRIES if keyed else 1):
            told = await self._ask(name, keyed=keyed)
            if told is not None:
                self.again += name in self.acknowledged
                self.acknowledged.setdefault(name, set()).add(told)
                answers -= 1
                if not answers:
                    return
            await asyncio.sleep(min(1.0, 0.05 * 2**at))

    async def _ask(self, name: str, *, keyed: bool) -> str | None:
        """The id of the prediction; ``None`` where nothing was acknowledged."""
        body = json.dumps({"features": [1.0, 2.0, 3.0], "unique_id": name}).encode()
        key = f"idempotency-key: {name}\r\n" if keyed else ""
        head = f"POST /v1/models/demand:predict HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n{key}"
        try:
            async with asyncio.timeout(10):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
                    status, _, rest = (await reader.read()).partition(b"\r\n")
                finally:
                    writer.close()
        except OSError:
            return None
        return json.loads(rest.partition(b"\r\n\r\n")[2])["prediction_id"] if b" 200 " in status + b" " else None


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the log says of what callers were told."""

    acknowledged: int
    lost: list[str]
    twice: list[str]
    foreign: list[str]

    @classmethod
    def of(cls, log: pl.DataFrame, caller: Caller) -> Found:
        """Compare; lost are acknowledged predictions that are not there, twice are requests that are there again."""
        there, named = Counter(log["prediction_id"].to_list()), Counter(log["unique_id"].to_list())
        told = [one for ids in caller.acknowledged.values() for one in ids]
        return cls(
            acknowledged=len(told),
            lost=[one for one in told if one not in there],
            twice=[name for name, count in named.items() if count > 1] + [one for one in there if there[one] > 1],
            foreign=[name for name in named if name not in caller.asked],
        )


def _kill(endpoint: Any, what: str, chance: random.Random) -> None:
    """Kill -9; what does not come back by itself is started again."""
    pids = endpoint.pids()
    if what == WORKER:
        os.kill(chance.choice(pids["workers"]), signal.SIGKILL)
        return
    above = psutil.Process(endpoint.process.pid)
    doomed = [above] if what == SUPERVISOR else [above, *above.children(recursive=True)]
    for one in doomed:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    endpoint.process.wait()
    endpoint.start()


async def _until(done: Callable[[], bool], *, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it never came to pass"
        await asyncio.sleep(0.02)


async def _killed(endpoint: Any, kills: list[str], caller: Caller) -> None:
    """Kill one after the other while callers ask, each after it has answered again; seal now and then."""
    project, chance = Project.open(endpoint.folder, create=False), caller.chance
    asking = asyncio.create_task(caller.run())
    for what in kills:
        so_far = len(caller.acknowledged)
        await _until(lambda so_far=so_far: len(caller.acknowledged) >= so_far + 30)
        await asyncio.sleep(chance.uniform(0.0, 0.2))
        sealing = asyncio.create_task(asyncio.to_thread(project.seal)) if chance.random() < 0.3 else None
        await asyncio.to_thread(_kill, endpoint, what, chance)
        if sealing is not None:
            await sealing
    so_far = len(caller.acknowledged)
    await _until(lambda: len(caller.acknowledged) >= so_far + 30)
    caller.over = True
    await asking


def _log(folder: Path) -> pl.DataFrame:
    """The log as a user gets it."""
    target = folder / "log.parquet"
    command = [str(Path(sys.executable).parent / "finalmile"), "export", "predictions", str(target)]
    subprocess.run([*command, "--format", "parquet", "--project", str(folder)], check=True, capture_output=True)
    return pl.read_parquet(target)


def _proven(endpoint: Any, kills: list[str], *, seed: int) -> tuple[Caller, Found]:
    caller = Caller(endpoint.port, random.Random(seed))
    asyncio.run(_killed(endpoint, kills, caller))
    found = Found.of(_log(endpoint.folder), caller)
    counts = ", ".join(f"{count} x {what}" for what, count in Counter(kills).items())
    print(
        f"\nkilled {counts}: {len(caller.asked)} requests, {found.acknowledged} acknowledged ({caller.again} answers "
        f"came again to the same key), {len(found.lost)} lost, {len(found.twice)} twice"
    )
    return caller, found


def _assert_sound(endpoint: Any, caller: Caller, found: Found) -> None:
    assert (found.lost, found.twice, found.foreign) == ([], [], [])
    assert all(len(ids) == 1 for ids in caller.acknowledged.values())  # the same key is told the same prediction
    assert caller.again > 0
    Project.open(endpoint.folder, create=False).seal()
    sealed = Found.of(_log(endpoint.folder), caller)
    assert (sealed.lost, sealed.twice, sealed.foreign) == ([], [], [])


@pytest.mark.slow
def test_killing_any_process_or_all_loses_and_doubles_no_acknowledged_prediction(
    served: Any,
) -> None:
    endpoint = served("--workers", "2")
    caller, found = _proven(endpoint, [WORKER, SUPERVISOR, EVERYTHING], seed=1)
    assert found.acknowledged > 100
    _assert_sound(endpoint, caller, found)


@pytest.mark.proof
def test_answers_before_the_disk_has_them_are_found_lost_by_the_same_reckoning(served: Any) -> None:
    endpoint = served("--workers", "1", "--no-durable")
    for seed in range(5):
        _, found = _proven(endpoint, [WORKER, EVERYTHING], seed=seed)
        if found.lost:
            return
    pytest.fail("nothing was lost though nothing waited for the disk: this reckoning cannot find a loss")


@pytest.mark.proof
def test_thirty_kills_lose_and_double_no_acknowledged_prediction(served: Any) -> None:
    endpoint = served("--workers", "2")
    kills = [WORKER, SUPERVISOR, EVERYTHING] * 10
    random.Random(2).shuffle(kills)
    caller, found = _proven(endpoint, kills, seed=2)
    assert found.acknowledged > 1000
    _assert_sound(endpoint, caller, found)
