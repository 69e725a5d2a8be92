"""What the endpoint looks up is what batch says."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from finalmile.project import Project
from finalmile.serving.asking import read_asked
from finalmile.serving.board import Served
from finalmile.serving.online import OnlineTable
from finalmile.serving.ready import Ready
from finalmile.serving.rows import Fault

DAYS = 120


def _sales() -> pl.DataFrame:
    first = date(2025, 1, 1)
    rows = [
        {"unique_id": name, "ds": first + timedelta(days=day), "y": float(level + day % 7)}
        for name, level in (("bread", 5), ("milk", 20))
        for day in range(DAYS)
    ]
    return pl.DataFrame(rows)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.init(tmp_path / "shop")
    project.sales.add(_sales())
    trained = project.train(forecaster="window_average")
    project.promote(number=trained.version.number, force=True)
    return project


def _table(project: Project) -> OnlineTable:
    path = project.materialise()
    assert path is not None
    return OnlineTable.open(path)


def test_what_is_looked_up_is_what_was_forecast_to_the_last_digit(project: Project) -> None:
    told = project.forecast().forecast
    tables = list((project.folder / "serving" / "tables" / "demand" / "1").iterdir())
    assert [path.name for path in tables] == ["2025-04-30"]
    table = OnlineTable.open(tables[0])
    assert list(table.ids) == [str(one) for one in told.ids]
    np.testing.assert_array_equal(table.arrays["mean"], told.mean)
    for at, level in enumerate(table.about.levels):
        np.testing.assert_array_equal(table.arrays["quantiles"][:, :, at], told.quantiles[level])
    assert told.cumulative is not None
    np.testing.assert_array_equal(table.arrays["window_values"], told.cumulative.values)
    assert table.about.ds[0] == "2025-05-01"


def test_forecasting_anew_for_the_endpoint_says_the_same(project: Project) -> None:
    told = project.forecast().forecast
    np.testing.assert_array_equal(_table(project).arrays["mean"], told.mean)


def test_windows_dates_and_quantiles_are_told_as_they_were_forecast(project: Project) -> None:
    table = _table(project)
    served = Served(model="demand", number=1, kind="window_average", digest="", folder="")
    ready = Ready(served=served, table=table)
    level, window = table.about.levels[0], int(table.arrays["windows"][1, 0])
    body = {"unique_id": "milk", "dates": list(table.about.ds[1:3]), "quantiles": [level], "windows": [window]}
    faults: list[Fault] = []
    plan = ready.plan(read_asked(body, "", faults), faults)
    assert faults == []
    assert plan is not None
    answer = ready.of_table(plan)
    assert answer.mean.tolist() == table.arrays["mean"][1, 1:3].tolist()
    assert answer.quantiles[0].tolist() == table.arrays["quantiles"][1, 1:3, 0].tolist()
    assert answer.windows is not None
    assert answer.windows[0]["mean"] == table.arrays["window_mean"][1, 0]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"unique_id": "butter"}, "unique_id"),
        ({"unique_id": "milk", "horizon": 5000}, "horizon"),
        ({"unique_id": "milk", "dates": ["2030-01-01"]}, "dates"),
        ({"unique_id": "milk", "quantiles": [0.123]}, "quantiles"),
        ({"unique_id": "milk", "windows": [999]}, "windows"),
        ({"unique_id": "milk", "features": {"price": 1}}, "features"),
        ({}, "unique_id"),
    ],
)
def test_what_was_not_forecast_is_refused_with_what_was(project: Project, body: dict[str, object], where: str) -> None:
    served = Served(model="demand", number=1, kind="window_average", digest="", folder="")
    faults: list[Fault] = []
    plan = Ready(served=served, table=_table(project)).plan(read_asked(body, "", faults), faults)
    assert plan is None
    assert [place for place, _ in faults] == [where]


def test_only_a_project_that_is_served_keeps_tables_on_days_without_a_forecast(project: Project) -> None:
    assert not (project.folder / "serving").exists()
    (project.folder / "serving").mkdir()
    project.run_day()
    assert (project.folder / "serving" / "tables" / "demand" / "1" / "2025-04-30" / "about.json").exists()
