"""Demand over windows comes back from the forecast log as it was told, whatever the windows were."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.adapters.local.lake import FolderLake
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.frames import Cumulative, Forecast, Frequency
from finalmile.inventory.demand import mean_at, quantile_at
from finalmile.records import Version
from finalmile.workflows.logbook import LakeLog

LEVELS = (0.5, 0.8, 0.98)
VERSION = Version(
    model="demand",
    number=1,
    kind="lightgbm",
    digest="0",
    cutoff=date(2024, 1, 1),
    created_at=datetime(2024, 1, 1, tzinfo=UTC),
)


@dataclass(frozen=True)
class Days:
    frequency: Frequency = field(default_factory=lambda: Frequency("day"))


def told_of(windows: list[list[int]]) -> Forecast:
    """Quantiles that name their series, window and level, so that any mix-up shows."""
    asked = np.array(windows, dtype=np.int64)
    n = len(asked)
    series = 1000 * np.arange(1, n + 1)[:, None]
    values = (series + 10 * asked)[:, :, None] + np.arange(len(LEVELS))
    return Forecast(
        ids=np.array([f"s{row}" for row in range(n)], dtype=object),
        frequency=Frequency("day"),
        cutoff=19_000,
        mean=np.ones((n, 3), dtype=np.float32),
        cumulative=Cumulative(
            windows=asked,
            mean=(series + asked).astype(np.float32),
            levels=LEVELS,
            values=values.astype(np.float32),
            methods=np.array([f"m{row}" for row in range(n)], dtype=object),
            calibration_id="abc",
        ),
    )


def any_windows() -> st.SearchStrategy[list[list[int]]]:
    """Windows of one to four series, as many for each, repeated and in any order."""
    return st.integers(1, 4).flatmap(
        lambda w: st.lists(st.lists(st.integers(1, 9), min_size=w, max_size=w), min_size=1, max_size=4)
    )


def read_back(told: Forecast) -> Cumulative:
    with TemporaryDirectory() as folder, SqlLedger(f"sqlite:///{folder}/ledger.db") as ledger:
        known: Any = Days()
        log = LakeLog(FolderLake(Path(folder) / "lake", ledger), known)
        assert log.put(VERSION, told, issued_at=datetime(2024, 1, 2, tzinfo=UTC))
        kept = log.told("demand", told.cutoff, version=1)
    assert kept is not None
    assert kept.cumulative is not None
    return kept.cumulative


@settings(max_examples=15, deadline=None)
@given(any_windows())
def test_every_quantile_comes_back_for_its_window_also_where_windows_repeat(windows: list[list[int]]):
    told = told_of(windows)
    kept = read_back(told)
    assert told.cumulative is not None
    for column in told.cumulative.windows.T:
        np.testing.assert_array_equal(mean_at(kept, column), mean_at(told.cumulative, column))
        for level in LEVELS:
            np.testing.assert_array_equal(
                quantile_at(kept, column, level=level), quantile_at(told.cumulative, column, level=level)
            )
    assert kept.methods.tolist() == told.cumulative.methods.tolist()
    assert (kept.levels, kept.calibration_id) == (LEVELS, "abc")


def test_items_of_one_lead_time_beside_those_of_several_keep_their_quantiles():
    kept = read_back(told_of([[10, 11, 12], [9, 9, 9]]))
    assert kept.windows.tolist() == [[10, 11, 12], [9, 9, 9]]
    assert kept.values[1].tolist() == [[2090.0, 2091.0, 2092.0]] * 3


def test_a_window_is_one_row_a_level_however_often_it_was_asked():
    frame = told_of([[10, 11, 12], [9, 9, 9]]).cumulative_frame()
    assert frame.height == (3 + 1) * len(LEVELS)
    assert frame.select("unique_id", "window", "level").is_unique().all()


def test_a_log_that_holds_a_window_several_times_is_read_like_any_other(monkeypatch: pytest.MonkeyPatch):
    told = told_of([[10, 11, 12], [9, 9, 9]])
    frame = told.cumulative_frame()
    again = frame.filter(frame["window"] == 9)
    monkeypatch.setattr(Forecast, "cumulative_frame", lambda _: frame.vstack(again).vstack(again))
    assert told.cumulative is not None
    assert read_back(told).values.tolist() == told.cumulative.values.tolist()
