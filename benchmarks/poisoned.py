"""A version that misbehaves beside others: who is answered, how fast its neighbours are, and whether somebody is told.

    python benchmarks/poisoned.py [--only hangs,exits] [--rate 100] [--windows 5] [--window-s 3]

Two neighbours are served by the endpoint that serves the poisoned model: a LightGBM text, answered in the worker, and a
function, in a process of its own. Both are certified first (``finalmile certify --endpoint``, quick, shorter windows).
Then, poison by poison, a new version of the model ``demand`` answers well, is promoted, and turns bad while requests
come in for all three. A line per poison tells

answered     requests to ``demand`` that got an answer, and the slowest of them
fallback     how many the stable version answered
inline p99   the LightGBM neighbour: the middle of its windows' p99, and the highest its certificate allows
own p99      the same of the neighbour in a process of its own
incident     whether it is opened, names model and version, and is seen over HTTP and by ``finalmile export incidents``

``quiet`` is the same load with nothing bad: where that is outside a certificate, the machine is to blame. Exits with 1
where a request got no answer, a neighbour left its certificate though the quiet run kept to it, or an incident is
missing.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from finalmile.adapters.local.private_endpoint import LocalBench
from finalmile.project import Project
from finalmile.records import EndpointCertificate
from finalmile.serving.load_plan import Loaded, Plan
from finalmile.workflows.certify_endpoint import certify_endpoint
from finalmile.workflows.endpoint_trial import Effort

QUIET = "quiet"
POISONS = {
    QUIET: "",
    "raises": "raise ZeroDivisionError('no sales')",
    "hangs": "while True: pass",
    "sleeps": "time.sleep(3600)",
    "leaks memory": "kept.append(np.empty(50_000_000))",
    "forks": "os.fork()",
    "exits": "os._exit(0)",
    "segfaults": "ctypes.string_at(8)",
    "answers NaN": "return x[:, 0] * np.nan",
    "is slow": "time.sleep(1.5)",
}
NO_FAULT = (QUIET, "is slow")
"""Within the deadline: nobody is struck for it, and no incident is due."""

CODE = """
import ctypes, os, time
import numpy as np
kept = []
def fn(x):
    if os.path.exists({trigger!r}):
        {body}
    return x[:, 0]
"""
ROWS = np.abs(np.random.default_rng(0).normal(size=(256, 3))).round(4)
NAMES = [{"name": name} for name in "abc"]


@dataclass(frozen=True, kw_only=True)
class Told:
    """What callers of the poisoned model saw."""

    asked: int
    answered: int
    fallback: int
    slowest_s: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    poison: str
    told: Told
    p99: dict[str, float]
    errors: int
    incident: str


def register(project: Project, folder: Path) -> None:
    learned = lightgbm.train(
        {"objective": "regression", "verbose": -1, "num_threads": 1}, lightgbm.Dataset(ROWS, ROWS.sum(axis=1)), 50
    )
    learned.save_model(folder / "model.txt")
    answers = np.asarray(learned.predict(ROWS)).reshape(-1, 1).tolist()
    golden = {"features": NAMES, "golden": {"rows": ROWS.tolist(), "answers": answers}}
    named = {**golden, "features": [{"name": f"Column_{at}"} for at in range(3)]}
    project.register("inline", "lightgbm", path=folder / "model.txt", features=named)
    (folder / "calm.py").write_text("def fn(x):\n    return x[:, 0]\n")
    mine = {"features": NAMES, "golden": {"rows": ROWS.tolist(), "answers": ROWS[:, :1].tolist()}}
    for model in ("own", "demand"):
        project.register(model, "callable", path=folder / "calm.py", function="calm:fn", features=mine)
    for model in ("inline", "own", "demand"):
        project.promote(model, force=True, why="benchmark")


def poisoned(project: Project, folder: Path, name: str) -> tuple[int, Path]:
    """A new live version of ``demand`` that turns bad once the file is there."""
    trigger, code = folder / f"turn-{len(list(folder.glob('bad_*')))}", folder / "bad.py"
    code = folder / f"bad_{trigger.name.partition('-')[2]}.py"
    code.write_text(CODE.format(trigger=str(trigger), body=POISONS[name] or "pass"))
    golden = {"rows": ROWS[:8].tolist(), "answers": ROWS[:8, :1].tolist()}
    features = {"features": NAMES, "golden": golden}
    made = project.register("demand", "callable", path=code, function=f"{code.stem}:fn", features=features)
    project.promote("demand", made.version.number, force=True, why="benchmark")
    return made.version.number, trigger


def certified(project: Project, model: str, asked: argparse.Namespace) -> EndpointCertificate:
    effort = Effort(windows=10, window_s=asked.window_s, tries=1, rung_windows=1, rung_s=1.0, connections=16)
    serving = project.folder / "serving"
    return certify_endpoint(
        project.shop, model, bench=LocalBench(), serving=serving, effort=effort, rate=asked.rate, even_if_busy=True
    )


def load(port: int, model: str, asked: argparse.Namespace) -> subprocess.Popen[bytes]:
    names = [f"Column_{at}" for at in range(3)] if model == "inline" else list("abc")
    bodies = tuple(json.dumps({"features": dict(zip(names, row, strict=True))}) for row in ROWS.tolist())
    plan = Plan(
        port=port, path=f"/v1/models/{model}:predict", bodies=bodies, rate=asked.rate, connections=16,
        windows=asked.windows, window_s=asked.window_s, warm_s=1.0, seed=1,
    )  # fmt: skip
    words = [sys.executable, "-m", "finalmile.web.load"]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(json.dumps(plan.to_json()).encode())
    process.stdin.close()
    process.stdin = None
    return process


async def ask(port: int, seconds: float, rate: float) -> Told:
    """Ask ``demand`` again and again, whatever becomes of earlier questions."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(128))
    answers: list[dict[str, Any] | None] = []
    slowest = 0.0

    async def one(at: int) -> None:
        nonlocal slowest
        began = time.monotonic()
        status, body = await asyncio.to_thread(post, port, "demand", ROWS[at % 256].tolist())
        slowest = max(slowest, time.monotonic() - began)
        answers.append(body if status == 200 else None)

    until, under_way, at = time.monotonic() + seconds, [], 0
    while time.monotonic() < until:
        under_way.append(asyncio.create_task(one(at)))
        at += 1
        await asyncio.sleep(1 / rate)
    await asyncio.gather(*under_way)
    good = [one for one in answers if one is not None]
    fallback = sum(one["role"] == "fallback" for one in good)
    return Told(asked=len(answers), answered=len(good), fallback=fallback, slowest_s=slowest)


