"""One inference worker: ``python -m finalmile.web.worker``, started and watched by the supervisor.

It imports no table library, no database toolkit and no web framework: what it needs to answer, and nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import uvicorn

from finalmile.adapters.local.tail import Tail
from finalmile.serving.counters import Counters
from finalmile.serving.opening import open_version
from finalmile.web.drain import DrainingProtocol
from finalmile.web.fast import Endpoint
from finalmile.web.following import Watcher
from finalmile.web.gate import Gate
from finalmile.web.health import Health
from finalmile.web.hot import HotPath, Told
from finalmile.web.predict import Predictor
from finalmile.web.relay import Relay
from finalmile.web.serve_settings import SOCKET
from finalmile.web.server import DrainingServer
from finalmile.web.state import State
from finalmile.web.uses import Uses

BEAT_S = 0.25
GRACE_S = 1.0
THREADS = 256
"""More than calls of models can wait at once, each model having one or two: one that hangs takes no other's."""
_BACKLOG = 4096
_TRIAL = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one worker is started.

    Parameters
    ----------
    folder
        ``serving`` inside the project.
    listening
        File descriptor of the shared listening socket.
    parent
        File descriptor of a pipe whose other end the supervisor holds: it ends when the supervisor does.
    durable
        In place of what the routes say, where given.
    """

    folder: Path
    slot: int
    listening: int
    parent: int | None = None
    closed: bool = False
    durable: bool | None = None
    grace_s: float = GRACE_S


class Ages:
    """How long the oldest row that is not yet on the disk has waited, known to within a heartbeat.

    Examples
    --------
    >>> ages = Ages()
    >>> [ages.oldest_us(accepted, lag, at_ns) for accepted, lag, at_ns in ((5, 5, 0), (9, 7, 3_000), (9, 3, 8_000))]
    [0, 3, 5]
    >>> ages.oldest_us(9, 0, 9_000)
    0
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque()

    def oldest_us(self, accepted: int, lag: int, now_ns: int) -> int:
        """Microseconds since the oldest of the ``lag`` last of ``accepted`` rows was first seen waiting."""
        seen = self._seen
        if not seen or accepted > seen[-1][0]:
            seen.append((accepted, now_ns))
        while seen and seen[0][0] <= accepted - lag:
            seen.popleft()
        return (now_ns - seen[0][1]) // 1000 if seen else 0


class Disk:
    """Whether the disk takes the log: once it refused, not before a row or a trial has reached it again.

    Examples
    --------
    >>> disk = Disk()
    >>> [bool(disk.fault(failed, synced)) for failed, synced in ((0, 5), (1, 5), (1, 5), (1, 6), (1, 6))]
    [False, True, True, False, False]
    """

    def __init__(self) -> None:
        self._failed = self._synced = 0
        self._refuses = False

    def fault(self, failed: int, synced: int) -> str:
        """Why nothing can be logged now, from rows refused and rows written so far; empty where it can."""
        if failed > self._failed:
            self._refuses = True
        elif synced > self._synced:
            self._refuses = False
        self._failed, self._synced = failed, synced
        return "the disk refuses the prediction log" if self._refuses else ""

    def tried(self, folder: Path, /) -> None:
        """Write and remove a file: a worker that is not ready is sent no row that could show that the disk is well."""
        trial = folder / f".trial-{os.getpid()}"
        try:
            with trial.open("wb") as file:
                file.write(bytes(_TRIAL))
                file.flush()
                os.fsync(file.fileno())
            self._refuses = False
        except OSError:
            pass
        finally:
            trial.unlink(missing_ok=True)


