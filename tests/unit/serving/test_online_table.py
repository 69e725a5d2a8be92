"""Tables looked up online."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from finalmile.errors import CorruptError
from finalmile.serving.online import About, OnlineTable, newest_table, sweep_tables


def _table(cutoff: str = "2026-01-01") -> OnlineTable:
    about = About(
        model="demand",
        number=3,
        cutoff=cutoff,
        kind="answers",
        frequency="D",
        ds=("2026-01-02", "2026-01-03"),
        levels=(0.5, 0.9),
    )
    mean = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
    return OnlineTable(about=about, ids=["bread", "milk"], arrays={"mean": mean, "quantiles": np.stack([mean] * 2, 2)})


def test_a_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    _table().write(tmp_path / "2026-01-01")
    told = OnlineTable.open(tmp_path / "2026-01-01")
    row = told.row_of("milk")
    assert row is not None
    assert told.about == _table().about
    assert told.arrays["mean"][row].tolist() == [3.0, 4.0]
    assert (told.horizon, told.row_of("butter"), told.step_of["2026-01-03"]) == (2, None, 1)


def test_who_has_a_table_open_reads_on_when_it_is_replaced(tmp_path: Path) -> None:
    _table().write(tmp_path / "t")
    told = OnlineTable.open(tmp_path / "t")
    _table("2026-01-09").write(tmp_path / "t")
    assert told.arrays["mean"][0].tolist() == [1.0, 2.0]
    assert OnlineTable.open(tmp_path / "t").about.cutoff == "2026-01-09"
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_the_newest_cutoff_counts_and_old_ones_are_swept(tmp_path: Path) -> None:
    assert newest_table(tmp_path) is None
    for day in range(1, 6):
        _table().write(tmp_path / f"2026-01-0{day}")
    sweep_tables(tmp_path, keep=2)
    newest = newest_table(tmp_path)
    assert newest is not None
    assert newest.name == "2026-01-05"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-01-04", "2026-01-05"]


@pytest.mark.parametrize("spoil", ["about.json", "ids.json", "mean.npy"])
def test_a_damaged_table_is_refused(tmp_path: Path, spoil: str) -> None:
    _table().write(tmp_path / "t")
    (tmp_path / "t" / spoil).write_bytes(b"[]")
    with pytest.raises(CorruptError):
        OnlineTable.open(tmp_path / "t")
