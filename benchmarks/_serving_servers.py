"""The servers of benchmarks/serving.py: how each is installed, started, asked, and what it should answer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PEERS = Path(__file__).parent / "_peers" / "serving"
MODEL = "demand"
Row = list[float]

PACKAGES = {
    "litserve": ["litserve==0.2.19", "lightgbm==4.7.0", "orjson", "numpy"],
    "bentoml": ["bentoml==1.4.39", "lightgbm==4.7.0", "orjson", "numpy"],
    "mlserver": ["mlserver==1.7.1", "mlserver-lightgbm==1.7.1", "uvloop==0.21.0"],
    "mlflow": ["mlflow==3.17.2", "lightgbm==4.7.0", "pandas"],
    "ray": ["ray[serve]==2.60.0", "lightgbm==4.7.0", "orjson", "numpy"],
}
"""What starts together; MLServer 1.7.1 does not start with a newer uvloop."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """One way to answer.

    Parameters
    ----------
    words
        Command line for a port, once everything is prepared.
    body, read
        A request for a row (with its number), and the prediction in an answer.
    """

    name: str
    path: str
    words: Callable[[int], list[str]]
    body: Callable[[int, Row], Any] = lambda _at, row: {"features": row}
    read: Callable[[Any], float] = lambda told: told["mean"]
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None

    def bodies(self, rows: list[Row]) -> list[str]:
        return [json.dumps(self.body(at, row)) for at, row in enumerate(rows)]


def install(name: str, scratch: Path) -> None:
    """An environment of its own for a peer, by uv where it is there, else by pip."""
    home = scratch / name
    if (home / "ok").exists():
        return
    uv = shutil.which("uv")
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    installer = [uv, "pip", "install", "--python", str(python_of(name, scratch))] if uv else [
        str(python_of(name, scratch)), "-m", "pip", "install"
    ]  # fmt: skip
    subprocess.run(["nice", "-n", "19", *installer, "-q", *PACKAGES[name]], check=True, stdout=sys.stderr)
    (home / "ok").touch()


def python_of(name: str, scratch: Path) -> Path:
    return scratch / name / "bin" / "python"


def installed(name: str, scratch: Path) -> bool:
    return (scratch / name / "ok").exists()


def servers(scratch: Path, model: Path, *, bare: bool = False) -> dict[str, Server]:
    """All of them by name."""
    for old in ("ours", "ours-looked-up"):
        shutil.rmtree(scratch / old, ignore_errors=True)
    mine = {**os.environ, "BENCHMARK_MODEL": str(model), "PYTHONPATH": str(PEERS)}
    found = [
        Server(name="floor", path="/predict", environment=mine,
               words=lambda port: [sys.executable, str(PEERS / "floor.py"), str(port)]),
        *(_ours(scratch, model, name, bare=bare) for name in ("ours durable", "ours not durable", "ours looked up")),
        Server(name="litserve", path="/predict", environment=mine,
               words=lambda port: [str(python_of("litserve", scratch)), str(PEERS / "litserve_server.py"), str(port)]),
        Server(name="bentoml", path="/predict", environment={**mine, "BENTOML_DO_NOT_TRACK": "1"}, folder=PEERS,
               words=lambda port: [str(scratch / "bentoml" / "bin" / "bentoml"), "serve", "bentoml_service:Demand",
                                   "--host", "127.0.0.1", "--port", str(port)]),
        Server(name="ray", path="/predict", environment={**mine, "RAY_USAGE_STATS_ENABLED": "0"},
               words=lambda port: [str(python_of("ray", scratch)), str(PEERS / "ray_server.py"), str(port)]),
        _mlflow(scratch, model, mine),
        _mlserver(scratch, model, mine),
    ]  # fmt: skip
    return {one.name: one for one in found}


def _mlflow(scratch: Path, model: Path, mine: dict[str, str]) -> Server:
    """The command of `mlflow models serve --env-manager local`, with uvicorn's access log off."""
    kept = model / "mlflow"
    python = python_of("mlflow", scratch)
    if python.exists() and not kept.exists():
        subprocess.run([python, str(PEERS / "mlflow_model.py"), str(model), str(kept)], check=True, stdout=sys.stderr)
    return Server(
        name="mlflow",
        path="/invocations",
        words=lambda port: [
            str(python), "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
            "--no-access-log", "--log-level", "warning", "mlflow.pyfunc.scoring_server.app:app",
        ],
        environment={**mine, "__pyfunc_model_path__": str(kept), "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": "60"},
        body=lambda _at, row: {"inputs": [row]},
        read=lambda told: told["predictions"][0],
    )  # fmt: skip


def _mlserver(scratch: Path, model: Path, mine: dict[str, str]) -> Server:
    """One process (``parallel_workers`` 0): faster than its default, which starts one beside it."""
    home = model / "mlserver"
    home.mkdir(parents=True, exist_ok=True)
    told = {"name": MODEL, "implementation": "mlserver_lightgbm.LightGBMModel", "parameters": {"uri": "./model.bst"}}
    (home / "model-settings.json").write_text(json.dumps(told))
    shutil.copyfile(model / "model.txt", home / "model.bst")

    def words(port: int) -> list[str]:
        ports = {"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2}
        lean = {"host": "127.0.0.1", "debug": False, "parallel_workers": 0, **ports}
        (home / "settings.json").write_text(json.dumps(lean))
        return [str(scratch / "mlserver" / "bin" / "mlserver"), "start", str(home)]

    return Server(
        name="mlserver", path=f"/v2/models/{MODEL}/infer", environment=mine, words=words,
        body=lambda _at, row: {"inputs": [{"name": "x", "shape": [1, len(row)], "datatype": "FP64", "data": row}]},
        read=lambda told: told["outputs"][0]["data"][0],
    )  # fmt: skip


def _ours(scratch: Path, model: Path, name: str, *, bare: bool) -> Server:
    """finalmile as `finalmile serve` starts it; ``bare``: one of its workers alone, without supervisor and manager."""
    looked_up, durable = name == "ours looked up", "no" if name == "ours not durable" else "yes"
    kept, run = scratch / ("ours-looked-up" if looked_up else "ours"), scratch / "ours-run"
    here = str(Path(__file__).parent / "_serving_ours.py")

    def words(port: int) -> list[str]:
        """Of a project as it was registered, with an empty log."""
        if not kept.exists():
            made = [sys.executable, here, "make", str(kept), str(model), *(["--looked-up"] if looked_up else [])]
            subprocess.run(made, check=True, stdout=sys.stderr)
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(kept, run)
        if bare:
            subprocess.run([sys.executable, here, "board", str(run)], check=True, stdout=sys.stderr)
            return [sys.executable, here, "worker", str(run), str(port), "--durable", durable]
        return [sys.executable, "-m", "finalmile.web.supervisor", "--project", str(run), "--port", str(port),
                "--workers", "1", "--durable", durable]  # fmt: skip

    def body(at: int, row: Row) -> Any:
        return {"unique_id": f"product {at * 119:05d}"} if looked_up else {"features": row}

    return Server(name=name, path=f"/v1/models/{MODEL}:predict", environment=dict(os.environ), body=body, words=words)
