"""Requests a second, and processor time of a request, of one model behind several servers. One JSON line a server.

    python benchmarks/serving.py --install-peers --scratch FOLDER
    python benchmarks/serving.py --scratch FOLDER --servers floor,"ours durable",mlserver --seconds 5 --rounds 3

One LightGBM model (500 trees, 31 leaves, 30 features, Poisson), 256 rows that differ, one row a request as JSON, one
worker process each, no access logs anywhere. ``ours`` validates, counts and, ``durable``, answers after the prediction
is on disk; ``looked up`` reads the features of one of 30,490 products; peers log nothing; the floor neither validates
nor logs. Every round starts each server afresh, in an order that turns from round to round, so that whatever else the
machine does meets all of them; only the one that is measured runs. Before it counts, a server must own its port and
answer as LightGBM does.

The client is wrk with one thread where it is installed, else the product's own closed-loop client. Both share the
machine with the server; ``cpu_us`` is the server's processor time alone, of all its processes, for one request.

Ratios are formed within a round and told as their median with the lowest and highest.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from _serving_servers import PACKAGES, PEERS, Server, install, installed, servers

from finalmile.adapters.local import processes

OURS = ("ours durable", "ours not durable", "ours looked up")
ASKED_OF_PEERS, ASKED_DURABLE, ASKED_FAST, ASKED_LOOKED_UP = 5.0, 0.40, 0.60, 1 / 3


def main() -> None:
    asked = arguments()
    scratch: Path = asked.scratch
    scratch.mkdir(parents=True, exist_ok=True)
    model = scratch / "model"
    if not (model / "answers.json").exists():
        subprocess.run([sys.executable, str(PEERS / "rows.py"), str(model)], check=True)
    if asked.install_peers:
        for name in PACKAGES:
            print(f"installing {name}", file=sys.stderr)
            install(name, scratch)
    known = servers(scratch, model, bare=asked.bare_worker)
    chosen = [name for name in known if name not in PACKAGES or installed(name, scratch)]
    if asked.servers:
        chosen = [name.strip() for name in asked.servers.split(",")]
    rows = json.loads((model / "rows.json").read_text())
    answers = json.loads((model / "answers.json").read_text())
    runs: list[dict[str, Any]] = []
    for at in range(asked.rounds):
        turned = chosen[at % len(chosen) :] + chosen[: at % len(chosen)]
        for name in turned:
            runs += [{"round": at, **run} for run in measured(known[name], rows, answers, asked)]
    for name in chosen:
        print(json.dumps(told_of(name, [run for run in runs if run["server"] == name])))
    print(json.dumps(ratios(runs, asked.connections)))


def measured(server: Server, rows: list[list[float]], answers: list[float], asked: argparse.Namespace) -> list[dict]:
    """One start of a server, loaded with each number of connections."""
    bodies = server.bodies(rows)
    try:
        with started(server, bodies[0], within_s=asked.start_s) as (process, port, cold_s):
            settle(process.pid)
            check(server, port, bodies, answers, process.pid)
            found = []
            for connections in asked.connections:
                load(server, port, bodies, connections, seconds=asked.warm_s)
                before = processes.cpu_s(processes.family(process.pid))
                machine_before, began = processes.machine_cpu_s(), time.perf_counter()
                done = load(server, port, bodies, connections, seconds=asked.seconds)
                spent = time.perf_counter() - began
                family = processes.family(process.pid)
                cpu = (processes.cpu_s(family) or 0) - (before or 0)
                every = (processes.machine_cpu_s() or 0) - (machine_before or 0)
                found.append({
                    "server": server.name, "connections": connections, "cold_start_s": round(cold_s, 3),
                    "rps": round(done["requests"] / done["seconds"], 1), "errors": done["errors"],
                    "cpu_us": round(cpu / done["requests"] * 1e6, 1) if done["requests"] else None,
                    "pss_mb": round(processes.memory_mb(family) or 0, 1),
                    "others_share": round(max(0.0, every - cpu - done["cpu_s"]) / spent / (os.cpu_count() or 1), 3),
                })  # fmt: skip
                print(json.dumps(found[-1]), file=sys.stderr)
            return found
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f"{server.name}: {error}", file=sys.stderr)
        return [{"server": server.name, "failed": str(error)[:500]}]


def settle(pid: int, *, most_s: float = 15.0) -> None:
    """Wait until a server that answers already has done the rest of its start: a tenth of a core, or some seconds."""
    until, before = time.perf_counter() + most_s, processes.cpu_s(processes.family(pid)) or 0.0
    while time.perf_counter() < until:
        time.sleep(1.0)
        now = processes.cpu_s(processes.family(pid)) or 0.0
        if now - before < 0.1:
            return
        before = now


@contextmanager
def started(server: Server, body: str, *, within_s: float) -> Generator[tuple[subprocess.Popen, int, float]]:
    port = free_port()
    words = server.words(port)
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            words,
            env=server.environment, cwd=server.folder, stdin=subprocess.DEVNULL, stdout=said,
            stderr=said, start_new_session=True,
        )  # fmt: skip
        family: set[int] = set()
        try:
            while True:
                if process.poll() is not None or time.perf_counter() - began > within_s:
                    said.seek(0)
                    tail = said.read()[-400:].decode(errors="replace")
                    raise RuntimeError(f"did not answer within {within_s:g} s: {tail}")
                with suppress(OSError, urllib.error.URLError):
                    ask(server, port, body)
                    break
                time.sleep(0.01)
            cold_s = time.perf_counter() - began
            family = processes.family(process.pid)
            yield process, port, cold_s
        finally:
            end(process, family | processes.family(process.pid))


def end(process: subprocess.Popen, family: set[int]) -> None:
    """End what was started, and whatever it leaves behind."""
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(15)
    for pid in family:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(15)


def check(server: Server, port: int, bodies: list[str], answers: list[float], pid: int) -> None:
    owners = processes.owners(port)
    if not owners or not owners <= processes.family(pid):
        raise RuntimeError(f"port {port} belongs to processes {sorted(owners)}, not to this server")
    for at in (0, 1, 100, 255):
        told = server.read(ask(server, port, bodies[at]))
        if abs(told - answers[at]) > 1e-6 * max(1.0, abs(answers[at])):
            raise RuntimeError(f"row {at}: it answers {told}, LightGBM {answers[at]}")


def ask(server: Server, port: int, body: str) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{server.path}", body.encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def load(server: Server, port: int, bodies: list[str], connections: int, *, seconds: float) -> dict[str, Any]:
    return (by_wrk if shutil.which("wrk") else by_own_client)(server, port, bodies, connections, seconds)


def by_wrk(server: Server, port: int, bodies: list[str], connections: int, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bodies").write_text("\n".join(bodies))
        Path(folder, "post.lua").write_text(POST.replace("BODIES", str(Path(folder, "bodies"))))
        before = os.times()
        words = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(Path(folder, "post.lua"))]
        done = subprocess.run(
            [*words, f"http://127.0.0.1:{port}{server.path}"], capture_output=True, text=True, timeout=seconds + 60,
            check=True,
        )  # fmt: skip
        after = os.times()
    requests, micros, *errors = (int(word) for word in re.search(r"TOLD ([\d ]+)", done.stdout)[1].split())  # type: ignore[index]
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"requests": requests - errors[-1], "seconds": micros / 1e6, "errors": sum(errors), "cpu_s": cpu}


POST = """
local bodies, at = {}, 0
for line in io.lines("BODIES") do bodies[#bodies + 1] = line end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local made = {}
function init(args) for i = 1, #bodies do made[i] = wrk.format(nil, nil, nil, bodies[i]) end end
function request() at = at % #made + 1; return made[at] end
function done(summary, latency, requests)
  local e = summary.errors
  print("TOLD " .. summary.requests .. " " .. summary.duration .. " " .. e.connect .. " " .. e.read .. " " .. e.write
    .. " " .. e.timeout .. " " .. e.status)
end
"""


def by_own_client(server: Server, port: int, bodies: list[str], connections: int, seconds: float) -> dict[str, Any]:
    from finalmile.adapters.local.private_endpoint import run_load
    from finalmile.serving.load_plan import Loaded, Plan

    plan = Plan(
        port=port, path=server.path, bodies=tuple(bodies), rate=None, connections=connections, windows=1,
        window_s=seconds, warm_s=0.2, timeout_s=30,
    )  # fmt: skip
    done = Loaded.from_json(run_load(plan.to_json(), span_s=plan.span_s))
    window = done.windows[0]
    cpu = done.client_share * plan.span_s
    return {"requests": window.latencies.total, "seconds": seconds, "errors": done.failed, "cpu_s": cpu}


def told_of(name: str, runs: list[dict]) -> dict[str, Any]:
    """Medians over the rounds, for each number of connections."""
    good = [run for run in runs if "rps" in run]
    told: dict[str, Any] = {"server": name, "rounds": len({run["round"] for run in good})}
    failed = [run["failed"] for run in runs if "failed" in run]
    if failed:
        told["failed"] = failed[-1]
    for connections in sorted({run["connections"] for run in good}):
        mine = [run for run in good if run["connections"] == connections]
        told |= {f"{what}_c{connections}": median(mine, what) for what in ("rps", "cpu_us")}
        told[f"errors_c{connections}"] = sum(run["errors"] for run in mine)
    if good:
        told |= {what: median(good, what) for what in ("cold_start_s", "pss_mb", "others_share")}
    return told


def median(runs: list[dict], what: str) -> float:
    return round(statistics.median(run[what] for run in runs), 3)


def ratios(runs: list[dict], connections: list[int]) -> dict[str, Any]:
    """Ours over the best peer and over the floor, and looked up over given, within each round."""
    told: dict[str, Any] = {"server": "ratios"}
    for count in connections:
        by_round: dict[int, dict[str, float]] = {}
        for run in runs:
            if run.get("connections") == count:
                by_round.setdefault(run["round"], {})[run["server"]] = run["rps"]
        peers = [max((rps for name, rps in one.items() if name in PACKAGES), default=0) for one in by_round.values()]
        pairs = {
            "durable over best peer": (ASKED_OF_PEERS, "ours durable", peers),
            "durable over floor": (ASKED_DURABLE, "ours durable", [one.get("floor") for one in by_round.values()]),
            "not durable over floor": (ASKED_FAST, "ours not durable", [one.get("floor") for one in by_round.values()]),
            "looked up over given": (
                ASKED_LOOKED_UP, "ours looked up", [one.get("ours durable") for one in by_round.values()]
            ),
        }  # fmt: skip
        for what, (least, name, below) in pairs.items():
            found = [
                one[name] / base for one, base in zip(by_round.values(), below, strict=True) if name in one and base
            ]
            if found:
                told[f"{what} c{count}"] = {
                    "median": round(statistics.median(found), 3), "low": round(min(found), 3),
                    "high": round(max(found), 3), "asked": round(least, 3), "holds": statistics.median(found) >= least,
                }  # fmt: skip
    told["client"] = "wrk" if shutil.which("wrk") else "own"
    told["machine"] = processes.machine()
    return told


def free_port() -> int:
    """A port with two free ones after it, for a server that needs three."""
    while True:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
        with suppress(OSError, OverflowError), socket.socket() as second, socket.socket() as third:
            second.bind(("127.0.0.1", port + 1))
            third.bind(("127.0.0.1", port + 2))
            return port


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--scratch", type=Path, default=Path(tempfile.gettempdir()) / "finalmile-serving",
        help="folder for the model and the peers' environments; kept",
    )  # fmt: skip
    parser.add_argument("--install-peers", action="store_true", help="make an environment for each peer first")
    parser.add_argument("--servers", help="only these, by comma: " + ", ".join(("floor", *OURS, *PACKAGES)))
    parser.add_argument("--bare-worker", action="store_true", help="ours without its supervisor and manager")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--warm-s", type=float, default=1.0)
    parser.add_argument("--start-s", type=float, default=90.0, help="how long a server may take to start")
    parser.add_argument("--connections", type=lambda text: [int(one) for one in text.split(",")], default=[16, 64])
    return parser.parse_args()


if __name__ == "__main__":
    main()
