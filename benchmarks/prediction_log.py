"""What it costs to keep predictions before answering: records/s and CPU per record, by how many wait at once.

    python benchmarks/prediction_log.py [--folder DIR] [--seconds 1.5] [--rounds 5]

Rows of about 900 bytes with 30 features, uvloop, one process, kinds interleaved, medians over the rounds:

tail            finalmile's hot tail: SQLite with synchronous=FULL, one commit for all who wait
append group    the same grouping over a bare file: write and fdatasync, no numbers, no checksums, no recovery
each            SQLite with synchronous=FULL, one commit for every record
append each     a bare file, write and fdatasync for every record
answered first  the tail with durable=False: flushed within 50 ms, answered before
line            no log at all: only the encoding of the line, which all others include

``dropping`` tells how long a durable row waited at most while another process, as the sealer does, forgot 200,000 rows
in 50,000 groups of the same file, and how long that took; ``undisturbed`` is the same time without it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import uvloop

from finalmile.adapters.local.tail import Tail
from finalmile.adapters.local.tail_file import TailFile
from finalmile.predictions.record import fresh_id, head, line

HEAD = head({"endpoint": "predict", "model": "demand", "version": 3, "role": "live", "cutoff": "2024-03-01"})
FEATURES = [1.1 * at + 1 / 3 for at in range(30)]
Put = Callable[[Sequence[bytes]], Awaitable[None]]


class AppendFile:
    """A bare file: lines, and fdatasync."""

    def __init__(self, path: Path) -> None:
        self.handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def write(self, rows: Sequence[bytes]) -> None:
        os.write(self.handle, b"\n".join(rows) + b"\n")
        os.fdatasync(self.handle)

    def close(self) -> None:
        os.close(self.handle)


class NoCheckpoints:
    """A bare file has nothing to copy."""

    def wrote(self, size: int, file: object) -> None: ...

    def close(self) -> None: ...


class Each:
    """Every record waits for a sync of its own."""

    def __init__(self, file: AppendFile | TailFile) -> None:
        self.file = file

    async def put(self, rows: Sequence[bytes]) -> None:
        self.file.write(rows)
        await asyncio.sleep(0)

    async def close(self) -> None:
        self.file.close()


class Nothing:
    """Keeps nothing."""

    async def put(self, _: Sequence[bytes]) -> None:
        await asyncio.sleep(0)

    async def close(self) -> None:
        return


def append_group(path: Path) -> Tail:
    tail = Tail(path.with_suffix(".db"))
    tail._file.close()
    tail._file, tail._checkpoints = AppendFile(path), NoCheckpoints()
    return tail


KINDS: dict[str, Callable[[Path], Tail | Each | Nothing]] = {
    "tail": Tail,
    "append group": append_group,
    "each": lambda path: Each(TailFile(path)),
    "append each": lambda path: Each(AppendFile(path)),
    "answered first": lambda path: Tail(path, durable=False),
    "line": lambda _: Nothing(),
}


async def measure(kind: str, folder: Path, *, waiters: int, seconds: float) -> tuple[float, float, float]:
    """Records/s, microseconds of CPU per record, and records per commit."""
    log = KINDS[kind](folder / "log-0.db")
    wall, cpu = time.perf_counter(), time.process_time()
    until, count = wall + seconds, 0

    async def one() -> None:
        nonlocal count
        while time.perf_counter() < until:
            at = time.time_ns() // 1000
            told = {
                "prediction_id": fresh_id(at, os.urandom(10)), "request_id": "018bcfe56800", "issued_at": at,
                "mean": [2.5], "ds": ["2024-03-02"], "unique_id": "FOODS_1_001_CA_1", "features": FEATURES,
                "latency_us": 230,
            }  # fmt: skip
            await log.put([line(HEAD, told)])
            count += 1
            if kind == "answered first":
                await asyncio.sleep(0)

    await asyncio.gather(*(one() for _ in range(waiters)))
    await log.close()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    groups = log.counts.groups if isinstance(log, Tail) else count
    return count / wall, cpu / count * 1e6, count / max(groups, 1)


DROP = """
import sys
from pathlib import Path
from finalmile.adapters.local.tail_file import TailFile
file = TailFile(Path(sys.argv[1]))
sys.stdin.readline()
file.drop(int(sys.argv[2]))
print("done", flush=True)
"""


async def waits(tail: Tail, until: Callable[[], bool]) -> list[float]:
    """Milliseconds of durable rows, one after the other."""
    took: list[float] = []
    one = line(HEAD, {"prediction_id": "p", "request_id": "r", "issued_at": 0, "mean": [2.5], "features": FEATURES})
    while not until():
        began = time.perf_counter()
        await tail.put([one])
        took.append((time.perf_counter() - began) * 1e3)
    return took


async def dropping(folder: Path, *, groups: int = 50_000, rows: int = 4) -> dict[str, object]:
    """The longest waits while another process forgets what was sealed, and while none does."""
    path = folder / "log-0.db"
    one = line(HEAD, {"prediction_id": "p", "request_id": "r", "issued_at": 0, "mean": [2.5], "features": FEATURES})
    filled = TailFile(path)
    filled._run("PRAGMA synchronous=OFF")
    for _ in range(groups):
        filled.write([one] * rows)
    filled.close()
    tail = Tail(path)
    sealer = subprocess.Popen([sys.executable, "-c", DROP, path, f"{groups}"], stdin=-1, stdout=-1)
    assert sealer.stdin is not None
    assert sealer.stdout is not None
    calm_until = time.perf_counter() + 3.0
    calm = await waits(tail, lambda: time.perf_counter() > calm_until)
    sealer.stdin.write(b"\n")
    sealer.stdin.flush()
    began = time.perf_counter()
    told = asyncio.create_task(asyncio.to_thread(sealer.stdout.readline))
    busy = await waits(tail, told.done)
    seconds = time.perf_counter() - began
    sealer.wait()
    await tail.close()
    left = TailFile(path)
    kept = left.waiting()
    left.close()
    if kept != len(calm) + len(busy):
        raise AssertionError(f"{len(calm) + len(busy)} rows were kept meanwhile, and {kept} are there")
    return {
        "rows": groups * rows, "groups": groups, "seconds": round(seconds, 2), "longest_ms": round(max(busy), 1),
        "p99_ms": round(statistics.quantiles(busy, n=100)[98], 2), "undisturbed_longest_ms": round(max(calm), 1),
        "undisturbed_p99_ms": round(statistics.quantiles(calm, n=100)[98], 2),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=None, help="where the log is written; a temporary folder")
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--rounds", type=int, default=5, help="0 measures the forgetting alone")
    told = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="finalmile-log-", dir=told.folder))
    forgetting = uvloop.run(dropping(folder))
    shutil.rmtree(folder)
    found: dict[tuple[str, int], list[tuple[float, float, float]]] = {}
    for _ in range(told.rounds):
        for waiters in (1, 16, 64):
            for kind in KINDS:
                folder = Path(tempfile.mkdtemp(prefix="finalmile-log-", dir=told.folder))
                run = measure(kind, folder, waiters=waiters, seconds=told.seconds)
                found.setdefault((kind, waiters), []).append(uvloop.run(run))
                shutil.rmtree(folder)
    runs = [_told(*one) for one in found.items()]
    print(json.dumps({"seconds": told.seconds, "rounds": told.rounds, "runs": runs, "dropping": forgetting}))


def _told(what: tuple[str, int], runs: Sequence[tuple[float, float, float]]) -> dict[str, object]:
    rates = sorted(rate for rate, _, _ in runs)
    cpu, size = (statistics.median(run[at] for run in runs) for at in (1, 2))
    return {
        "kind": what[0],
        "waiters": what[1],
        "records_s": round(statistics.median(rates)),
        "range": [round(rates[0]), round(rates[-1])],
        "cpu_us": round(cpu, 1),
        "per_commit": round(size, 1),
    }


if __name__ == "__main__":
    main()
