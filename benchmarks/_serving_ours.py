"""A project with the benchmark's model live, and one worker alone on it, for benchmarks/serving.py.

`python _serving_ours.py make FOLDER MODEL [--looked-up]`, `python _serving_ours.py board FOLDER`,
`python _serving_ours.py worker FOLDER PORT --durable yes`.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
from pathlib import Path

PRODUCTS = 30_490
CUTOFF = "2026-01-04"


def make(folder: Path, model: Path, *, looked_up: bool) -> None:
    """Register the model, make it live, put the features of every product beside it, and write the board."""
    import numpy as np

    from finalmile.project import Project
    from finalmile.serving.online import About, OnlineTable
    from finalmile.workflows.endpoint import SERVING, TABLES

    rows = json.loads((model / "rows.json").read_text())
    answers = json.loads((model / "answers.json").read_text())
    names = [f"f{at:02d}" for at in range(len(rows[0]))]
    declared = {
        "features": [{"name": name} for name in names],
        "golden": {"rows": rows[:64], "answers": [[answer] for answer in answers[:64]]},
    }
    project = Project.open(folder)
    project.register("demand", "lightgbm", path=model / "model.txt", features=declared)
    project.promote("demand", force=True, why="benchmark")
    serving = folder / SERVING
    if looked_up:
        values = np.random.default_rng(11).normal(size=(PRODUCTS, len(names)))
        values[[at * 119 for at in range(len(rows))]] = rows
        about = About(model="demand", number=1, cutoff=CUTOFF, kind="features", frequency="day", names=tuple(names))
        ids = [f"product {at:05d}" for at in range(PRODUCTS)]
        OnlineTable(about=about, ids=ids, arrays={"values": values}).write(serving / TABLES / "demand" / "1" / CUTOFF)
    serving.mkdir(exist_ok=True)
    board(folder)


def board(folder: Path) -> None:
    """Write down for workers what is live in a project, as its manager would."""
    from finalmile.project import Project
    from finalmile.workflows.endpoint import SERVING, post

    project = Project.open(folder)
    post(project.ledger, project.artefacts, folder / SERVING, now=project.clock.now()).board.write(folder / SERVING)


def worker(folder: Path, port: int, *, durable: str) -> None:
    """Become one worker behind its own listening socket."""
    listening = socket.create_server(("127.0.0.1", port), backlog=4096)
    listening.set_inheritable(True)
    words = ["--folder", str(folder / "serving"), "--slot", "0", "--listening", str(listening.fileno())]
    os.execv(sys.executable, [sys.executable, "-m", "finalmile.web.worker", *words, "--durable", durable])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    making, posting, working = (verbs.add_parser(verb) for verb in ("make", "board", "worker"))
    for one in (making, posting, working):
        one.add_argument("folder", type=Path)
    making.add_argument("model", type=Path)
    making.add_argument("--looked-up", action="store_true")
    working.add_argument("port", type=int)
    working.add_argument("--durable", choices=("yes", "no"), default="yes")
    asked = parser.parse_args()
    if asked.verb == "make":
        make(asked.folder, asked.model, looked_up=asked.looked_up)
    elif asked.verb == "board":
        board(asked.folder)
    else:
        worker(asked.folder, asked.port, durable=asked.durable)


if __name__ == "__main__":
    main()
