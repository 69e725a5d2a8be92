"""What the command line says about what to do next, and about slips, on a real project."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from finalmile.cli.app import app
from finalmile.errors import MissingInputError
from finalmile.project import Project

BEGIN, HISTORY, SERIES = date(2023, 1, 2), 100, 4
SETTINGS = """
models: {demand: {forecaster: seasonal_naive, horizon_days: 14}}
certify: {holdout_days: 14, baseline: seasonal_naive, min_forecast_value_added: %s}
assume: {lead_time_days: [2, 6]}
"""


def a_shop(folder: Path, *, least: float = 0.5) -> Project:
    """A project with sales of a hundred days and a stock count."""
    folder.mkdir()
    (folder / "finalmile.yaml").write_text(SETTINGS % least)
    project = Project.open(folder)
    days = [BEGIN + timedelta(days=t) for t in range(HISTORY)]
    ids = [f"item {one}" for one in range(SERIES)]
    units = np.random.default_rng(0).poisson(6.0, size=SERIES * HISTORY).astype(float)
    project.sales.add(pl.DataFrame({"unique_id": np.repeat(ids, HISTORY), "ds": days * SERIES, "y": units}))
    project.stock.add(pl.DataFrame({"unique_id": ids, "at": [days[-1]] * SERIES, "on_hand": [1.0] * SERIES}))
    return project


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with a live version that did not pass its certificate, and proposed orders."""
    folder = tmp_path_factory.mktemp("hints") / "my shop"
    project = a_shop(folder)
    project.train()
    project.promote(force=True)
    project.plan()
    return folder


@pytest.fixture
def call(folder: Path) -> Callable[..., Result]:
    return lambda *words: CliRunner().invoke(app, [*words, "--project", str(folder)])


def test_hints_carry_the_folder_that_was_given(call: Callable[..., Result], folder: Path) -> None:
    told = call("train").stdout.splitlines()[-1]
    assert told == f"Next: finalmile certify demand --project '{folder}'"


def test_hints_carry_no_folder_where_none_was_given(folder: Path) -> None:
    told = CliRunner().invoke(app, ["train"], env={"FINALMILE_PROJECT": str(folder)}).stdout
    assert told.splitlines()[-1] == "Next: finalmile certify demand"


def test_hints_in_errors_carry_the_folder_too(tmp_path: Path) -> None:
    Project.init(tmp_path)
    result = CliRunner().invoke(app, ["train", "--project", str(tmp_path)])
    assert result.stderr.endswith(f"finalmile ingest --project {tmp_path} sales FILE\n")


def test_a_certificate_that_did_not_pass_says_what_its_figures_mean_and_what_next(call: Callable[..., Result]) -> None:
    result = call("certify")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert "@" in lines[0]
    assert "did not pass: forecast value added" in lines[0]
    (wape,) = [line for line in lines if line.startswith("  wape ")]
    assert wape.endswith("Sum of absolute errors over the sum of what was sold: the headline figure.")
    assert any("share of spans of 1, 2 and 4 weeks" in line for line in lines)
    assert lines[-1].startswith("Next: finalmile train demand --forecaster NAME --project ")


def test_a_certificate_that_passed_says_how_to_go_live(tmp_path: Path) -> None:
    project = a_shop(tmp_path / "shop", least=-9.0)
    lenient = (SETTINGS % -9.0).replace("certify: {", "certify: {max_abs_bias: 9.0, coverage_slack: 0.9, ")
    (project.folder / "finalmile.yaml").write_text(lenient)
    Project.open(project.folder).train()
    told = CliRunner().invoke(app, ["certify", "--project", str(project.folder)]).stdout.splitlines()
    assert told[-1] == f"Next: finalmile promote demand@1 --project {project.folder}"


def test_an_order_is_shown_with_a_sentence_for_each_quantity(call: Callable[..., Result], folder: Path) -> None:
    (order, *_) = {line.order_id for line in Project.open(folder).ledger.orders()}
    lines = call("orders", "show", order).stdout.splitlines()
    assert len(lines) == 2 * SERIES
    for why in lines[1::2]:
        assert why.strip().startswith("Must last ")
        assert "order_up_to aims at" in why
        assert "1 are in stock and 0 on the way" in why
        assert why.endswith("Costs or lead time are assumed.")


def test_plugins_are_listed_without_a_project(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["plugins", "--project", str(tmp_path / "nothing")])
    assert result.exit_code == 0
    assert "seasonal_naive" in result.stdout
    assert not (tmp_path / "nothing").exists()


def test_a_model_that_looks_like_a_slip_is_not_made(call: Callable[..., Result], folder: Path) -> None:
    result = call("train", "demnad")
    assert result.exit_code == 2
    assert "no model is called 'demnad'. Did you mean 'demand'?" in result.stderr
    assert result.stderr.endswith(f"Run: finalmile train demnad --new --project '{folder}'\n")
    assert "demnad" not in {version.model for version in Project.open(folder).ledger.versions()}


def test_beside_other_models_a_new_one_has_to_be_named_or_called_new(folder: Path) -> None:
    project = Project.open(folder)
    with pytest.raises(MissingInputError, match="no model is called 'bread'"):
        project.train("bread", "seasonal_naive")
    assert project.train("bread", "seasonal_naive", new=True).version.number == 1
    assert project.train("bread", "window_average").version.number == 2


def test_the_first_model_may_have_any_name_that_is_not_a_slip(tmp_path: Path) -> None:
    project = a_shop(tmp_path / "shop")
    with pytest.raises(MissingInputError, match="Did you mean 'demand'"):
        project.train("deman")
    assert project.train("bakery").version.number == 1


def test_a_project_that_ingest_makes_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("unique_id,ds,y\na,2024-01-01,1\na,2024-01-02,1\n")
    words = ["ingest", "sales", str(path), "--project", str(tmp_path / "shop")]
    first, second = (CliRunner().invoke(app, words).stderr for _ in range(2))
    assert first == f"Made a new project in {tmp_path / 'shop'}\n"
    assert second == ""
