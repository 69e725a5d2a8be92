"""Whatever order rows and files come in, what is kept is the same."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from finalmile.adapters.local.history import History
from finalmile.adapters.local.lake import FolderLake
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.errors import SchemaError
from finalmile.frames.casting import Cast
from finalmile.frames.dialects import Kind
from finalmile.frames.faults import Faults
from finalmile.frames.schema import clean
from finalmile.frames.specs import SPECS
from finalmile.workflows.ingest import ingest

NOW = datetime(2024, 6, 1, tzinfo=UTC)
FEW = settings(max_examples=15, deadline=None)

Row = tuple[str, int, float, bool, str | None]


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Sales of a few series: holes, stock-outs before and after listing, returns, events, odd ids."""
    key = st.tuples(st.sampled_from(["a", "🍎", "007"]), st.integers(0, 40))
    keys = draw(st.lists(key, min_size=1, max_size=25, unique=True))
    units = st.sampled_from([0.0, 0.0, 1.0, 2.5, -1.0])
    return [(*key, draw(units), draw(st.booleans()), draw(st.sampled_from([None, "Fair"]))) for key in keys]


def table(told: Sequence[Row]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "unique_id": [row[0] for row in told],
            "ds": [date(2024, 1, 1) + timedelta(days=row[1]) for row in told],
            "y": [row[2] for row in told],
            "in_stock": [row[3] for row in told],
            "event": pl.Series([row[4] for row in told], dtype=pl.String),
            "dept_id": [f"d{row[0]}" for row in told],
        }
    )


@contextmanager
def store() -> Iterator[dict[Kind, History]]:
    with tempfile.TemporaryDirectory() as folder, SqlLedger(f"sqlite:///{folder}/ledger.db") as ledger:
        lake = FolderLake(Path(folder) / "lake", ledger)
        yield {kind: History(lake, kind, keys=SPECS[kind].keys) for kind in ("sales", "items")}


def kept(parts: Sequence[pl.DataFrame]) -> dict[Kind, pl.DataFrame]:
    with store() as tables:
        for part in parts:
            ingest("sales", part, source="part", tables=tables, now=NOW, sparse=True, backfill=True)
        return {kind: table.read().sort(SPECS[kind].keys) for kind, table in tables.items()}


@FEW
@given(told=rows(), data=st.data())
def test_any_order_of_rows_and_any_split_into_files_is_kept_the_same(told: list[Row], data: st.DataObject) -> None:
    whole = kept([table(told)])
    shuffled = data.draw(st.permutations(told))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(told)), max_size=3)))
    edges = [0, *cuts, len(told)]
    parts = [table(shuffled[low:high]) for low, high in pairwise(edges) if high > low]
    again = kept([*parts, parts[0]])
    for kind, frame in whole.items():
        assert_frame_equal(again[kind], frame, check_column_order=False)


@FEW
@given(told=rows())
def test_cleaning_what_is_clean_changes_nothing(told: list[Row]) -> None:
    once = clean("sales", table(told), source="x", now=NOW, sparse=True)
    frame = once.frame.with_columns((~pl.col("censored")).alias("in_stock")).drop("censored")
    again = clean("sales", frame, source="x", now=NOW, sparse=True)
    assert_frame_equal(again.frame, once.frame, check_column_order=False)


@settings(max_examples=40, deadline=None)
@given(
    ids=st.lists(st.text(max_size=5) | st.none(), min_size=1, max_size=6),
    ds=st.lists(st.text(max_size=12) | st.sampled_from(["2024-01-01", "2024-01", "1/2/2023"]), min_size=6, max_size=6),
    y=st.lists(st.text(max_size=6) | st.sampled_from(["1", "1,5", "nan", "inf"]), min_size=6, max_size=6),
)
def test_no_text_file_brings_anything_but_rows_or_a_named_fault(
    ids: list[str | None], ds: list[str], y: list[str]
) -> None:
    n = len(ids)
    frame = pl.DataFrame({"unique_id": pl.Series(ids, dtype=pl.String), "ds": ds[:n], "y": y[:n]})
    try:
        told, faults = clean("sales", frame, source="odd.csv", now=NOW, untyped=True).frame, ()
    except SchemaError as error:
        told, faults = frame.clear(), error.faults
    assert told.height or faults
    assert all("; " in fault and ": " in fault for fault in faults)
    assert told.select("unique_id", "ds", "y").null_count().sum_horizontal().item() == 0


@FEW
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=1, max_size=20))
def test_numbers_written_as_text_come_back_exactly(values: list[float]) -> None:
    faults = Faults(source="x", rows=len(values))
    read = Cast()(pl.Series("y", [repr(value) for value in values]), "number", faults=faults)
    assert read.to_list() == values
    assert not faults.found
