"""Whether stops, rolling restarts and swaps under load lose a request: ``python benchmarks/serving_drain.py``.

Clients hold keep-alive connections and ask without a pause. A request counts as lost where it was sent and no good
answer came. Printed at the end: requests answered, requests lost, seconds each took.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from finalmile.serving.board import Board, Route, Served
from finalmile.serving.online import About, OnlineTable

BODY = b'{"unique_id":"milk","horizon":2}'
HEAD = b"POST /v1/models/demand:predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: %d\r\n\r\n"


class Load:
    def __init__(self, port: int, clients: int) -> None:
        self.port, self.clients = port, clients
        self.answered, self.version, self.lost = 0, 0, list[str]()
        self.over = False

    async def run(self) -> None:
        await asyncio.gather(*(self.client() for _ in range(self.clients)))

    async def client(self) -> None:
        while not self.over:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                return
            goes_on = True
            while goes_on and not self.over:
                try:
                    writer.write(HEAD % len(BODY) + BODY)
                    head = (await reader.readuntil(b"\r\n\r\n")).lower()
                    body = await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
                except (OSError, asyncio.IncompleteReadError) as error:
                    self.lost.append(repr(error))
                    break
                if b" 200 ok" not in head:
                    self.lost.append(repr(body))
                else:
                    self.answered, self.version = self.answered + 1, json.loads(body)["version"]
                goes_on = b"connection: close" not in head
            writer.close()


def project(folder: Path) -> None:
    versions = []
    for number in (1, 2):
        table = folder / "serving" / "tables" / str(number)
        about = About(
            model="demand", number=number, cutoff="2026-01-01", kind="answers", frequency="day", ds=("a", "b")
        )
        arrays = {"mean": np.ones((1, 2), dtype=np.float32)}
        OnlineTable(about=about, ids=["milk"], arrays=arrays).write(table)
        versions.append(
            Served(model="demand", number=number, kind="t", digest="", folder=str(folder), table=str(table))
        )
    Board(epoch=1, versions=tuple(versions), routes=(Route(model="demand", live=1),)).write(folder / "serving")


def started(folder: Path, workers: int) -> tuple[subprocess.Popen[bytes], int]:
    state = folder / "serving" / "serve.json"
    state.unlink(missing_ok=True)
    words = ["--project", str(folder), "--port", "0", "--workers", str(workers), "--without-manager"]
    process = subprocess.Popen([sys.executable, "-m", "finalmile.web.supervisor", *words], stderr=subprocess.DEVNULL)
    until(state.exists)
    return process, int(json.loads(state.read_text())["port"])


def until(done: Callable[[], bool], seconds: float = 60.0) -> float:
    began = time.monotonic()
    while not done():
        if time.monotonic() - began > seconds:
            raise TimeoutError
        time.sleep(0.002)
    return time.monotonic() - began


def under_load(port: int, clients: int, act: Callable[[Load], None]) -> Load:
    load = Load(port, clients)
    thread = threading.Thread(target=lambda: asyncio.run(load.run()))
    thread.start()
    until(lambda: load.answered > 100)
    act(load)
    load.over = True
    thread.join()
    return load


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stops", type=int, default=20)
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--swaps", type=int, default=100)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "serving").mkdir()
        project(folder)
        stops(folder, asked)
        process, port = started(folder, asked.workers)
        restarts(folder, process, port, asked)
        swaps(folder, port, asked)
        process.terminate()
        process.wait()


def told(what: str, loads: list[Load], seconds: list[float]) -> None:
    lost = [one for load in loads for one in load.lost]
    print(
        f"{what}: {len(seconds)} times, {sum(load.answered for load in loads)} answered, {len(lost)} lost; "
        f"median {statistics.median(seconds):.3f} s, longest {max(seconds):.3f} s {lost[:3] or ''}",
        flush=True,
    )


def stops(folder: Path, asked: argparse.Namespace) -> None:
    loads, seconds = list[Load](), list[float]()
    for _ in range(asked.stops):
        process, port = started(folder, asked.workers)

        def stop(_: Load, process: subprocess.Popen[bytes] = process) -> None:
            process.terminate()
            began = time.monotonic()
            process.wait()
            seconds.append(time.monotonic() - began)

        loads.append(under_load(port, asked.clients, stop))
    if loads:
        told("SIGTERM", loads, seconds)


def restarts(folder: Path, process: subprocess.Popen[bytes], port: int, asked: argparse.Namespace) -> None:
    seconds = list[float]()

    def workers() -> set[int]:
        return set(json.loads((folder / "serving" / "serve.json").read_text())["workers"])

    def roll(_: Load) -> None:
        for _ in range(asked.restarts):
            before = workers()
            process.send_signal(signal.SIGHUP)
            seconds.append(until(lambda before=before: len(workers()) == asked.workers and not before & workers()))

    if asked.restarts:
        told("rolling restart", [under_load(port, asked.clients, roll)], seconds)


def swaps(folder: Path, port: int, asked: argparse.Namespace) -> None:
    seconds = list[float]()
    board = Board.read(folder / "serving")

    def swap(load: Load) -> None:
        for epoch in range(2, asked.swaps + 2):
            route = Route(model="demand", live=2 - epoch % 2)
            Board(epoch=epoch, versions=board.versions, routes=(route,)).write(folder / "serving")
            seconds.append(until(lambda route=route: load.version == route.live))

    if asked.swaps:
        told("swap", [under_load(port, asked.clients, swap)], seconds)


if __name__ == "__main__":
    main()
