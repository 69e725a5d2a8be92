"""What every lake promises."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from finalmile.adapters.local.lake import FolderLake
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.errors import CorruptError


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    with SqlLedger(f"sqlite:///{tmp_path}/ledger.db") as opened:
        yield opened


@pytest.fixture
def lake(tmp_path: Path, ledger: SqlLedger) -> FolderLake:
    return FolderLake(tmp_path / "lake", ledger)


def day(number: int, **columns: object) -> pl.DataFrame:
    ds = date(2024, 1, number)
    return pl.DataFrame({"unique_id": ["a", "b"], "ds": [ds, ds], "y": [1.0, float(number)], **columns})


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "lake").rglob("*.parquet"))


def test_rows_come_back_in_the_order_they_were_appended(lake: FolderLake):
    frames = [day(3), day(1), day(2)]
    for number, frame in enumerate(frames):
        assert lake.append("sales", frame, writer="ingest", sequence=number)
    assert_frame_equal(lake.scan("sales").collect(), pl.concat(frames))


def test_a_segment_is_appended_once(lake: FolderLake, tmp_path: Path):
    assert lake.sequence("sales", "ingest") == -1
    assert lake.append("sales", day(1), writer="ingest", sequence=0)
    assert not lake.append("sales", day(2), writer="ingest", sequence=0)
    assert lake.append("sales", day(2), writer="other", sequence=0)
    assert lake.sequence("sales", "ingest") == 0
    assert lake.scan("sales").collect().height == 4
    assert len(files(tmp_path)) == 2


def test_a_table_nobody_wrote_has_no_columns(lake: FolderLake):
    assert lake.scan("sales").collect().width == 0


def test_a_frame_without_rows_keeps_its_columns(lake: FolderLake):
    lake.append("sales", day(1).clear(), writer="ingest", sequence=0)
    assert_frame_equal(lake.scan("sales").collect(), day(1).clear())


def test_tables_may_gain_columns_and_wider_types(lake: FolderLake):
    lake.append("sales", day(1).with_columns(pl.col("y").cast(pl.Int64)), writer="ingest", sequence=0)
    lake.append("sales", day(2, price=[0.5, None]), writer="ingest", sequence=1)
    lake.append("sales", day(3), writer="ingest", sequence=2)
    rows = lake.scan("sales").collect()
    assert rows["y"].to_list() == [1.0, 1.0, 1.0, 2.0, 1.0, 3.0]
    assert rows["price"].to_list() == [None, None, 0.5, None, None, None]


def test_coded_text_is_kept_as_text(lake: FolderLake):
    lake.append("sales", day(1).with_columns(pl.col("unique_id").cast(pl.Categorical)), writer="ingest", sequence=0)
    assert lake.scan("sales").collect_schema()["unique_id"] == pl.String


def test_segments_are_chosen_by_tags(lake: FolderLake):
    lake.append("forecasts", day(1), writer="a", sequence=0, tags={"model": "demand", "version": "1"})
    lake.append("forecasts", day(2), writer="a", sequence=1, tags={"model": "demand", "version": "2"})
    assert lake.scan("forecasts", tags={"version": "2"}).collect()["ds"].unique().to_list() == [date(2024, 1, 2)]
    assert lake.scan("forecasts", tags={"model": "demand"}).collect().height == 4
    assert lake.scan("forecasts", tags={"model": "other"}).collect().height == 0


@pytest.mark.parametrize("since", [date(2024, 1, 2), datetime(2024, 1, 2), datetime(2024, 1, 2, tzinfo=UTC)])
def test_segments_wholly_before_a_date_are_left_out(lake: FolderLake, since: date):
    for number in (1, 2, 3):
        lake.append("sales", day(number), writer="ingest", sequence=number)
    assert lake.scan("sales", ds_from=since).collect()["ds"].unique().sort().to_list() == [
        date(2024, 1, 2),
        date(2024, 1, 3),
    ]


def test_several_parts_become_visible_together(lake: FolderLake):
    assert lake.append_parts("sales", [(day(1), False), (day(2), True)], writer="ingest", sequence=0)
    assert not lake.append_parts("sales", [(day(3), False)], writer="ingest", sequence=0)
    assert lake.sequence("sales", "ingest") == 1
    assert lake.scan("sales", revises=True).collect()["ds"][0] == date(2024, 1, 2)
    assert lake.scan("sales", revises=False).collect()["ds"][0] == date(2024, 1, 1)


def test_merged_segments_hold_the_same_rows_and_are_not_appended_again(lake: FolderLake, tmp_path: Path):
    for number in range(1, 9):
        lake.append("sales", day(number, price=[1.0, 2.0]) if number % 3 else day(number), writer="w", sequence=number)
    before = lake.scan("sales").collect()
    assert lake.compact("sales") == 8
    assert_frame_equal(lake.scan("sales").collect(), before)
    assert len(lake.segments("sales")) == 1
    assert not lake.append("sales", day(1), writer="w", sequence=1)
    assert lake.sequence("sales", "w") == 8
    assert len(lake.sweep()) == 8
    assert len(files(tmp_path)) == 1
    assert lake.compact("sales") == 0


def test_merging_keeps_tags_and_revisions_apart(lake: FolderLake):
    for number, (tag, revises) in enumerate([("1", False), ("1", True), ("2", False), ("1", False), ("1", True)]):
        lake.append("sales", day(number + 1), writer="w", sequence=number, tags={"v": tag}, revises=revises)
    assert lake.compact("sales") == 4
    assert [(part.tags["v"], part.revises, part.rows) for part in lake.segments("sales")] == [
        ("1", False, 4),
        ("1", True, 4),
        ("2", False, 2),
    ]


def test_large_segments_are_left_alone(lake: FolderLake):
    for number in (1, 2, 3):
        lake.append("sales", day(number), writer="w", sequence=number)
    assert lake.compact("sales", small_rows=2) == 0


def test_files_without_a_manifest_row_are_swept_and_never_read(lake: FolderLake, tmp_path: Path):
    lake.append("sales", day(1), writer="w", sequence=0)
    orphan, half = tmp_path / "lake/sales/2024-01-02_x.parquet", tmp_path / "lake/sales/.y.pending"
    day(2).write_parquet(orphan)
    half.write_bytes(b"PAR1")
    assert lake.scan("sales").collect().height == 2
    assert lake.sweep() == [half, orphan]
    assert lake.verify("sales") == 1


@pytest.mark.parametrize("size", [0, 4, 100])
def test_a_truncated_segment_is_named(lake: FolderLake, tmp_path: Path, size: int):
    lake.append("sales", day(1), writer="w", sequence=0)
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CorruptError, match=f"{path.name} has {size} bytes"):
        lake.scan("sales")


def test_a_missing_segment_is_named(lake: FolderLake, tmp_path: Path):
    lake.append("sales", day(1), writer="w", sequence=0)
    (path,) = files(tmp_path)
    path.unlink()
    with pytest.raises(CorruptError, match=f"{path.name} is missing: 2 rows of sales"):
        lake.scan("sales")


def test_a_changed_byte_is_found(lake: FolderLake, tmp_path: Path):
    lake.append("sales", day(1), writer="w", sequence=0)
    (path,) = files(tmp_path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptError, match="sha256 differs"):
        lake.verify("sales")


@pytest.mark.parametrize("name", ["", "Sales", "../sales", "sales/2024", "sales table", "1sales"])
def test_a_table_name_that_is_no_plain_word_is_refused(lake: FolderLake, name: str):
    with pytest.raises(ValueError, match="no table can be called"):
        lake.append(name, day(1), writer="w", sequence=0)


def test_a_writer_may_be_called_anything(lake: FolderLake, tmp_path: Path):
    lake.append("sales", day(1), writer="../../etc/🍎 '; drop", sequence=0)
    assert [path.parent for path in files(tmp_path)] == [tmp_path / "lake/sales"]
