"""The result of a batch is joined from its parts without holding them all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from finalmile.serving.board import Served
from finalmile.serving.online import About, OnlineTable
from finalmile.serving.ready import Ready
from finalmile.workflows import batch
from finalmile.workflows.batch import CHUNK, Source, answer_all


def test_parts_with_other_columns_are_joined_in_their_order_and_never_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = About(
        model="demand", number=1, cutoff="2024-01-01", kind="answers", frequency="D", ds=("2024-01-02",), levels=(0.5,)
    )
    arrays = {"mean": np.array([[3.0]]), "quantiles": np.ones((1, 1, 1))}
    OnlineTable(about=about, ids=["milk"], arrays=arrays).write(tmp_path / "table")
    served = Served(model="demand", number=1, kind="t", digest="", folder=str(tmp_path))
    ready = Ready(served=served, table=OnlineTable.open(tmp_path / "table"))
    last = b'{"unique_id": "milk", "quantiles": true}\n'
    (tmp_path / "in").write_bytes(b'{"unique_id": "milk"}\n' * (2 * CHUNK) + last)
    with monkeypatch.context() as patched:
        patched.setattr(batch.pl, "read_parquet", lambda *_, **__: pytest.fail("a part was read whole"))
        made = answer_all(ready, Source(path=tmp_path / "in", form="jsonl"), tmp_path / "job", lambda *_: None)
    result = pl.read_parquet(made)
    assert result["row"].to_list() == list(range(2 * CHUNK + 1))
    assert result["q0.5"].to_list() == [None] * (2 * CHUNK) + [1.0]
    assert [path.name for path in (tmp_path / "job").iterdir()] == ["result.parquet"]
