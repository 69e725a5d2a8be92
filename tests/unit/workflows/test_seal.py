"""Sealing and reading the prediction log: filters, odd lines, what is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from finalmile.adapters.local.lake import FolderLake
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.adapters.local.tail_file import TailFile, open_tails
from finalmile.predictions.frame import read_lines
from finalmile.predictions.record import Prediction
from finalmile.workflows.seal import PREDICTIONS, UNREAD, last_seal, predictions, seal

START = datetime(2024, 3, 1, tzinfo=UTC)


def line(number: int, **told: object) -> bytes:
    usual = {
        "prediction_id": f"p{number}", "request_id": f"r{number}", "endpoint": "predict", "model": "demand",
        "version": 1, "role": "live", "issued_at": int(START.timestamp()) * 1_000_000 + number, "mean": [1.5],
        "ds": ["2024-03-02"],
    }  # fmt: skip
    return Prediction(**{**usual, **told}).to_json()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    with SqlLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        yield ledger


@pytest.fixture
def lake(tmp_path: Path, ledger: SqlLedger) -> FolderLake:
    return FolderLake(tmp_path / "lake", ledger)


@pytest.fixture
def tail(tmp_path: Path) -> Iterator[TailFile]:
    tail = TailFile(tmp_path / "log-0.db")
    yield tail
    tail.close()


def test_periods_become_rows_and_levels_become_columns(tail: TailFile, lake: FolderLake, ledger: SqlLedger):
    days = ["2024-03-02", "2024-03-03"]
    tail.write([line(1, mean=[1.0, 2.0], ds=days, levels=[0.5, 0.98], quantiles=[[1.0, 2.0], [3.0, None]])])
    tail.write([line(2, features=[1.0, None], unique_id="milk", cutoff="2024-03-01")])
    hot = predictions([tail], lake)
    assert hot["ds"].to_list() == [date(2024, 3, 2), date(2024, 3, 3), date(2024, 3, 2)]
    assert hot["q0.98"].to_list() == [3.0, None, None]
    assert hot["features"].to_list() == [None, None, [1.0, None]]
    seal([tail], lake, ledger)
    assert predictions([tail], lake).equals(hot.select(predictions([tail], lake).columns))


def test_filters_hold_for_sealed_and_hot_rows_alike(tail: TailFile, lake: FolderLake, ledger: SqlLedger):
    told = [line(1), line(2, model="other"), line(3, version=2), line(4, role="shadow")]
    tail.write(told)
    seal([tail], lake, ledger)
    tail.write([line(5), line(6, model="other"), line(7, version=2), line(8, role="shadow")])
    read = lambda **by: predictions([tail], lake, **by)["prediction_id"].to_list()  # noqa: E731
    assert read() == [f"p{number}" for number in range(1, 9)]
    assert read(model="other") == ["p2", "p6"]
    assert read(version=2) == ["p3", "p7"]
    assert read(role="shadow") == ["p4", "p8"]
    assert read(since=START + timedelta(microseconds=4)) == ["p4", "p5", "p6", "p7", "p8"]
    assert read(model="other", role="shadow") == []


def test_an_empty_log_is_an_empty_table(lake: FolderLake, ledger: SqlLedger, tmp_path: Path):
    with open_tails(tmp_path / "nowhere") as tails:
        assert predictions(tails, lake).is_empty()
        assert seal(tails, lake, ledger).lines() == ["0 rows of predictions sealed, 0 repeated ones dropped."]


def test_a_line_that_cannot_be_read_is_set_aside_once_and_keeps_no_other_back(
    tail: TailFile, lake: FolderLake, ledger: SqlLedger
):
    tail.write([line(1), b"{half a line", line(2)])
    assert seal([tail], lake, ledger).unread == 1
    assert predictions([tail], lake)["prediction_id"].to_list() == ["p1", "p2"]
    assert lake.scan(UNREAD).collect()["line"].to_list() == ["{half a line"]
    assert seal([tail], lake, ledger).unread == 0
    assert lake.scan(UNREAD).collect().height == 1


def test_what_a_caller_calls_a_period_keeps_no_prediction_out_of_the_log(
    tail: TailFile, lake: FolderLake, ledger: SqlLedger
):
    odd = ["yesterday", "2024-03-01T00:00:00Z", "2024-03-01", "2024-03-01T05:00", "", "99999999"]
    tail.write([line(number, ds=[text]) for number, text in enumerate(odd, start=1)])
    assert len(predictions([tail], lake)) == len(odd)
    assert seal([tail], lake, ledger).unread == 0
    tail.write([line(7, ds=["2024-03-02"])])
    seal([tail], lake, ledger)
    told = predictions([tail], lake)
    assert told["prediction_id"].to_list() == [f"p{number}" for number in range(1, 8)]
    assert told["ds"].null_count() == 3


def test_the_same_key_on_another_slot_counts_as_repeated(
    tail: TailFile, lake: FolderLake, ledger: SqlLedger, tmp_path: Path
):
    other = TailFile(tmp_path / "log-1.db")
    tail.write([line(1, key="ab")])
    other.write([line(1, key="ab", mean=[9.0]), line(2)])
    told = seal([tail, other], lake, ledger)
    other.close()
    assert (told.rows, told.repeated) == (2, 1)
    assert lake.scan(PREDICTIONS).collect()["mean"].to_list() == [1.5, 1.5]


def test_a_tail_made_anew_after_its_file_was_lost_is_sealed_too(lake: FolderLake, ledger: SqlLedger, tmp_path: Path):
    for number in (1, 2):
        tail = TailFile(tmp_path / "log-0.db")
        tail.write([line(number)])
        seal([tail], lake, ledger)
        tail.close()
        for path in tmp_path.glob("log-0.db*"):
            path.unlink()
    assert lake.scan(PREDICTIONS).collect()["prediction_id"].to_list() == ["p1", "p2"]


def test_every_pass_that_sealed_has_a_number_of_its_own(tail: TailFile, lake: FolderLake, ledger: SqlLedger):
    for number in (1, 2, 3):
        tail.write([line(number)])
        seal([tail], lake, ledger)
    assert lake.scan(PREDICTIONS).collect()["seal"].to_list() == [1, 2, 3]
    assert last_seal(ledger) == 3


def test_merged_segments_still_count_as_sealed(tail: TailFile, lake: FolderLake, ledger: SqlLedger):
    for number in (1, 2, 3):
        tail.write([line(number, key="ab")])
        seal([tail], lake, ledger)
    lake.compact(PREDICTIONS)
    tail.write([line(2, key="ab"), line(4, key="ab")])
    assert seal([tail], lake, ledger).repeated == 1
    assert predictions([tail], lake)["prediction_id"].to_list() == ["p1", "p2", "p3", "p4"]


def test_dates_stay_dates_and_hours_stay_instants():
    assert read_lines([line(1)]).frame.schema["ds"] == pl.Date
    assert read_lines([line(1, ds=["2024-03-02T05:00:00"]), line(2)]).frame.schema["ds"] == pl.Datetime("us")


def test_a_prediction_without_periods_is_still_a_row():
    told = read_lines([line(1, mean=[], ds=[], outcome="error: no such id")]).frame
    assert told.select("step", "mean", "outcome").rows() == [(0, None, "error: no such id")]


def test_what_comes_while_it_seals_waits_for_the_next_pass(tail: TailFile, lake: FolderLake, ledger: SqlLedger):
    for number in range(6):
        tail.write([line(number)])

    @contextmanager
    def written_to_without_a_pause() -> Iterator[None]:
        tail.write([line(int(tail.last) + 100)])
        yield

    done = seal([tail], lake, ledger, hold=written_to_without_a_pause, lines=2)
    assert 6 <= done.rows < 12
    assert seal([tail], lake, ledger).rows + done.rows == tail.last


def test_others_may_write_to_the_project_between_two_slices(tail: TailFile, lake: FolderLake, ledger: SqlLedger):
    for number in range(6):
        tail.write([line(number)])
    held = list[int]()

    @contextmanager
    def hold() -> Iterator[None]:
        before = lake.sequence(PREDICTIONS, tail.name)
        yield
        held.append(lake.sequence(PREDICTIONS, tail.name) - max(before, 0))

    seal([tail], lake, ledger, hold=hold, lines=2)
    assert held == [2, 2, 2]