def post(port: int, model: str, row: list[float]) -> tuple[int, dict[str, Any]]:
    body = json.dumps({"features": dict(zip("abc", row, strict=True))}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/models/{model}:predict", data=body)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status), json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, {}
    except OSError:
        return 0, {}


def until(done: Any, seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        threading.Event().wait(0.1)
    return True


def incident_seen(project: Project, port: int, number: int) -> str:
    """Where an incident that names the version is seen."""
    name, table = f"demand@{number}", project.folder / "incidents.csv"

    def told() -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/incidents", timeout=30) as answer:
            return [one for one in json.loads(answer.read())["incidents"] if one["subject"] == name]

    if not until(told, 20.0):
        return "none"
    words = [str(Path(sys.executable).parent / "finalmile"), "export", "incidents", str(table)]
    subprocess.run([*words, "--project", str(project.folder)], check=True, capture_output=True)
    with table.open(newline="") as rows:
        kept = any(name in row.values() for row in csv.DictReader(rows))
    state = project.ledger.version("demand", number).state
    return (
        f"{'API and export' if kept else 'API alone'}, {'quarantined' if state == 'quarantined' else 'left in place'}"
    )


def tried(project: Project, folder: Path, port: int, name: str, asked: argparse.Namespace) -> Row:
    number, trigger = poisoned(project, folder, name)
    if not until(lambda: post(port, "demand", [1.0, 1.0, 1.0])[1].get("version") == number):
        raise RuntimeError(f"demand@{number} never answered")
    clients = {model: load(port, model, asked) for model in ("inline", "own")}
    trigger.touch()
    told = asyncio.run(ask(port, 1.0 + asked.windows * asked.window_s, 10.0))
    loaded = {model: Loaded.from_json(json.loads(client.communicate()[0])) for model, client in clients.items()}
    p99 = {model: statistics.median(one.quantile(0.99) for one in told.windows) for model, told in loaded.items()}
    incident = "not due" if name in NO_FAULT else incident_seen(project, port, number)
    trigger.unlink()
    if name in NO_FAULT:
        project.rollback("demand", why="benchmark")
    failed = sum(one.failed for one in loaded.values())
    return Row(poison=name, told=told, p99=p99, errors=failed, incident=incident)


def shown(row: Row, allowed: dict[str, float]) -> str:
    told = row.told
    neighbours = "".join(f"{row.p99[model]:7.1f} of {allowed[model]:6.1f}" for model in ("inline", "own"))
    answered = f"{told.answered:4d} of {told.asked:4d}, {told.slowest_s:4.1f} s {told.fallback:6d}"
    return f"{row.poison:14s} {answered} {neighbours} {row.errors:6d}  {row.incident}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="poisons, with commas between")
    parser.add_argument("--rate", type=float, default=100.0, help="requests a second of each neighbour")
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--window-s", type=float, default=3.0)
    asked = parser.parse_args()
    names = [name for name in POISONS if name in (QUIET, *asked.only.split(",")) or not asked.only]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        project = Project.init(folder / "shop")
        register(project, folder)
        certificates = {model: certified(project, model, asked) for model in ("inline", "own")}
        allowed = {model: float(one.intervals["p99"][2]) for model, one in certificates.items()}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        words = [str(Path(sys.executable).parent / "finalmile"), "serve", "--project", str(project.folder)]
        endpoint = subprocess.Popen([*words, "--port", str(port)], stderr=subprocess.DEVNULL)
        try:
            until(lambda: post(port, "own", [1.0, 1.0, 1.0])[0] == 200)
            print(
                "poison          answered, slowest fallback   inline p99      own p99, ms  failed  incident", flush=True
            )
            rows: list[Row] = []
            for name in names:
                rows.append(tried(project, folder, port, name, asked))
                print(shown(rows[-1], allowed), flush=True)
        finally:
            endpoint.terminate()
            endpoint.wait(60)
    return judged(rows, allowed)


def judged(rows: list[Row], allowed: dict[str, float]) -> int:
    calm = {model for model in allowed if rows[0].p99[model] <= allowed[model]}
    bad = [row.poison for row in rows if row.told.answered < row.told.asked or row.errors]
    slow = [f"{row.poison}: {model}" for row in rows for model in calm if row.p99[model] > allowed[model]]
    quiet = [row.poison for row in rows if row.poison not in NO_FAULT and not row.incident.startswith("API and")]
    told = {"unanswered": bad, "outside_certificate": slow, "without_incident": quiet, "judged": sorted(calm)}
    print(json.dumps(told))
    return 1 if bad or slow or quiet else 0


if __name__ == "__main__":
    sys.exit(main())
