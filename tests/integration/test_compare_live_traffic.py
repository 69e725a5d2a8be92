"""Two versions compared on traffic that an endpoint answered: split between them, or scored again beside the answer."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import httpx
import lightgbm
import numpy as np
import polars as pl
import pytest

from finalmile.project import Project

BEGIN, SERIES, LEARNED, ASKED, LAST = date(2023, 1, 2), 60, 70, 72, 92
LEVELS = np.linspace(4, 20, SERIES)


def day(number: int) -> date:
    return BEGIN + timedelta(days=number)


def sales(first: int, last: int) -> pl.DataFrame:
    cells = [(one, at) for one in range(SERIES) for at in range(first, last)]
    return pl.DataFrame(
        {
            "unique_id": [f"item {one}" for one, _ in cells],
            "ds": [day(at) for _, at in cells],
            "y": [float(np.random.default_rng(cell).poisson(LEVELS[cell[0]])) for cell in cells],
            "price": 2.0,
        }
    )


def text(path: Path, times: float) -> Path:
    """Trees that answer so many times the level that they are told."""
    levels = np.random.default_rng(0).uniform(3, 21, (2000, 1))
    data = lightgbm.Dataset(levels, label=times * levels[:, 0], feature_name=["level"])
    lightgbm.train({"verbosity": -1, "num_threads": 1, "learning_rate": 0.3}, data, 40).save_model(path)
    return path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The live version says half too much, the second one what is right."""
    project = Project.init(tmp_path / "shop")
    project.sales.add(sales(0, LEARNED + 1))
    for name, times in (("high", 1.5), ("right", 1.0)):
        project.register(
            "demand",
            "lightgbm",
            path=text(tmp_path / f"{name}.txt", times),
            features={"features": ["level"]},
            trained_until=day(LEARNED),
        )
    project.promote("demand", 1, force=True)
    return project


def until(found: Callable[[], bool], seconds: float = 30.0) -> None:
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        if found():
            return
        time.sleep(0.02)
    raise AssertionError(f"not so within {seconds} s")


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


@contextmanager
def served(project: Project) -> Iterator[httpx.Client]:
    words = ["--project", str(project.folder), "--port", "0", "--grace", "0.5"]
    process = subprocess.Popen([sys.executable, "-m", "finalmile.web.supervisor", *words], stderr=subprocess.DEVNULL)
    told = project.folder / "serving" / "serve.json"
    try:
        until(told.exists)
        with httpx.Client(base_url=f"http://127.0.0.1:{json.loads(told.read_text())['port']}", timeout=30) as client:
            until(lambda: _ready(client))
            yield client
    finally:
        process.terminate()
        process.wait(20)


def ask(client: httpx.Client) -> set[int]:
    """Every product of every day; the versions that answered."""
    versions: set[int] = set()
    for at in range(ASKED, LAST):
        records = [
            {"unique_id": f"item {one}", "features": {"level": LEVELS[one]}, "ds": day(at).isoformat()}
            for one in range(SERIES)
        ]
        answer = client.post("/v1/models/demand:predict", json={"instances": records})
        assert answer.status_code == 200, answer.text
        versions |= {one["version"] for one in answer.json()["predictions"]}
    return versions


def test_versions_that_share_the_traffic_are_compared_by_what_each_answered(project: Project):
    project.set_route("demand", arms={2: 0.5})
    with served(project) as client:
        assert ask(client) == {1, 2}
    project.seal()
    project.sales.add(sales(LEARNED + 1, LAST))
    told = project.compare("demand")
    assert (told.terms.source, told.decision, told.challenger) == ("arms", "win", 2)
    assert told.verdict.gain == pytest.approx(0.77, abs=0.15)
    assert "errors are 5" in told.finding.why
    assert project.set_route("demand", arms={2: 0.9}).rule.beside[0].share == 0.9


def test_a_shadow_is_compared_on_the_requests_that_the_live_version_answered(project: Project):
    project.set_route("demand", shadow=2)
    with served(project) as client:
        assert ask(client) == {1}
    project.seal()
    project.rescore("demand")
    project.sales.add(sales(LEARNED + 1, LAST))
    told = project.compare("demand")
    assert (told.terms.source, told.decision, told.challenger) == ("shadow", "win", 2)
    assert told.verdict.looks == LAST - ASKED
    assert told.verdict.gain == pytest.approx(0.77, abs=0.15)
