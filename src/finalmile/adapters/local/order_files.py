"""Orders as files in a folder: each whole, on the disk, and never written over with something else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from finalmile.adapters.local.durable import sync_file, sync_folder
from finalmile.errors import ConflictError
from finalmile.frames.spreadsheets import guarded
from finalmile.records import OrderLine

_COLUMNS = ("order_id", "line_id", "supplier", "unique_id", "quantity", "unit_cost", "currency", "ordered_at", "due")


def deliver_file(folder: Path, document: str, lines: Sequence[OrderLine]) -> str:
    """Write ``DOCUMENT.csv`` and give its path once it is on the disk; the same again changes nothing.

    Text that a spreadsheet would run as a formula has an apostrophe in front.

    Raises
    ------
    ConflictError
        Where a file of that name holds something else.
    """
    path, content = folder / f"{document}.csv", _csv(lines)
    folder.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.read_bytes() != content:
        raise ConflictError(
            f"{path} is there and holds something else than this order; nothing was sent. Look at it, and move it away "
            "or give another folder"
        )
    pending = folder / f".{document}-{os.getpid()}"
    try:
        pending.write_bytes(content)
        sync_file(pending)
        pending.replace(path)
    finally:
        pending.unlink(missing_ok=True)
    sync_folder(folder)
    return str(path)


def _csv(lines: Sequence[OrderLine]) -> bytes:
    rows = sorted(lines, key=lambda line: line.line_id)
    frame = pl.DataFrame(
        {name: [getattr(line, name) for line in rows] for name in _COLUMNS},
        schema_overrides={"unit_cost": pl.Float64, "quantity": pl.Int64},
    )
    return guarded(frame).write_csv().encode()
