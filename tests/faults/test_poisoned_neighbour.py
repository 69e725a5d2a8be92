"""A live version turns bad behind a real endpoint: callers are answered, neighbours feel nothing, somebody is told."""

from __future__ import annotations

import json
import shutil
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from finalmile.project import Project
from finalmile.serving.counters import read_all, together

CODE = """
import os
def fn(x):
    while os.path.exists({trigger!r}):
        {body}
    return x[:, 0]
"""


def _post(port: int, model: str, names: str) -> tuple[dict[str, Any], float]:
    """The answer and the seconds it took; raises where there is none."""
    body = json.dumps({"features": dict.fromkeys(names, 1.0)}).encode()
    began = time.monotonic()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/models/{model}:predict", data=body)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read()), time.monotonic() - began


def _until(done: Callable[[], Any]) -> Any:
    end = time.monotonic() + 60
    while not (told := done()):
        assert time.monotonic() < end, "it never came to pass"
        threading.Event().wait(0.05)
    return told


def _register(project: Project, folder: Path, body: str) -> None:
    code = folder / f"sick_{len(project.ledger.versions('sick'))}.py"
    code.write_text(CODE.format(trigger=str(folder / "turned"), body=body))
    features = {"features": [{"name": "a"}], "golden": {"rows": [[1.0]], "answers": [[1.0]]}}
    project.register("sick", "callable", path=code, function=f"{code.stem}:fn", features=features)
    project.promote("sick", force=True, why="a test")


@pytest.mark.slow
@pytest.mark.parametrize("body", ["pass", pytest.param("os._exit(1)", marks=pytest.mark.proof)])
def test_a_version_that_turns_bad_harms_no_neighbour_and_opens_an_incident_that_names_it(
    served: Any, a_project: Path, tmp_path: Path, body: str
) -> None:
    shop = shutil.copytree(a_project, tmp_path / "shop")
    project = Project.open(shop, create=False)
    for one in ("break", body):
        _register(project, tmp_path, one)
    endpoint = served(project=shop)
    _until(lambda: _post(endpoint.port, "sick", "a")[0]["version"] == 2)
    _until(lambda: together(read_all(endpoint.folder / "serving").values()).gauges["epoch"])  # the stable one is loaded
    (tmp_path / "turned").touch()
    sick: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: sick.extend(_post(endpoint.port, "sick", "a")[0] for _ in range(6)))
    asking.start()
    beside = [_post(endpoint.port, "demand", "abc") for _ in range(200)]
    asking.join()
    assert {one["version"] for one in sick} <= {1, 2}
    assert [one["version"] for one in sick].count(1) >= 3
    assert {one["version"] for one, _ in beside} == {1}
    assert sorted(seconds for _, seconds in beside)[197] < 0.5  # a neighbour that waited would have waited for 2 s
    _assert_told(endpoint)


def _assert_told(endpoint: Any) -> None:
    def incidents() -> list[dict[str, Any]]:
        _post(endpoint.port, "sick", "a")  # while it is started again nobody strikes: it takes more than three
        with urllib.request.urlopen(f"http://127.0.0.1:{endpoint.port}/v1/incidents", timeout=30) as answer:
            return [one for one in json.loads(answer.read())["incidents"] if one["subject"] == "sick@2"]

    (incident,) = _until(incidents)
    assert incident["model"] == "sick"
    project = Project.open(endpoint.folder, create=False)
    project.export("incidents", endpoint.folder / "incidents.parquet", "parquet")
    table = pl.read_parquet(endpoint.folder / "incidents.parquet")
    assert "sick@2" in table["subject"].to_list()
    _until(lambda: project.ledger.version("sick", 2).state == "quarantined")
    _until(
        lambda: (
            _post(endpoint.port, "sick", "a")[0] | {"prediction_id": ""}
            == {"model": "sick", "prediction_id": "", "version": 1, "role": "live", "mean": 1.0}
        )
    )
