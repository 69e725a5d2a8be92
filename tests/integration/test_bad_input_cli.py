"""Files with faults on the command line: one error that says where and how to mend it, or taken in as documented."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from finalmile.cli.app import app
from finalmile.project import Project

TODAY = date.today()  # the product's own clock is not in the tests' hands on the command line
Rows = Mapping[str, object]
GOOD = {
    "unique_id": ["a"] * 3 + ["b"] * 3,
    "ds": ["2024-01-01", "2024-01-02", "2024-01-03"] * 2,
    "y": [1, 2, 3, 4, 5, 6],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project that knows a week of two series."""
    folder = tmp_path / "shop"
    rows = pl.DataFrame(
        {
            "unique_id": ["a"] * 10 + ["b"] * 10,
            "ds": [date(2023, 12, 1) + timedelta(days=day) for day in range(10)] * 2,
            "y": [float(day) for day in range(20)],
        }
    )
    Project.init(folder).sales.add(rows)
    return folder


@pytest.fixture
def ingest(folder: Path, tmp_path: Path) -> Callable[..., Result]:
    """Write a CSV file and take it in."""

    def run(rows: Rows | str, kind: str = "sales", *, name: str = "given.csv") -> Result:
        path = tmp_path / name
        if isinstance(rows, str):
            path.write_text(rows, encoding="utf-8")
        else:
            pl.DataFrame(rows).write_csv(path)
        return CliRunner().invoke(app, ["ingest", kind, str(path), "--project", str(folder)])

    return run


