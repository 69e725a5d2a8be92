"""The newest predictions of a long log, without reading the log."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from finalmile.adapters.local import lake as lakes
from finalmile.adapters.local.lake import FolderLake
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.adapters.local.tail_file import TailFile
from finalmile.predictions.record import Prediction
from finalmile.workflows import latest as reading
from finalmile.workflows.latest import Wanted, latest
from finalmile.workflows.seal import PREDICTIONS, predictions, seal

START = datetime(2024, 3, 1, tzinfo=UTC)


def line(second: int, **told: object) -> bytes:
    usual = {
        "prediction_id": f"p{second:06d}", "request_id": f"r{second}", "endpoint": "predict", "model": "demand",
        "version": 1, "role": "live", "issued_at": (int(START.timestamp()) + second) * 1_000_000, "mean": [1.5],
        "ds": ["2024-03-02"], "unique_id": "milk" if second % 7 == 0 else "bread",
    }  # fmt: skip
    return Prediction(**{**usual, **told}).to_json()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty segments of fifty lines, each written when its last line was issued, and 2,000 lines that are hot."""
    folder = tmp_path_factory.mktemp("written") / "log"
    folder.mkdir()
    tail = TailFile(folder / "log-0.db")
    with SqlLedger(f"sqlite:///{folder}/ledger.db") as ledger:
        lake = FolderLake(folder / "lake", ledger)
        for part in range(40):
            tail.write([line(part * 50 + at) for at in range(50)])
            known = set((folder / "lake").rglob("*.parquet"))
            seal([tail], lake, ledger)
            (fresh,) = set((folder / "lake").rglob("*.parquet")) - known
            at = (START + timedelta(seconds=part * 50 + 50)).timestamp()
            os.utime(fresh, (at, at))
        for at in range(2000, 4000):
            tail.write([line(at)])
    tail.close()
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """The long log for one test."""
    return Path(shutil.copytree(written, tmp_path / "log"))


@pytest.fixture
def ledger(folder: Path) -> Iterator[SqlLedger]:
    with SqlLedger(f"sqlite:///{folder}/ledger.db") as ledger:
        yield ledger


@pytest.fixture
def lake(folder: Path, ledger: SqlLedger) -> FolderLake:
    return FolderLake(folder / "lake", ledger)


@pytest.fixture
def long_log(folder: Path) -> Iterator[TailFile]:
    tail = TailFile(folder / "log-0.db")
    yield tail
    tail.close()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows of every segment that was opened."""
    seen: list[int] = []
    scan = lakes.segments.scan

    def counting(root: Path, parts: list[lakes.Segment]) -> pl.LazyFrame:
        seen.extend(part.rows for part in parts)
        return scan(root, parts)

    monkeypatch.setattr(lakes.segments, "scan", counting)
    return seen


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many lines were parsed."""
    seen: list[int] = []
    read = reading.read_lines

    def counting(lines: list[bytes]) -> object:
        seen.append(len(lines))
        return read(lines)

    monkeypatch.setattr(reading, "read_lines", counting)
    return seen


def test_one_newest_row_opens_no_segment_and_few_hot_lines(
    long_log: TailFile, lake: FolderLake, opened: list[int], parsed: list[int]
) -> None:
    found = latest([long_log], lake, Wanted(model="demand", limit=1))
    assert found.frame["prediction_id"].to_list() == ["p003999"]
    assert found.complete
    assert opened == []
    assert sum(parsed) <= 1000


def test_what_is_sealed_is_opened_only_as_far_back_as_is_needed(
    long_log: TailFile, lake: FolderLake, ledger: SqlLedger, opened: list[int]
) -> None:
    found = latest([], lake, Wanted(model="demand", limit=60))
    assert found.frame["prediction_id"].to_list() == [f"p{at:06d}" for at in range(1999, 1939, -1)]
    assert opened == [50, 50]


def test_an_instant_bounds_how_far_back_is_read(long_log: TailFile, lake: FolderLake, opened: list[int]) -> None:
    since = START + timedelta(seconds=1901)
    found = latest([], lake, Wanted(model="demand", unique_id="nobody", since=since, limit=10))
    assert (found.frame.height, found.complete, opened) == (0, True, [50, 50])


def test_the_newest_rows_are_those_that_a_read_of_everything_finds(long_log: TailFile, lake: FolderLake) -> None:
    everything = predictions([long_log], lake, model="demand").sort("issued_at", descending=True)
    for wanted in (
        Wanted(model="demand", limit=1000),
        Wanted(model="demand", unique_id="milk", limit=400),
        Wanted(model="demand", request_id="r17"),
        Wanted(model="other"),
    ):
        told = everything.filter(wanted.rows()).head(wanted.limit)
        found = latest([long_log], lake, wanted).frame
        assert found.height == told.height
        assert not found.height or found["prediction_id"].to_list() == told["prediction_id"].to_list()


def test_a_row_that_is_hot_and_sealed_is_told_once(long_log: TailFile, lake: FolderLake, ledger: SqlLedger) -> None:
    rows = [line(1, model="other"), line(2, model="other")]
    long_log.write(rows)
    seal([long_log], lake, ledger)
    long_log.write(rows)
    assert latest([long_log], lake, Wanted(model="other")).frame["prediction_id"].to_list() == ["p000002", "p000001"]


def test_no_more_than_a_bounded_part_of_the_log_is_looked_at(
    long_log: TailFile, lake: FolderLake, opened: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_MOST_LINES", 600)
    monkeypatch.setattr(reading, "_MOST_ROWS", 120)
    found = latest([long_log], lake, Wanted(model="demand", unique_id="nobody"))
    assert (found.frame.height, found.complete) == (0, False)
    assert opened == [50, 50, 50]


def test_segments_come_with_the_last_written_first(long_log: TailFile, lake: FolderLake) -> None:
    instants = [at for at, _, _ in lake.newest(PREDICTIONS)]
    assert instants == sorted(instants, reverse=True)
    assert len(instants) == 40
