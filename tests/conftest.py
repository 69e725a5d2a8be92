"""What every test may ask for."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

ROOT = Path(__file__).parents[1]

# As the product sets it, for tests that read in LightGBM themselves: threads that wait for others do not spin.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# What tests write stays in memory where there is plenty: many wait for the disk most of their time, and none of them
# shows what outlives a power cut.
MEMORY, ROOM = Path("/dev/shm"), 4 * 2**30
if (
    os.access(MEMORY, os.W_OK)
    and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
    and shutil.disk_usage(MEMORY).free > ROOM
):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

# The same examples every time: `make test` has one verdict. `make proof` looks for new ones.
settings.register_profile("everyday", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=500, deadline=None)
settings.load_profile("everyday")
_constants_of_modules = providers._get_local_constants


def _constants() -> providers.Constants:
    """None every day: Hypothesis tries those of all modules that are read in by then, so tests before would choose."""
    return _constants_of_modules() if settings().derandomize is False else providers.Constants()


providers._get_local_constants = _constants


# Folders whose files take long, one by one.
LONG = ("e2e", "faults", "security", "integration", "property", "vectors", "unit/workflows")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with files that take long: all processes would wait for one that began last."""
    folders = tuple(f"{ROOT / 'tests' / one}{os.sep}" for one in LONG)
    items.sort(key=lambda item: not str(item.path).startswith(folders))


@pytest.fixture(autouse=True)
def _no_project_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test works on whatever project the person running it has open."""
    monkeypatch.delenv("FINALMILE_PROJECT", raising=False)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with real data; skips where there is none."""
    folder = os.environ.get("FINALMILE_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real data: set FINALMILE_DATA to the folder that holds m5_sales.parquet")
    return Path(folder)


@dataclass
class Endpoint:
    """``finalmile serve`` on a project, as a user starts it."""

    folder: Path
    port: int
    words: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, again where a dead one still holds the port, and wait until it is ready."""
        command = [str(Path(sys.executable).parent / "finalmile"), "serve", "--project", str(self.folder)]
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.process is None or self.process.poll() is not None:
                words = [*command, "--port", str(self.port), *self.words]
                with self.said.open("ab") as said:
                    self.process = subprocess.Popen(words, stderr=said)
            if self._ready():
                return
            threading.Event().wait(0.05)
        raise AssertionError(f"the endpoint was not ready within a minute: {self.said.read_text()[-2000:]}")

    @property
    def said(self) -> Path:
        """What it wrote to its standard error."""
        return self.folder / "said"

    def pids(self) -> dict[str, Any]:
        """Ids of its supervisor, workers and manager."""
        told: dict[str, Any] = json.loads((self.folder / "serving" / "serve.json").read_text())
        return told

    def stop(self) -> None:
        """End it as a user does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                return self.process is not None and self.pids()["pid"] == self.process.pid
        except (OSError, ValueError):
            return False


@pytest.fixture
def served(tmp_path: Path, a_project: Path) -> Iterator[Callable[..., Endpoint]]:
    """Serves a copy of a project with the tiny model ``demand`` live; further words go to ``finalmile serve``."""
    running: list[Endpoint] = []

    def begin(*words: str, project: Path = a_project) -> Endpoint:
        folder = tmp_path / f"served-{len(running)}"
        shutil.copytree(project, folder)
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
        running.append(Endpoint(folder, port, words))
        running[-1].start()
        return running[-1]

    yield begin
    for endpoint in running:
        endpoint.stop()


@pytest.fixture(scope="session")
def a_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which a small LightGBM model of the features a, b and c is live as ``demand``."""
    import lightgbm
    import numpy as np

    from finalmile.project import Project

    folder = tmp_path_factory.mktemp("served")
    rows = np.abs(np.random.default_rng(0).normal(size=(200, 3)))
    learned = lightgbm.train(
        {"objective": "regression", "num_leaves": 4, "verbose": -1, "num_threads": 1},
        lightgbm.Dataset(rows, rows.sum(axis=1), feature_name=["a", "b", "c"]),
        num_boost_round=10,
    )
    learned.save_model(folder / "model.txt")
    project = Project.init(folder / "shop")
    features = {"features": [{"name": name} for name in "abc"], "golden": {"rows": rows[:8].tolist()}}
    answers = np.asarray(learned.predict(rows[:8])).reshape(-1, 1)
    features["golden"] = {"rows": rows[:8].tolist(), "answers": answers.tolist()}
    project.register("demand", "lightgbm", path=folder / "model.txt", features=features)
    project.promote("demand", force=True, why="a test")
    return folder / "shop"
