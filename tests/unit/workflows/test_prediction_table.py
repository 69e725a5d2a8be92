"""The prediction log of a project: read, sealed, exported, looked after."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import polars as pl
import pytest

from finalmile.adapters.local.tail_file import TailFile
from finalmile.errors import MissingInputError
from finalmile.predictions.record import Prediction
from finalmile.project import Project

START = datetime(2024, 3, 1, tzinfo=UTC)


def logged(project: Project, *numbers: int, slot: int = 0) -> None:
    (project.folder / "serving").mkdir(exist_ok=True)
    tail = TailFile(project.folder / "serving" / f"log-{slot}.db")
    tail.write([
        Prediction(
            prediction_id=f"p{number}", request_id=f"r{number}", endpoint="predict", model="demand", version=1,
            role="live", issued_at=int(START.timestamp() + 86_400 * number) * 1_000_000, mean=[1.5],
            ds=["2024-03-02"], features=[1.0, None], unique_id="=cmd()",
        ).to_json()
        for number in numbers
    ])  # fmt: skip
    tail.close()


def test_a_project_reads_sealed_and_hot_predictions_as_one_table(tmp_path: Path):
    project = Project.init(tmp_path)
    logged(project, 1, 2)
    assert project.seal().rows == 2
    logged(project, 3, slot=1)
    assert project.predictions()["prediction_id"].to_list() == ["p1", "p2", "p3"]
    assert project.predictions("demand", since=datetime(2024, 3, 3, tzinfo=UTC)).height == 2
    assert project.predictions("other").is_empty()
    assert not project.doctor().breached


def test_predictions_are_exported_by_the_day_they_were_issued(tmp_path: Path):
    project = Project.init(tmp_path)
    with pytest.raises(MissingInputError, match="no predictions to export"):
        project.export("predictions", tmp_path / "none.csv")
    logged(project, 1, 2, 3)
    told = project.export("predictions", tmp_path / "some.csv", start=date(2024, 3, 2), end=date(2024, 3, 3))
    assert told.rows == 2
    read = pl.read_csv(tmp_path / "some.csv")
    assert read["prediction_id"].to_list() == ["p1", "p2"]
    assert read["unique_id"].to_list() == ["'=cmd()"] * 2
    assert orjson.loads(read["features"][0]) == [1.0, None]
    project.export("predictions", tmp_path / "all.parquet", "parquet")
    assert pl.read_parquet(tmp_path / "all.parquet")["features"].to_list() == [[1.0, None]] * 3
