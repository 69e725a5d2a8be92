"""What the command line says about a table: how its numbers and dates are written, since when it is known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from finalmile.cli.app import app
from finalmile.errors import UnknownNameError
from finalmile.project import Project

EUROPEAN = "sku;store;day;units;price;brand\na;1;31/01/2024;1,5;1.000,25;x\na;1;01/02/2024;2;3;x\n"
OPTIONS = ("--decimal-comma", "--date-format", "%d/%m/%Y")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Project.init(tmp_path / "shop").folder


def ingest(folder: Path, kind: str, text: str, *options: str) -> Result:
    path = folder / "given.csv"
    path.write_text(text)
    return CliRunner().invoke(app, ["ingest", kind, str(path), "--project", str(folder), *options])


def test_a_european_file_is_read_with_its_commas_and_dates(folder: Path) -> None:
    result = ingest(folder, "sales", EUROPEAN, *OPTIONS)
    assert result.exit_code == 0, result.stderr
    rows = Project.open(folder).sales.read().sort("ds")
    assert rows.select("ds", "y", "price").rows() == [(date(2024, 1, 31), 1.5, 1000.25), (date(2024, 2, 1), 2.0, 3.0)]


def test_without_the_options_the_errors_name_them(folder: Path) -> None:
    result = ingest(folder, "sales", EUROPEAN)
    assert result.exit_code == 2
    assert "--decimal-comma" in result.stderr
    assert "--date-format" in result.stderr


def test_a_column_is_what_its_role_says(folder: Path) -> None:
    assert ingest(folder, "sales", EUROPEAN, *OPTIONS, "--role", "brand=text").exit_code == 0
    assert "brand" in Project.open(folder).sales.read().columns
    with pytest.raises(UnknownNameError, match="no role"):
        Project.open(folder).sales.add(folder / "given.csv", roles={"brand": "place"})  # type: ignore[dict-item]


def test_history_may_count_from_its_arrival_and_news_from_when_they_happened(folder: Path) -> None:
    before = datetime.now(tz=UTC) - timedelta(minutes=1)
    assert ingest(folder, "sales", "unique_id,ds,y\na,2024-01-01,1\na,2024-01-02,1\n", "--no-backfill").exit_code == 0
    assert Project.open(folder).sales.read(as_of=before).is_empty()
    yesterday = date.today() - timedelta(days=3)
    assert ingest(folder, "stock", f"unique_id,at,on_hand\na,{yesterday},1\n", "--backfill").exit_code == 0
    assert Project.open(folder).stock.read(as_of=before).height == 1


def test_rows_left_out_where_nothing_sold_are_no_mixed_frequency(folder: Path) -> None:
    days = [date(2024, 1, 1) + timedelta(days=t) for t in range(20)]
    weeks = [date(2024, 1, 1) + timedelta(days=7 * t) for t in range(20)]
    rows = pl.DataFrame({"unique_id": ["a"] * 20 + ["b"] * 20, "ds": days + weeks, "y": [1] * 40}).write_csv()
    assert ingest(folder, "sales", rows).exit_code == 2
    assert ingest(folder, "sales", rows, "--sparse").exit_code == 0


def test_a_partial_list_of_open_orders_closes_none(folder: Path) -> None:
    header = "order_id,unique_id,quantity,due\n"
    assert ingest(folder, "open_orders", header + "1,a,5,2024-05-01\n2,a,5,2024-05-01\n").exit_code == 0
    assert ingest(folder, "open_orders", header + "1,a,4,2024-05-01\n", "--partial").exit_code == 0
    assert sorted(Project.open(folder).open_orders.read()["quantity"]) == [4.0, 5.0]
    assert ingest(folder, "open_orders", header + "1,a,3,2024-05-01\n").exit_code == 0
    assert sorted(Project.open(folder).open_orders.read()["quantity"]) == [0.0, 3.0]