class Worker:
    """Everything one worker process holds."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        folder = settings.folder
        self.counters = Counters(folder / f"slot-{settings.slot}.counters")
        self.tail = Tail(folder / f"log-{settings.slot}.db")
        self.tail.make_room()
        self.ages = Ages()
        self.pool = ThreadPoolExecutor(THREADS, thread_name_prefix="model")
        self.watcher = Watcher(folder, open_version, self.counters, self._swapped)
        predictor = Predictor(self.counters, put=self._put, pool=self.pool)
        self.health = Health(folder, self.counters, fault_of_log=self._fault_of_log, beat=self._beat)
        self.endpoint = Endpoint(
            counters=self.counters,
            predictor=predictor,
            gate=Gate(closed=settings.closed, used=Uses(folder)),
            health=self.health,
            relay=Relay(folder / SOCKET),
            state=State(),
        )
        self.endpoint.hot = HotPath(
            counters=self.counters,
            predictor=predictor,
            admit=self.endpoint.admit,
            again=self.endpoint.again,
            take=self._take,
        )
        self._disk = Disk()
        self._fault = ""

    async def run(self) -> None:
        """Serve until told to end."""
        loop = asyncio.get_running_loop()
        following, beating = loop.create_task(self.watcher.follow()), loop.create_task(self._beating())
        await self.watcher.settled()
        server = DrainingServer(
            _config(self.endpoint),
            seconds=lambda: self.endpoint.state.board.limits.seconds,
            grace_s=self.settings.grace_s,
            ending=self._ending,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.end)
        self._watch_parent(server)
        gc.collect()
        gc.freeze()
        await server.serve(sockets=[socket.socket(fileno=self.settings.listening)])
        following.cancel()
        beating.cancel()
        await self.tail.close()
        self._beat()
        self.watcher.close()

    def _put(self, lines: list[bytes], durable: bool) -> Awaitable[None]:
        told = self.settings.durable
        return self.tail.put(lines, durable=durable if told is None else told)

    def _take(self, line: bytes, durable: bool, told: Told) -> bool:
        wanted = self.settings.durable
        return self.tail.take(line, told, durable=durable if wanted is None else wanted)

    def _swapped(self, state: State) -> None:
        self.endpoint.follow(state)

    def _ending(self) -> None:
        self.endpoint.draining = True
        self.counters.set("draining", 1)
        self.counters.set("ready", 0)

    def _watch_parent(self, server: DrainingServer) -> None:
        """End when the supervisor has ended, however it did."""
        pipe = self.settings.parent
        if pipe is not None:
            os.set_blocking(pipe, False)
            asyncio.get_running_loop().add_reader(pipe, self._orphaned, server, pipe)

    def _orphaned(self, server: DrainingServer, pipe: int) -> None:
        asyncio.get_running_loop().remove_reader(pipe)
        server.end()

    async def _beating(self) -> None:
        loop, trial = asyncio.get_running_loop(), None
        while True:
            self._beat()
            await asyncio.sleep(BEAT_S)
            if self._fault and (trial is None or trial.done()):
                trial = loop.run_in_executor(None, self._disk.tried, self.settings.folder)

    def _beat(self) -> None:
        counters, counts = self.counters, self.tail.counts
        counters.set("log_waiting", counts.lag)
        counters.set("log_oldest_us", self.ages.oldest_us(counts.accepted, counts.lag, time.monotonic_ns()))
        counters.set("ready", 0 if self.health.unready(self.endpoint.state, draining=self.endpoint.draining) else 1)
        self._fault = self._disk.fault(counts.failed + counts.lost, counts.synced)
        if counts.lost > self._lost_before:
            counters.add("lost", counts.lost - self._lost_before)
            self._lost_before = counts.lost
        counters.beat()

    _lost_before = 0

    def _fault_of_log(self) -> str:
        return self._fault


def _config(app: Endpoint) -> uvicorn.Config:
    return uvicorn.Config(
        cast("Any", app),
        loop="uvloop",
        http=DrainingProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=75,
    )


def settings_from(words: Sequence[str]) -> Settings:
    """What the supervisor wrote on the command line."""
    parser = argparse.ArgumentParser(prog="finalmile.web.worker")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--slot", type=int, required=True)
    parser.add_argument("--listening", type=int, required=True)
    parser.add_argument("--parent", type=int)
    parser.add_argument("--closed", action="store_true")
    parser.add_argument("--durable", choices=("yes", "no"))
    parser.add_argument("--grace", type=float, default=GRACE_S)
    told = parser.parse_args(words)
    return Settings(
        folder=told.folder,
        slot=told.slot,
        listening=told.listening,
        parent=told.parent,
        closed=told.closed,
        durable=None if told.durable is None else told.durable == "yes",
        grace_s=told.grace,
    )


def main(words: Sequence[str] | None = None) -> None:
    """Run one worker."""
    import uvloop

    worker = Worker(settings_from(sys.argv[1:] if words is None else words))
    uvloop.run(worker.run())


if __name__ == "__main__":
    main()
