"""A disk that fills up: a clear error, nothing half-written, and work goes on once there is room."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from finalmile.adapters.local.artefacts import FolderArtefacts
from finalmile.adapters.local.history import History
from finalmile.adapters.local.lake import FolderLake
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.errors import TransientError

NOW = datetime(2024, 1, 7, tzinfo=UTC)
DISK_MB = 3


def noise(number: int, rows: int = 40_000) -> pl.DataFrame:
    """Rows that do not compress."""
    random = np.random.default_rng(number)
    ids = [f"{number}-{row}" for row in range(rows)]
    return pl.DataFrame({"unique_id": ids, "ds": [date(2024, 1, 1)] * rows, "y": random.random(rows)})


def fill(folder: Path) -> Path:
    """Take all the room that is left."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return filler
    return filler


def forever(act: Callable[[], object]) -> None:
    while True:
        act()


def model(folder: Path) -> None:
    (folder / "model.txt").write_bytes(b"x" * 100_000)


def test_a_full_disk_refuses_rows_clearly_and_keeps_what_was_acknowledged(small_disk: Path):
    with SqlLedger(f"sqlite:///{small_disk}/ledger.db") as ledger:
        lake = FolderLake(small_disk / "lake", ledger)
        sales = History(lake, "sales")
        numbers = count()
        with pytest.raises(TransientError, match="free some space"):
            forever(lambda: sales.add(noise(next(numbers)), known_at=NOW, backfill=False, writer="ingest"))
        acknowledged = next(numbers) - 1
        assert acknowledged > 0
        assert sales.read().height == acknowledged * 40_000
        assert lake.verify("sales") == acknowledged
        assert lake.sweep() == []


def test_work_goes_on_once_there_is_room_again(small_disk: Path):
    with SqlLedger(f"sqlite:///{small_disk}/ledger.db") as ledger:
        sales = History(FolderLake(small_disk / "lake", ledger), "sales")
        filler = fill(small_disk)
        with pytest.raises(TransientError):
            sales.add(noise(1), known_at=NOW, backfill=False, writer="ingest")
        filler.unlink()
        sales.add(noise(1), known_at=NOW, backfill=False, writer="ingest")
        assert sales.read().height == 40_000


def test_a_full_disk_refuses_ledger_rows_and_the_chain_stays_whole(small_disk: Path):
    with SqlLedger(f"sqlite:///{small_disk}/ledger.db") as ledger:
        numbers, body = count(), {"text": "x" * 50_000}
        with pytest.raises(TransientError, match="Nothing was recorded"):
            forever(lambda: ledger.audit(actor="ann", verb="note", subject=str(next(numbers)), body=body, at=NOW))
        assert len(ledger.audit_rows()) == next(numbers) - 1 > 0
        ledger.verify_audit()


def test_a_full_disk_keeps_no_half_artefact(small_disk: Path):
    artefacts = FolderArtefacts(small_disk / "models")
    filler = fill(small_disk)
    with pytest.raises(TransientError, match="Nothing was kept"):
        artefacts.put(model)
    assert list((small_disk / "models").iterdir()) == []
    filler.unlink()
    digest = artefacts.put(model)
    assert (artefacts.path(digest) / "model.txt").stat().st_size == 100_000
