"""A table that remembers what was known when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from finalmile.adapters.local.history import Added, History
from finalmile.adapters.local.lake import FolderLake
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.errors import CorruptError, SchemaError

MONDAY = datetime(2024, 1, 8, 6, tzinfo=UTC)
TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
SUNDAY = date(2024, 1, 7)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[FolderLake]:
    with SqlLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        yield FolderLake(tmp_path / "lake", ledger)


@pytest.fixture
def sales(lake: FolderLake) -> History:
    return History(lake, "sales")


def rows(y: list[float | None], *, ds: date = SUNDAY, **columns: object) -> pl.DataFrame:
    ids = ["a", "b", "c"][: len(y)]
    return pl.DataFrame({"unique_id": ids, "ds": [ds] * len(y), "y": y, **columns})


def add(history: History, frame: pl.DataFrame, known_at: datetime = MONDAY, *, backfill: bool = False) -> Added:
    return history.add(frame, known_at=known_at, backfill=backfill, writer="ingest")


def read(history: History, as_of: datetime | None = None, **more: object) -> dict[str, float]:
    found = history.read(as_of=as_of, **more)
    return dict(sorted(zip(found["unique_id"], found["y"], strict=True))) if found.width else {}


def test_nothing_was_ever_added(sales: History):
    assert read(sales) == {}


def test_the_same_frame_again_changes_nothing(sales: History, lake: FolderLake):
    assert add(sales, rows([1.0, 2.0])) == Added(new=2, revised=0, unchanged=0)
    assert add(sales, rows([1.0, 2.0]), TUESDAY) == Added(new=0, revised=0, unchanged=2)
    assert len(lake.segments("sales")) == 1


def test_a_revision_is_seen_from_when_it_was_known(sales: History):
    add(sales, rows([1.0, 2.0]))
    assert add(sales, rows([1.0, 5.0, 3.0]), TUESDAY) == Added(new=1, revised=1, unchanged=1)
    assert read(sales) == {"a": 1.0, "b": 5.0, "c": 3.0}
    assert read(sales, MONDAY) == {"a": 1.0, "b": 2.0}
    assert read(sales, MONDAY - timedelta(seconds=1)) == {}


def test_a_value_that_goes_back_is_a_revision_too(sales: History):
    for known_at, y in ((MONDAY, 1.0), (TUESDAY, 2.0), (WEDNESDAY, 1.0)):
        add(sales, rows([y]), known_at)
    assert [read(sales, at)["a"] for at in (MONDAY, TUESDAY, WEDNESDAY)] == [1.0, 2.0, 1.0]


def test_nothing_known_is_not_zero_and_nan_equals_itself(sales: History):
    add(sales, rows([None, float("nan"), 0.0]))
    assert add(sales, rows([None, float("nan"), 0.0]), TUESDAY).unchanged == 3
    assert add(sales, rows([0.0, 0.0, None]), WEDNESDAY).revised == 3


def test_history_loaded_in_one_go_was_known_all_along(sales: History):
    add(sales, rows([1.0]), WEDNESDAY, backfill=True)
    assert read(sales, MONDAY) == {"a": 1.0}
    assert read(sales, MONDAY, backfill_known=False) == {}
    assert read(sales, WEDNESDAY, backfill_known=False) == {"a": 1.0}


def test_a_correction_of_loaded_history_is_known_from_when_it_came(sales: History):
    add(sales, rows([1.0]), TUESDAY, backfill=True)
    assert add(sales, rows([2.0]), WEDNESDAY, backfill=True).revised == 1
    assert read(sales, TUESDAY) == {"a": 1.0}
    assert read(sales, WEDNESDAY) == {"a": 2.0}
    assert add(sales, rows([2.0]), WEDNESDAY + timedelta(1), backfill=True).unchanged == 1


def test_rows_may_say_themselves_when_they_were_known(sales: History):
    told = rows([1.0, 2.0], known_at=[datetime(2024, 1, 7, 20), None])
    add(sales, told, WEDNESDAY, backfill=True)
    assert read(sales, datetime(2024, 1, 7, 19, tzinfo=UTC)) == {"b": 2.0}
    assert read(sales, datetime(2024, 1, 7, 20, tzinfo=UTC)) == {"a": 1.0, "b": 2.0}
    assert add(sales, told, WEDNESDAY + timedelta(1), backfill=True).unchanged == 2


def test_several_versions_in_one_file_are_all_kept(sales: History):
    frame = pl.DataFrame(
        {"unique_id": ["a"] * 3, "ds": [SUNDAY] * 3, "y": [3.0, 1.0, 2.0], "known_at": [WEDNESDAY, MONDAY, TUESDAY]}
    )
    assert add(sales, frame, WEDNESDAY) == Added(new=1, revised=2, unchanged=0)
    assert [read(sales, at)["a"] for at in (MONDAY, TUESDAY, WEDNESDAY)] == [1.0, 2.0, 3.0]
    assert add(sales, frame, WEDNESDAY).unchanged == 3


def test_repeats_inside_a_frame_count_as_unchanged(sales: History):
    assert add(sales, pl.concat([rows([1.0, 2.0])] * 3)) == Added(new=2, revised=0, unchanged=4)


def test_of_two_arrivals_known_at_the_same_instant_the_later_one_counts(sales: History, lake: FolderLake):
    for y in (1.0, 2.0, 1.0, 3.0):
        add(sales, rows([y]))
    assert read(sales) == {"a": 3.0}
    lake.compact("sales")
    assert read(sales) == {"a": 3.0}


def test_a_column_the_frame_lacks_keeps_what_was_known(sales: History):
    add(sales, rows([1.0, 2.0], price=[0.5, 0.7]))
    assert add(sales, rows([1.0, 9.0]), TUESDAY) == Added(new=0, revised=1, unchanged=1)
    assert sales.read().sort("unique_id")["price"].to_list() == [0.5, 0.7]


def test_a_new_column_is_a_revision_only_where_it_says_something(sales: History):
    add(sales, rows([1.0, 2.0]))
    assert add(sales, rows([1.0, 2.0], price=[None, 0.7]), TUESDAY) == Added(new=0, revised=1, unchanged=1)
    assert sales.read().sort("unique_id")["price"].to_list() == [None, 0.7]


def test_ids_become_text_whatever_they_were(sales: History):
    add(sales, rows([1.0]).with_columns(unique_id=pl.lit(7)))
    frame = rows([1.0]).with_columns(unique_id=pl.lit("7", dtype=pl.Categorical))
    assert add(sales, frame, TUESDAY).unchanged == 1
    assert sales.read()["unique_id"].to_list() == ["7"]


def test_whole_numbers_and_fractions_are_the_same_value(sales: History):
    add(sales, rows([1.0]))
    assert add(sales, rows([1]), TUESDAY).unchanged == 1


def test_rows_before_a_period_are_left_out(sales: History):
    add(sales, rows([1.0], ds=date(2024, 1, 5)))
    add(sales, rows([2.0]))
    add(sales, rows([3.0], ds=date(2024, 1, 5)), TUESDAY)
    assert sales.read(ds_from=SUNDAY)["y"].to_list() == [2.0]
    assert sorted(sales.read(ds_from=date(2024, 1, 5))["y"]) == [2.0, 3.0]


def test_only_the_columns_asked_for_come_back(sales: History):
    add(sales, rows([1.0]))
    assert sales.read(columns=["ds", "y", "price"]).row(0) == (SUNDAY, 1.0, None)
    assert set(sales.read().columns) == {"unique_id", "ds", "y", "known_at", "backfilled"}


@pytest.mark.parametrize(
    ("keys", "frame", "changed"),
    [
        (("unique_id",), {"unique_id": "a", "cost": 1.0}, {"cost": 2.0}),
        (("unique_id", "at"), {"unique_id": "a", "at": MONDAY, "on_hand": 1}, {"on_hand": 2}),
        (("order_id", "unique_id"), {"order_id": "o1", "unique_id": "a", "due": SUNDAY}, {"due": date(2024, 2, 1)}),
    ],
)
def test_other_tables_have_other_keys(lake: FolderLake, keys: tuple[str, ...], frame: dict, changed: dict):
    table = History(lake, "other", keys=keys)
    assert add(table, pl.DataFrame([frame])).new == 1
    assert add(table, pl.DataFrame([frame]), TUESDAY).unchanged == 1
    assert add(table, pl.DataFrame([frame | changed]), TUESDAY).revised == 1
    ((name, value),) = changed.items()
    assert table.read()[name].to_list() == [value]
    assert table.read(as_of=MONDAY)[name].to_list() == [frame[name]]


def test_every_fault_of_a_frame_is_told_at_once_and_nothing_is_kept(sales: History, lake: FolderLake):
    add(sales, rows([1.0]))
    wrong = pl.DataFrame({"unique_id": ["a", None], "ds": [datetime(2024, 1, 7, 5)] * 2, "y": ["1", "2"]})
    with pytest.raises(SchemaError) as caught:
        add(sales, wrong)
    assert [fault.partition(";")[0] for fault in caught.value.faults] == [
        "column 'ds' is Datetime(time_unit='us', time_zone=None) and was Date so far",
        "column 'y' is String and was Float64 so far",
        "column 'unique_id' has 1 nulls",
    ]
    assert len(lake.segments("sales")) == 1


def test_a_missing_key_is_named(sales: History):
    with pytest.raises(SchemaError, match="column 'ds' is missing"):
        add(sales, rows([1.0]).drop("ds"))


def test_rows_that_contradict_each_other_are_refused(sales: History):
    with pytest.raises(SchemaError, match="1 keys have rows that differ, the first of them ds 2024-01-07, unique_id a"):
        add(sales, pl.concat([rows([1.0]), rows([2.0])]))


def test_an_empty_frame_adds_nothing(sales: History, lake: FolderLake):
    assert add(sales, rows([1.0]).clear()) == Added(new=0, revised=0, unchanged=0)
    assert lake.segments("sales") == []


def test_a_lost_segment_is_told_and_not_read_around(sales: History, lake: FolderLake, tmp_path: Path):
    add(sales, rows([1.0]))
    add(sales, rows([1.0], ds=date(2024, 1, 8)))
    next((tmp_path / "lake/sales").glob("*.parquet")).unlink()
    with pytest.raises(CorruptError, match="is missing"):
        sales.read()
