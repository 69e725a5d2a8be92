"""Starts a worker of finalmile with the benchmark's model: `python _serving_ours.py PORT MODEL SCRATCH ...`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

PRODUCTS = 30_490


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("model", type=Path)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--durable", choices=("yes", "no"), default="yes")
    parser.add_argument("--looked-up", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.scratch, prefix="ours-") as folder:
        post(Path(folder), asked.model, looked_up=asked.looked_up)
        serve(Path(folder), asked.port, durable=asked.durable, workers=asked.workers)


def post(folder: Path, model: Path, *, looked_up: bool) -> None:
    """The model as it is registered, a table of features where they are looked up, and the board."""
    from finalmile.serving.board import Board, Route, Served
    from finalmile.serving.online import About, OnlineTable

    rows = json.loads((model / "rows.json").read_text())
    names = [f"f{at:02d}" for at in range(len(rows[0]))]
    artefact = folder / "artefact"
    (artefact / "files").mkdir(parents=True)
    (artefact / "files" / "model.txt").symlink_to((model / "model.txt").resolve())
    signature = {"features": [{"name": name} for name in names], "outputs": ["mean"]}
    told = {
        "loader": "lightgbm", "settings": {}, "takes": "rows", "signature": signature, "made_by": None,
        "golden": {"rows": [], "answers": []}, "trust": False, "isolated": False, "code": {}, "secrets": [],
    }  # fmt: skip
    (artefact / "serving.json").write_text(json.dumps(told))
    table = None
    if looked_up:
        values = np.random.default_rng(11).normal(size=(PRODUCTS, len(names)))
        values[[at * 119 for at in range(len(rows))]] = rows
        about = About(model="demand", number=1, cutoff="2026-01-04", kind="features", frequency="D", names=tuple(names))
        ids = [f"product {at:05d}" for at in range(PRODUCTS)]
        table = folder / "2026-01-04"
        OnlineTable(about=about, ids=ids, arrays={"values": values}).write(table)
    served = Served(
        model="demand", number=1, kind="lightgbm", digest="0" * 64, folder=str(artefact),
        table=None if table is None else str(table),
    )  # fmt: skip
    Board(epoch=1, versions=(served,), routes=(Route(model="demand", live=1),)).write(folder)


def serve(folder: Path, port: int, *, durable: str, workers: int) -> None:
    with socket.create_server(("127.0.0.1", port), backlog=4096) as listening:
        reading, writing = os.pipe()
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "finalmile.web.worker", "--folder", str(folder), "--slot", str(slot),
                 "--listening", str(listening.fileno()), "--parent", str(reading), "--durable", durable],
                pass_fds=(listening.fileno(), reading),
            )
            for slot in range(workers)
        ]  # fmt: skip
        os.close(reading)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
        os.close(writing)
        for one in started:
            one.terminate()
        for one in started:
            one.wait(20)


if __name__ == "__main__":
    main()
