"""A disk that fills up under a command: it says so and leaves with 3; with room again the same command works."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from finalmile.cli.app import app
from finalmile.project import Project
from finalmile.workflows.logbook import FORECASTS

BEGIN, HISTORY, SERIES = date(2023, 1, 2), 80, 40
DISK_MB = 12
SETTINGS = """
models: {demand: {forecaster: window_average, horizon_days: 14}}
assume: {lead_time_days: [2, 6]}
plan: {review_period_days: 1}
"""


def sales(first: int, last: int) -> pl.DataFrame:
    units = np.random.default_rng(first).poisson(6, size=(SERIES, last - first)).astype(np.float64)
    return pl.DataFrame(
        {
            "unique_id": np.repeat([f"item {one}" for one in range(SERIES)], last - first),
            "ds": [BEGIN + timedelta(days=day) for day in range(first, last)] * SERIES,
            "y": units.ravel(),
            "price": 2.0,
        }
    )


@pytest.fixture
def project(small_disk: Path) -> Project:
    """A project on the small disk with a live version and a stock count."""
    folder = small_disk / "shop"
    folder.mkdir()
    (folder / "finalmile.yaml").write_text(SETTINGS)
    project = Project.open(folder)
    project.sales.add(sales(0, HISTORY))
    counts = {"unique_id": [f"item {one}" for one in range(SERIES)], "at": BEGIN + timedelta(days=HISTORY - 1)}
    project.stock.add(pl.DataFrame({**counts, "on_hand": 10.0}))
    project.train()
    project.promote(force=True)
    project.sales.add(sales(HISTORY, HISTORY + 1))
    return project


def fill(folder: Path) -> Path:
    """Take all the room that is left."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return filler
    return filler


def call(project: Project, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--project", str(project.folder)])


def held(folder: Path) -> dict[str, object]:
    """Everything that a command may add to."""
    project = Project.open(folder)
    return {
        "sales": project.sales.read().height,
        "versions": [version.number for version in project.ledger.versions()],
        "artefacts": sorted(path.name for path in (folder / "artefacts").iterdir()),
        "orders": [(line.line_id, line.state) for line in project.ledger.orders()],
        "forecasts": project.lake.scan(FORECASTS).collect().height,
        "findings": len(project.ledger.findings("demand")),
        "faults": project.doctor().faults,
    }


@pytest.mark.parametrize("verb", ["ingest", "train", "run"])
def test_a_full_disk_stops_a_command_in_words_and_it_works_once_there_is_room(
    tmp_path: Path, small_disk: Path, project: Project, verb: str
):
    file = tmp_path / "day.csv"
    sales(HISTORY + 1, HISTORY + 30).write_csv(file)
    words = (verb, "sales", str(file)) if verb == "ingest" else (verb,)
    before = held(project.folder)
    filler = fill(small_disk)
    refused = call(project, *words)
    assert refused.exit_code == 3, refused.output
    assert "space" in refused.stderr
    assert "Traceback" not in refused.stderr
    filler.unlink()
    assert held(project.folder) == before
    assert before["faults"] == ()
    done = call(project, *words)
    assert done.exit_code == 0, done.output
    after = held(project.folder)
    assert after["faults"] == ()
    assert after != before
