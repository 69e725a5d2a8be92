"""Tables on their way into a real project: nothing half-written, nothing twice, the past readable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from finalmile.adapters.local.history import History
from finalmile.adapters.local.lake import FolderLake
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.adapters.sources import load
from finalmile.errors import MissingInputError, SchemaError
from finalmile.frames.dialects import Kind
from finalmile.frames.specs import SPECS
from finalmile.ports import HistoryTable
from finalmile.workflows.ingest import IngestReport, ingest

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
Tables = Mapping[Kind, HistoryTable]


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    with SqlLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        lake = FolderLake(tmp_path / "lake", ledger)
        yield {kind: History(lake, kind, spec.keys) for kind, spec in SPECS.items()}


def take(tables: Tables, frame: pl.DataFrame, kind: Kind = "sales", **how: object) -> IngestReport:
    settings: dict[str, object] = {"source": "shop.csv", "tables": tables, "now": NOW} | how
    return ingest(kind, frame, **settings)  # type: ignore[arg-type]


def sales(first: date = date(2024, 1, 1), n: int = 3, **columns: object) -> pl.DataFrame:
    days = [first + timedelta(days=at) for at in range(n)]
    return pl.DataFrame({"unique_id": ["a"] * n, "ds": days, "y": [float(at + 1) for at in range(n)]} | columns)


def rows(tables: Tables, kind: Kind, **how: object) -> list[dict[str, object]]:
    frame = tables[kind].read(**how)  # type: ignore[arg-type]
    if frame.is_empty():
        return []
    return frame.drop("known_at", "backfilled").sort(SPECS[kind].keys).to_dicts()


def test_a_second_ingest_of_the_same_rows_changes_nothing(tables: Tables) -> None:
    first = take(tables, sales(price=[1, 2, 3], dept_id=["x"] * 3))
    before = rows(tables, "sales"), rows(tables, "items")
    again = take(tables, sales(price=[1, 2, 3], dept_id=["x"] * 3).reverse(), now=NOW + timedelta(days=1))
    assert (first.new, first.revised, first.items) == (3, 0, 1)
    assert (again.new, again.revised, again.unchanged, again.items) == (0, 0, 3, 0)
    assert again.lines()[1] == "already known: nothing changed"
    assert again.to_dict()["changed"] is False
    assert again.digest == first.digest
    assert (rows(tables, "sales"), rows(tables, "items")) == before


def test_nothing_is_written_where_anything_is_wrong(tables: Tables) -> None:
    with pytest.raises(SchemaError):
        take(tables, sales(y=[1.0, None, 2.0], dept_id=["x"] * 3))
    assert rows(tables, "sales") == []
    assert rows(tables, "items") == []


def test_revisions_are_counted_and_the_past_stays_readable(tables: Tables) -> None:
    take(tables, sales())
    later = NOW + timedelta(days=2)
    told = take(tables, sales(y=[1.0, 9.0, 3.0]), now=later, known_at=later)
    assert (told.new, told.revised, told.unchanged) == (0, 1, 2)
    assert [row["y"] for row in rows(tables, "sales")] == [1.0, 9.0, 3.0]
    assert [row["y"] for row in rows(tables, "sales", as_of=NOW)] == [1.0, 2.0, 3.0]


def test_a_figure_may_go_back_to_what_it_was(tables: Tables) -> None:
    for at, y in enumerate((2.0, 5.0, 2.0)):
        take(tables, sales(y=[1.0, y, 3.0]), now=NOW + timedelta(days=at))
    assert [row["y"] for row in rows(tables, "sales")] == [1.0, 2.0, 3.0]


def test_old_rows_are_history_and_recent_ones_arrive(tables: Tables) -> None:
    assert take(tables, sales()).backfill
    assert not take(tables, sales(first=date(2024, 5, 29))).backfill
    assert not take(tables, sales(first=date(2024, 2, 1)), known_at=NOW).backfill
    assert take(tables, sales(first=date(2024, 5, 1)), backfill=True).backfill
    before = rows(tables, "sales", as_of=NOW - timedelta(days=1))
    assert [row["ds"] for row in before] == [date(2024, month, day) for month in (1, 5) for day in (1, 2, 3)]


def test_a_column_known_at_says_when_each_row_was_known(tables: Tables) -> None:
    stamps = [datetime(2024, 1, day, tzinfo=UTC) for day in (2, 3, 9)]
    take(tables, sales(known_at=stamps))
    assert len(rows(tables, "sales", as_of=stamps[1])) == 2


def test_attributes_of_sales_go_to_items_and_never_over_what_is_known(tables: Tables) -> None:
    take(tables, pl.DataFrame({"unique_id": ["a"], "category": ["told"], "unit_cost": [2.0]}), "items")
    told = take(tables, sales(category=["guessed"] * 3, brand=["b"] * 3))
    assert rows(tables, "items") == [{"unique_id": "a", "category": "told", "unit_cost": 2.0, "brand": "b"}]
    assert told.items == 1


def test_items_come_in_pieces(tables: Tables) -> None:
    take(tables, pl.DataFrame({"unique_id": ["a"], "unit_cost": [2.0]}), "items")
    take(tables, pl.DataFrame({"unique_id": ["a"], "moq": [6]}), "items")
    assert rows(tables, "items") == [{"unique_id": "a", "unit_cost": 2.0, "moq": 6.0}]


def test_ids_that_others_do_not_know_are_noted(tables: Tables) -> None:
    take(tables, sales())
    told = take(tables, pl.DataFrame({"unique_id": ["a", "b"], "unit_cost": [1, 2]}), "items")
    assert "1 id is not in sales: b" in told.notes
    told = take(tables, pl.DataFrame({"unique_id": ["c"], "at": [date(2024, 5, 1)], "on_hand": [1]}), "stock")
    assert "1 id is not in items: c" in told.notes
    moved = {
        "transfer_id": ["t"],
        "unique_id": ["a"],
        "to_id": ["d"],
        "quantity": [2],
        "shipped_at": [date(2024, 5, 1)],
    }
    assert "1 id is not in items: d" in take(tables, pl.DataFrame(moved), "transfers").notes


def test_a_file_of_one_day_is_read_as_the_year_was(tables: Tables) -> None:
    take(tables, sales(mood=["fair", "foul", "fair"]))
    take(tables, sales(first=date(2024, 1, 4), n=1, mood=["foul"]))
    assert [row["mood"] for row in rows(tables, "sales")] == ["fair", "foul", "fair", "foul"]
    assert rows(tables, "items") == []


def test_a_file_of_another_frequency_is_refused(tables: Tables) -> None:
    take(tables, sales(n=60))
    weeks = [date(2024, 3, 4) + timedelta(days=7 * at) for at in range(6)]
    with pytest.raises(SchemaError, match="step by the week in a set that steps by the day"):
        take(tables, sales(n=6, ds=weeks))
    hours = [datetime(2024, 3, 4, hour) for hour in range(6)]
    with pytest.raises(SchemaError, match="do not start a period of frequency D"):
        take(tables, sales(n=6, ds=hours))


def test_a_stock_out_is_one_whichever_file_it_came_in(tables: Tables) -> None:
    take(tables, sales(first=date(2024, 1, 4), n=2, y=[0.0, 3.0], in_stock=[False, True]))
    take(tables, sales())
    assert [row["censored"] for row in rows(tables, "sales")] == [False, False, False, True, False]


def test_what_is_ahead_was_known_days_before(tables: Tables) -> None:
    frame = sales(first=date(2024, 6, 10)).rename({"y": "price"})
    take(tables, frame, "future", known_days_ahead=7)
    assert len(rows(tables, "future", as_of=datetime(2024, 6, 4, tzinfo=UTC))) == 2
    assert rows(tables, "future", as_of=datetime(2024, 6, 2, tzinfo=UTC)) == []


def test_what_is_ahead_may_be_said_of_a_whole_region(tables: Tables) -> None:
    frame = pl.DataFrame({"unique_id": ["a", "b", "c"], "region": ["n", "n", "s"]})
    take(tables, frame, "items")
    told = take(tables, pl.DataFrame({"region": ["n", "s"], "ds": [date(2024, 7, 1)] * 2, "promo": [1, 0]}), "future")
    assert [(row["unique_id"], row["promo"]) for row in rows(tables, "future")] == [("a", 1), ("b", 1), ("c", 0)]
    assert "rows of region spread over 3 ids" in told.notes
    take(tables, pl.DataFrame({"ds": [date(2024, 7, 2)], "event": ["Fair"]}), "future")
    assert len(rows(tables, "future")) == 6


def test_a_region_nobody_belongs_to_is_said(tables: Tables) -> None:
    with pytest.raises(SchemaError, match="no item has this attribute"):
        take(tables, pl.DataFrame({"region": ["n"], "ds": [date(2024, 7, 1)], "promo": [1]}), "future")
    with pytest.raises(MissingInputError, match="no series is concerned"):
        take(tables, pl.DataFrame({"ds": [date(2024, 7, 1)], "promo": [1]}), "future")


def test_an_order_that_is_not_listed_any_more_is_closed(tables: Tables) -> None:
    frame = pl.DataFrame({"order_id": ["1", "2"], "unique_id": "a", "quantity": [5, 6], "due": [date(2024, 7, 1)] * 2})
    take(tables, frame, "open_orders")
    told = take(tables, frame.head(1), "open_orders", now=NOW + timedelta(days=1))
    assert "1 order lines are not listed any more: closed" in told.notes
    assert [row["quantity"] for row in rows(tables, "open_orders")] == [5.0, 0.0]
    again = take(tables, frame.head(1), "open_orders", now=NOW + timedelta(days=2))
    assert (again.new, again.revised) == (0, 0)
    take(tables, frame.tail(1), "open_orders", complete=False, now=NOW + timedelta(days=3))
    assert [row["quantity"] for row in rows(tables, "open_orders")] == [5.0, 6.0]


def test_ready_made_forecasts_are_kept_under_their_version(tables: Tables) -> None:
    frame = pl.DataFrame({"item_id": ["a"] * 2, "timestamp": [date(2024, 6, 1), date(2024, 6, 2)], "mean": [1.0, 2.0]})
    told = take(tables, frame.with_columns(pl.lit(3.0).alias("0.9")), "forecasts", stamp={"model": "own", "version": 1})
    kept = rows(tables, "forecasts")
    assert kept[0] == {
        "unique_id": "a",
        "cutoff": date(2024, 5, 31),
        "ds": date(2024, 6, 1),
        "mean": 1.0,
        "q0.9": 3.0,
        "model": "own",
        "version": 1,
    }
    assert told.frequency == "D"
    assert not told.backfill


def test_the_report_reads_as_sentences(tables: Tables) -> None:
    told = take(tables, sales(dept_id=["x"] * 3, y=[1, -1, 2]))
    assert told.lines() == [
        "shop.csv: 3 rows of sales, 1 id, 2024-01-01 to 2024-01-03, frequency D",
        "3 new, 0 revised, 0 known already; known when they happened (history)",
        "attributes of 1 item: dept_id",
        "note: 1 rows are negative: kept as returns; demand is learned from what is above 0",
    ]
    assert told.breached is False


@pytest.mark.parametrize("kind", list(SPECS))
def test_every_kind_of_table_refuses_an_empty_file_by_name(tables: Tables, tmp_path: Path, kind: Kind) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("unique_id,ds\n")
    loaded = load(path)
    with pytest.raises(SchemaError, match=r"empty\.csv: rows: there are none"):
        take(tables, loaded.frame, kind, source=loaded.label, untyped=loaded.untyped)


def test_a_csv_and_a_parquet_file_of_the_same_sales_are_the_same(tables: Tables, tmp_path: Path) -> None:
    frame = sales(price=[1.5, 2.0, 2.5], promo=[True, False, True], event=[None, "Fair", None], dept_id=["007"] * 3)
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "a.parquet")
    digests = set[str]()
    for name in ("a.csv", "a.parquet"):
        loaded = load(tmp_path / name)
        digests.add(take(tables, loaded.frame, source=name, untyped=loaded.untyped, parts=loaded.parts).digest)
    assert len(digests) == 1


def test_real_weeks_are_taken_once(tables: Tables, real_data: Path) -> None:
    loaded = load(real_data / "vn2_weekly_instock.parquet")
    told = take(tables, loaded.frame, source=loaded.label)
    assert (told.new, told.items, told.frequency) == (94_043, 599, "W-MON")
    again = take(tables, loaded.frame, source=loaded.label)
    assert (again.new, again.revised, again.items) == (0, 0, 0)
