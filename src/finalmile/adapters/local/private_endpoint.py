"""An endpoint of one's own for a while: workers on a free port of the loopback, ended with the block."""

from __future__ import annotations

import contextlib
import http.client
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from finalmile.adapters.local import processes
from finalmile.adapters.local.tail_file import open_tails
from finalmile.errors import PermanentError
from finalmile.records import Json

WORKER = "finalmile.web.worker"
CLIENT = "finalmile.web.load"
_ASK_AGAIN_S = 0.005
_END_S = 15.0
_REFUSES_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateEndpoint:
    """Workers that answer on 127.0.0.1, and nobody else's.

    Parameters
    ----------
    cold_start_s
        From starting the processes until the first answer with status 200.
    """

    port: int
    pids: tuple[int, ...]
    cold_start_s: float
    first_answer: str

    def cpu_s(self) -> float | None:
        """Processor seconds that its processes used so far."""
        return processes.cpu_s(self._family())

    def memory_mb(self) -> float | None:
        """Memory of its processes, shared pages by their part."""
        return processes.memory_mb(self._family())

    def owns_its_port(self) -> bool:
        """Whether nobody else answers on its port; True where this system cannot tell."""
        owners = processes.owners(self.port)
        return owners <= self._family() | {os.getpid()}

    def ask(self, path: str, body: str, /) -> tuple[int, str]:
        """Status and body of the answer to one request."""
        return _asked(self.port, path, body, timeout_s=10.0)

    def _family(self) -> set[int]:
        return {one for pid in self.pids for one in processes.family(pid)}


@contextmanager
def private_endpoint(
    folder: Path, /, *, path: str, body: str, workers: int = 1, durable: bool | None = None, within_s: float = 60.0
) -> Generator[PrivateEndpoint]:
    """Workers that follow the board in a folder, until the block ends.

    Parameters
    ----------
    folder
        Holds the board; logs and counters are written to it.
    path, body
        A request that must be answered with 200 before anything begins.
    durable
        In place of what the board says, where given.

    Raises
    ------
    PermanentError
        The workers end, do not answer in time, or refuse for five seconds; with what they said.
    """
    said_to = folder / "workers.txt"
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listening, said_to.open("w+b") as said:
        port: int = listening.getsockname()[1]
        reading, writing = os.pipe()
        began = time.perf_counter()
        started = [_started(folder, slot, listening, reading, durable, said.fileno()) for slot in range(workers)]
        os.close(reading)
        try:
            first = _first_answer(port, path, body, started, within_s=within_s)
            if first is None:
                said.seek(0)
                told = said.read()[-2000:].decode("utf-8", "replace").strip()
                raise PermanentError(f"the endpoint under test did not answer {path} with 200. It said: {told}")
            pids = tuple(one.pid for one in started)
            yield PrivateEndpoint(port=port, pids=pids, cold_start_s=time.perf_counter() - began, first_answer=first)
        finally:
            os.close(writing)
            _end(started)


def run_load(plan: Json, /, *, span_s: float) -> Json:
    """What came of a load plan that a process of its own carried out.

    Parameters
    ----------
    plan
        As :class:`finalmile.serving.load_plan.Plan` tells it.
    span_s
        How long it sends; a client that takes a minute longer is stopped.

    Raises
    ------
    PermanentError
        The client could not reach the server, or failed.
    """
    words = [sys.executable, "-m", CLIENT]
    done = subprocess.run(words, input=orjson.dumps(plan), capture_output=True, timeout=span_s + 60, check=False)
    if done.returncode != 0:
        raise PermanentError(f"the load client failed: {done.stderr[-500:].decode('utf-8', 'replace').strip()}")
    told: Json = orjson.loads(done.stdout)
    return told


class LocalBench:
    """The machine this runs on, for measuring how fast a version answers on it."""

    def endpoint(self, folder: Path, /, *, path: str, body: str) -> AbstractContextManager[PrivateEndpoint]:
        """One worker that follows the board in a folder, once it answers a request, until the block ends."""
        return private_endpoint(folder, path=path, body=body)

    def load(self, plan: Json, /, *, span_s: float) -> Json:
        """What came of a load plan; see :func:`run_load`."""
        return run_load(plan, span_s=span_s)

    def logged(self, folder: Path, /, *, most: int) -> Sequence[bytes]:
        """The newest lines, at most so many, that the server logged to a folder before it ended."""
        kept: deque[bytes] = deque(maxlen=most)
        with open_tails(folder) as tails:
            for tail in tails:
                for _, rows in tail.groups():
                    kept.extend(rows)
        return list(kept)

    def machine(self) -> str:
        """Processor, cores and memory."""
        return processes.machine()

    def machine_cpu_s(self) -> float | None:
        """Processor seconds that everything on the machine used so far."""
        return processes.machine_cpu_s()

    def now_s(self) -> float:
        """Seconds of a clock that only runs forward."""
        return time.perf_counter()

    def rest(self, seconds: float, /) -> None:
        """Do nothing for a while."""
        time.sleep(seconds)


def _started(
    folder: Path, slot: int, listening: socket.socket, parent: int, durable: bool | None, said: int
) -> subprocess.Popen[bytes]:
    settings = {"folder": folder, "slot": slot, "listening": listening.fileno(), "parent": parent}
    given = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    durability = [] if durable is None else ["--durable", "yes" if durable else "no"]
    return subprocess.Popen(
        [sys.executable, "-m", WORKER, *given, *durability],
        pass_fds=(listening.fileno(), parent), stdin=subprocess.DEVNULL, stdout=said, stderr=said,
    )  # fmt: skip


def _first_answer(
    port: int, path: str, body: str, started: Sequence[subprocess.Popen[bytes]], *, within_s: float
) -> str | None:
    began = time.perf_counter()
    refused_since = math.inf
    while all(one.poll() is None for one in started):
        now = time.perf_counter()
        if now - began > within_s or now - refused_since > _REFUSES_S:
            return None
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, told = _asked(port, path, body, timeout_s=within_s)
            if status == 200:
                return told
            refused_since = min(refused_since, now)
        time.sleep(_ASK_AGAIN_S)
    return None


def _asked(port: int, path: str, body: str, *, timeout_s: float) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("POST", path, body=body.encode(), headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def _end(started: Sequence[subprocess.Popen[bytes]]) -> None:
    for one in started:
        with contextlib.suppress(OSError):
            one.send_signal(signal.SIGTERM)
    for one in started:
        try:
            one.wait(_END_S)
        except subprocess.TimeoutExpired:
            one.kill()
            one.wait()