def kept(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, and every file of the lake."""
    project = Project.open(folder)
    tables = {kind: sorted(table.read().rows(), key=repr) for kind, table in project.tables.items()}
    return {**tables, "files": [(str(path),) for path in sorted((folder / "lake").rglob("*.parquet"))]}


FAULTY: dict[str, tuple[Rows | str, str, tuple[str, ...]]] = {
    "a missing column": ({"unique_id": ["a"], "ds": ["2024-01-01"]}, "sales", ("y", "unique_id", "ds")),
    "a word for a number": ({**GOOD, "y": ["1", "2", "many", "4", "5", "6"]}, "sales", ("y", "many", "row")),
    "a word for a date": ({**GOOD, "ds": ["2024-01-01", "soon", "2024-01-03"] * 2}, "sales", ("ds", "soon", "row")),
    "days beside weeks": (
        {
            "unique_id": ["a"] * 20 + ["b"] * 20,
            "ds": [date(2024, 1, 1) + timedelta(days=day) for day in range(20)]
            + [date(2024, 1, 1) + timedelta(days=7 * week) for week in range(20)],
            "y": [1] * 40,
        },
        "sales",
        ("ds", "mixed frequencies", "sum"),
    ),
    "one key with two values": (
        {"unique_id": ["a", "a"], "ds": ["2024-01-01"] * 2, "y": [1, 2]},
        "sales",
        ("unique_id, ds", "different values", "rows", "keep one"),
    ),
    "nothing for a quantity in stock": ({**GOOD, "y": [1, None, 3, 4, 5, 6]}, "sales", ("y", "row", "in_stock")),
    "not a number": ({**GOOD, "y": [1.0, float("nan"), 3.0, 4.0, 5.0, 6.0]}, "sales", ("y", "row", "in_stock")),
    "infinity": ({**GOOD, "y": [1.0, float("inf"), 3.0, 4.0, 5.0, 6.0]}, "sales", ("y", "infin", "row")),
    "a day to come": (
        {**GOOD, "ds": ["2024-01-01", "2024-01-02", str(TODAY + timedelta(days=30))] * 2},
        "sales",
        ("ds", "row", str(TODAY.year)),
    ),
    "no row": ("unique_id,ds,y\n", "sales", ("there are none", "at least one row")),
    "an empty file": ("", "sales", ("empty",)),
    "a lead time below nothing": ({"unique_id": ["a"], "lead_time_days": [-1.0]}, "items", ("lead_time_days", "row")),
    "a word for a count": ({"unique_id": ["a"], "at": ["2024-01-01"], "on_hand": ["few"]}, "stock", ("on_hand", "few")),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_faulty_file_is_refused_in_words_and_nothing_of_it_is_kept(
    folder: Path, ingest: Callable[..., Result], fault: str
):
    rows, kind, words = FAULTY[fault]
    before = kept(folder)
    result = ingest(rows, kind)
    assert result.exit_code == 2, result.output
    assert "given.csv" in result.stderr
    assert "Traceback" not in result.stderr
    missing = [word for word in words if word not in result.stderr]
    assert missing == [], result.stderr
    assert kept(folder) == before


def test_a_file_that_is_not_there_is_wrong_use(folder: Path):
    result = CliRunner().invoke(app, ["ingest", "sales", "nowhere.csv", "--project", str(folder)])
    assert result.exit_code == 2
    assert "nowhere.csv" in result.stderr


def test_every_fault_of_a_file_is_told_at_once(ingest: Callable[..., Result]):
    result = ingest({"unique_id": ["a", None, "b"], "ds": ["2024-01-01", "2024-01-02", "then"], "y": ["1", "2", "x"]})
    assert result.exit_code == 2
    assert all(column in result.stderr for column in ("unique_id", "ds", "y"))
    assert len(result.stderr.strip().splitlines()) >= 3


TAKEN: dict[str, tuple[Rows, str]] = {
    "rows in any order": ({name: values[::-1] for name, values in GOOD.items()}, "sales"),
    "returns": ({**GOOD, "y": [1, -2, 3, 4, 5, 6]}, "sales"),
    "ids with emoji": ({**GOOD, "unique_id": ["🍌 ripe"] * 3 + ["Ω/☃"] * 3}, "sales"),
    "an item that never sold": ({"unique_id": ["a", "unheard of"], "lead_time_days": [3.0, 4.0]}, "items"),
    "a repeated row": ({name: [*values, values[-1]] for name, values in GOOD.items()}, "sales"),
    "nothing sold out of stock": ({**GOOD, "y": [1, None, 3, 4, 5, 6], "in_stock": [1, 0, 1, 1, 1, 1]}, "sales"),
}
NOTED = {"returns": "return", "an item that never sold": "not in sales", "a repeated row": "repeat"}


@pytest.mark.parametrize("odd", TAKEN)
def test_an_odd_file_is_taken_in_as_documented_and_a_second_time_changes_nothing(
    folder: Path, ingest: Callable[..., Result], odd: str
):
    rows, kind = TAKEN[odd]
    before = kept(folder)
    first = ingest(rows, kind)
    assert first.exit_code == 0, first.output
    assert NOTED.get(odd, "") in first.stdout
    after = kept(folder)
    assert after[kind] != before[kind]
    second = ingest(rows, kind)
    assert second.exit_code == 0
    assert "already known: nothing changed" in second.stdout
    assert kept(folder) == after


def test_emoji_ids_are_kept_as_they_are_written(folder: Path, ingest: Callable[..., Result]):
    ingest(*TAKEN["ids with emoji"])
    assert {"🍌 ripe", "Ω/☃"} <= set(Project.open(folder).sales.read()["unique_id"])


@pytest.mark.slow
def test_a_million_ids_are_taken_in(folder: Path, tmp_path: Path):
    path = tmp_path / "many.parquet"
    number = pl.int_range(1_000_000, eager=True)
    rows = pl.DataFrame({"unique_id": "sku " + number.cast(pl.String), "ds": date(2024, 1, 1), "y": number % 7})
    rows.write_parquet(path)
    result = CliRunner().invoke(app, ["ingest", "sales", str(path), "--project", str(folder)])
    assert result.exit_code == 0, result.output
    assert "1,000,000 new" in result.stdout
    assert Project.open(folder).sales.read().height == 1_000_020
