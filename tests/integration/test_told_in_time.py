"""What is told before a plan or a replay goes wrong: old counts, starts too early, times that changed."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from finalmile.errors import MissingInputError
from finalmile.project import Project
from finalmile.workflows.counts import old_counts

BEGIN, HISTORY, IDS = date(2023, 1, 2), 60, ["bread", "milk"]
SETTINGS = """
models: {demand: {forecaster: seasonal_naive, horizon_days: 14}}
certify: {holdout_days: 14}
assume: {lead_time_days: [2, 6]}
"""


def day(number: int) -> date:
    return BEGIN + timedelta(days=number)


def a_shop(folder: Path, *, history: int = HISTORY) -> Project:
    (folder / "finalmile.yaml").write_text(SETTINGS)
    project = Project.open(folder)
    units = np.random.default_rng(0).poisson(6.0, size=2 * history).astype(float)
    rows = {"unique_id": np.repeat(IDS, history), "ds": [day(t) for t in range(history)] * 2, "y": units}
    project.sales.add(pl.DataFrame(rows))
    return project


def counted(project: Project, *, age: int) -> None:
    rows = {"unique_id": IDS, "at": [day(HISTORY - 1), day(HISTORY - 1 - age)], "on_hand": [1.0, 1.0]}
    project.stock.add(pl.DataFrame(rows))


def notes(project: Project) -> list[str]:
    project.train()
    project.promote(force=True)
    return [note for note in project.plan().notes if "last counted" in note]


def test_a_plan_says_which_stock_was_counted_too_long_ago(tmp_path: Path) -> None:
    project = a_shop(tmp_path)
    counted(project, age=15)
    (note,) = notes(project)
    assert note.startswith("The stock of 1 item was last counted more than a review period and 7 days before")
    assert f"(milk on {day(HISTORY - 16)})" in note
    assert any("last counted" in line for line in project.run_day().lines())


def test_a_plan_says_nothing_of_stock_counted_within_a_review_period_and_a_week(tmp_path: Path) -> None:
    project = a_shop(tmp_path)
    counted(project, age=14)
    assert notes(project) == []


def test_an_item_with_a_longer_review_period_may_be_counted_less_often() -> None:
    stock = pl.DataFrame({"unique_id": IDS, "at": [day(0), day(0)], "on_hand": [1.0, 1.0]})
    items = pl.DataFrame({"unique_id": ["milk"], "review_period_days": [28.0]})
    note = old_counts(stock, items, day=day(30), review_period_days=7)
    assert note is not None
    assert "1 item was" in note
    assert "bread" in note


def test_a_replay_that_starts_too_early_says_the_earliest_start_that_works(tmp_path: Path) -> None:
    project = a_shop(tmp_path)
    for early in (-5, 0, 1, 14):
        with pytest.raises(MissingInputError, match=f"The earliest start that works is {day(15)}: finalmile replay"):
            project.replay(day(early), day(20))
    assert project.replay(day(15), day(20)) is not None


def test_a_replay_of_too_few_sales_says_how_many_more_there_have_to_be(tmp_path: Path) -> None:
    project = a_shop(tmp_path, history=10)
    with pytest.raises(MissingInputError, match="ingest 6 periods more"):
        project.replay(day(5), day(9))
