"""Tables as files: what a spreadsheet must not run, what comes back, and spans of days."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from finalmile.adapters.sources import read_source
from finalmile.cli.app import app
from finalmile.errors import ConfigError, MissingInputError
from finalmile.frames.spreadsheets import guarded, unguarded
from finalmile.project import Project

BEGIN, HISTORY = date(2024, 1, 1), 60
IDS = ["=1+cmd|'/C calc'!A0", "'=twice", "-7", "@sum", "+49", "'s Gravenhage", "milk"]


def sales(first: int, last: int) -> pl.DataFrame:
    days = [BEGIN + timedelta(days=t) for t in range(first, last)]
    return pl.DataFrame(
        {
            "unique_id": np.repeat(IDS, len(days)),
            "ds": days * len(IDS),
            "y": [float(t % 5) - 1.0 for t in range(first, last)] * len(IDS),
        }
    )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.init(tmp_path / "shop")
    project.sales.add(sales(0, HISTORY))
    return project


def test_no_cell_or_header_of_an_export_is_run_by_a_spreadsheet_and_numbers_stay(project: Project) -> None:
    path = project.folder / "sales.csv"
    project.export("sales", path)
    raw = pl.read_csv(path, infer_schema=False)
    texts = [*raw["unique_id"].to_list(), *raw.columns]
    assert [text for text in texts if text[0] in "=+-@\t\r"] == []
    assert "-1.0" in raw["y"].to_list()


def test_an_export_that_is_read_again_says_what_was_ingested(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    project.export("sales", path)
    again = Project.init(tmp_path / "again")
    again.sales.add(path)
    kept = [one.sales.read().select("unique_id", "ds", "y").sort("unique_id", "ds") for one in (project, again)]
    assert kept[0].equals(kept[1])
    assert sorted(kept[1]["unique_id"].unique()) == sorted(IDS)


TEXT = st.text(st.sampled_from("'=+-@\t\rab,\"; "), min_size=1, max_size=6)


@given(st.lists(TEXT, min_size=1), TEXT)
def test_what_is_guarded_comes_back_and_nothing_guarded_is_run(texts: list[str], name: str) -> None:
    frame = pl.DataFrame({name: texts})
    told = guarded(frame)
    assert [text for text in [*told.to_series(), *told.columns] if text[0] in "=+-@\t\r"] == []
    assert unguarded(told).equals(frame)


def test_cells_that_others_guarded_are_read_without_the_apostrophe(tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text("unique_id,y\n'=1+1,'-2\n's Gravenhage,3\n")
    assert read_source(path).rows() == [("=1+1", "-2"), ("'s Gravenhage", "3")]


@pytest.fixture
def forecast_twice(project: Project) -> Project:
    (project.folder / "finalmile.yaml").write_text("models: {demand: {forecaster: seasonal_naive, horizon_days: 7}}")
    project = Project.open(project.folder)
    project.train()
    project.promote(force=True)
    project.forecast()
    project.sales.add(sales(HISTORY, HISTORY + 1))
    project.forecast()
    return project


def test_exported_forecasts_are_of_every_cutoff_or_of_a_span(forecast_twice: Project, tmp_path: Path) -> None:
    cutoffs = [BEGIN + timedelta(days=t) for t in (HISTORY - 1, HISTORY)]
    path = tmp_path / "f.parquet"

    def exported(*more: str) -> list[date]:
        words = ["export", "forecasts", str(path), "--project", str(forecast_twice.folder), *more]
        assert CliRunner().invoke(app, words).exit_code == 0
        return sorted(pl.read_parquet(path)["cutoff"].unique())

    assert exported() == cutoffs
    assert exported("--to", str(cutoffs[0])) == cutoffs[:1]
    assert exported("--from", str(cutoffs[1]), "--to", str(cutoffs[1])) == cutoffs[1:]


def test_a_span_without_rows_says_which_days_there_are(project: Project, tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="there are some from 2024-01-01 to 2024-02-29"):
        project.export("sales", tmp_path / "s.csv", start=date(2025, 1, 1))
    assert not (tmp_path / "s.csv").exists()


def test_a_span_of_a_table_without_time_is_refused(project: Project, tmp_path: Path) -> None:
    project.items.add(pl.DataFrame({"unique_id": ["milk"], "unit_cost": [1.0]}))
    with pytest.raises(ConfigError, match="items have no time"):
        project.export("items", tmp_path / "i.csv", start=date(2025, 1, 1))
