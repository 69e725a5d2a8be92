"""Late, repeated and revised rows, in whatever order and portions they arrive, end in the same table."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.adapters.local.history import History
from finalmile.adapters.local.lake import FolderLake
from finalmile.adapters.local.ledger import SqlLedger

START = datetime(2024, 1, 1, tzinfo=UTC)
Event = tuple[str, int, int, float]  # id, day, when it was known, value


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[Event]]:
    """Portions of events, some of them sent again; each says when it was known."""
    place = st.tuples(st.sampled_from("ab"), st.integers(0, 1), st.integers(0, 5))
    values = st.sampled_from([0.0, 1.0, 2.0])
    told = draw(st.dictionaries(place, values, min_size=1, max_size=10))
    events = [(*key, value) for key, value in told.items()]
    again = draw(st.lists(st.sampled_from(events), max_size=5))
    order = draw(st.permutations(events + again))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=4)))
    edges = [0, *cuts, len(order)]
    return [order[low:high] for low, high in pairwise(edges)]


def frame(events: Sequence[Event]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "unique_id": pl.Series([event[0] for event in events], dtype=pl.String),
            "ds": pl.Series([date(2024, 1, 1) + timedelta(days=event[1]) for event in events], dtype=pl.Date),
            "y": pl.Series([event[3] for event in events], dtype=pl.Float64),
            "known_at": pl.Series(
                [START + timedelta(days=event[2]) for event in events], dtype=pl.Datetime("us", "UTC")
            ),
        }
    )


def truth(events: Sequence[Event], as_of: int) -> dict[tuple[str, date], float]:
    """What anybody could have known then."""
    newest: dict[tuple[str, date], float] = {}
    for event in sorted(events, key=lambda event: event[2]):
        if event[2] <= as_of:
            newest[event[0], date(2024, 1, 1) + timedelta(days=event[1])] = event[3]
    return newest


def found(history: History, as_of: datetime | None) -> dict[tuple[str, date], float]:
    rows = history.read(as_of=as_of)
    content = {(row["unique_id"], row["ds"]): row["y"] for row in rows.iter_rows(named=True)}
    assert len(content) == rows.height
    return content


@given(portions=arrivals(), merge_after=st.integers(0, 6))
@settings(max_examples=40, deadline=None)
def test_any_order_of_arrival_reads_the_same_now_and_at_every_past_instant(
    portions: list[list[Event]], merge_after: int
):
    events = [event for portion in portions for event in portion]
    with tempfile.TemporaryDirectory() as folder, SqlLedger(f"sqlite:///{folder}/ledger.db") as ledger:
        lake = FolderLake(Path(folder) / "lake", ledger)
        history = History(lake, "sales")
        for number, portion in enumerate(portions):
            told = history.add(frame(portion), known_at=START, backfill=False, writer="ingest")
            assert told.new + told.revised + told.unchanged == len(portion)
            if number == merge_after:
                lake.compact("sales")
        assert found(history, None) == truth(events, 99)
        for as_of in range(-1, 7):
            assert found(history, START + timedelta(days=as_of)) == truth(events, as_of)
        before = len(lake.segments("sales"))
        assert history.add(frame(events), known_at=START, backfill=False, writer="again").unchanged == len(events)
        assert len(lake.segments("sales")) == before


@given(values=st.lists(st.sampled_from([0.0, 1.0, None]), min_size=1, max_size=6), backfill=st.booleans())
@settings(max_examples=25, deadline=None)
def test_files_that_come_day_by_day_read_as_they_stood_each_day(values: list[float | None], backfill: bool):
    with tempfile.TemporaryDirectory() as folder, SqlLedger(f"sqlite:///{folder}/ledger.db") as ledger:
        history = History(FolderLake(Path(folder) / "lake", ledger), "sales")
        for day, value in enumerate(values):
            rows = frame([("a", 0, 0, 0.0)]).drop("known_at").with_columns(y=pl.lit(value, dtype=pl.Float64))
            known_at = START + timedelta(days=day)
            told = history.add(rows, known_at=known_at, backfill=backfill, writer="ingest")
            changed = day == 0 or value != values[day - 1]
            assert told.new + told.revised == int(changed)
        for day, value in enumerate(values):
            assert history.read(as_of=START + timedelta(days=day))["y"].to_list() == [value]
