"""The Parquet files of the lake: writing one durably, checking it, reading many as one table."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path

import polars as pl

from finalmile.adapters.local.durable import sha256_of, sync_file, sync_folder
from finalmile.adapters.local.manifest import Segment
from finalmile.errors import CorruptError, TransientError

_ROW_GROUP = 262_144
_TIMES = ("ds", "at")
_RESTORE = "Restore it from a backup."


def write(
    root: Path,
    table: str,
    rows: pl.LazyFrame,
    *,
    writer: str,
    sequence: int,
    tags: Mapping[str, str],
    revises: bool,
) -> Segment:
    """Put rows into a new file that is on the disk, whole, when this returns; nobody sees it yet.

    Raises
    ------
    TransientError
        Where the disk refused; the half-written file is gone then.
    """
    folder, token = root / table, secrets.token_hex(10)
    pending = folder / f".{token}.pending"
    with _told_plainly(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _plain(rows).sink_parquet(pending, compression="zstd", statistics=True, row_group_size=_ROW_GROUP)
            sync_file(pending)
            count, first, last, columns = _facts(pending)
            final = folder / f"{'all' if first is None else first.isoformat()[:10]}_{token}.parquet"
            size, sha256 = pending.stat().st_size, sha256_of(pending)
            pending.rename(final)
            sync_folder(folder)
            sync_folder(root)
        finally:
            pending.unlink(missing_ok=True)
    return Segment(
        table=table,
        writer=writer,
        sequence=sequence,
        path=final.relative_to(root).as_posix(),
        rows=count,
        first_ds=first,
        last_ds=last,
        bytes=size,
        sha256=sha256,
        columns=columns,
        tags=tags,
        revises=revises,
    )


def scan(root: Path, parts: Sequence[Segment]) -> pl.LazyFrame:
    """Rows of all segments in their order, columns united and types widened; no columns without segments."""
    for part in parts:
        check(root, part)
    alike = [list(same) for _, same in groupby(parts, key=lambda part: part.columns)]
    scans = [pl.scan_parquet([root / part.path for part in same], glob=False) for same in alike]
    return pl.concat(scans, how="diagonal_relaxed") if scans else pl.LazyFrame()


def check(root: Path, part: Segment, *, content: bool = False) -> None:
    """``CorruptError`` where the file is missing or has not its recorded size, or (if asked) content."""
    path = root / part.path
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise CorruptError(f"{path} is missing: {part.rows} rows of {part.table}. {_RESTORE}") from None
    if size != part.bytes:
        raise CorruptError(f"{path} has {size} bytes and was written with {part.bytes}. {_RESTORE}")
    if content and sha256_of(path) != part.sha256:
        raise CorruptError(f"{path} is not what was written: its sha256 differs. {_RESTORE}")


def reaches(part: Segment, ds_from: date | datetime) -> bool:
    """Whether a segment may hold rows at or after ``ds_from``; dates count as their midnight."""
    return part.last_ds is None or _naive(part.last_ds) >= _naive(ds_from)


@contextmanager
def _told_plainly(folder: Path) -> Generator[None]:
    """Polars wraps what the disk said into its own errors."""
    try:
        yield
    except (OSError, pl.exceptions.ComputeError) as error:
        if isinstance(error, pl.exceptions.ComputeError) and "os error" not in str(error):
            raise
        raise TransientError(
            f"{folder}: a segment could not be written: {error}. Nothing was recorded; free some space and try again."
        ) from error


def _naive(at: date | datetime) -> datetime:
    if not isinstance(at, datetime):
        return datetime(at.year, at.month, at.day)
    return at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)


def _plain(rows: pl.LazyFrame) -> pl.LazyFrame:
    schema = rows.collect_schema()
    coded = [name for name, dtype in schema.items() if isinstance(dtype, pl.Categorical | pl.Enum)]
    return rows.with_columns(pl.col(coded).cast(pl.String)) if coded else rows


def _facts(path: Path) -> tuple[int, date | datetime | None, date | datetime | None, str]:
    rows = pl.scan_parquet(path, glob=False)
    schema = rows.collect_schema()
    columns = ", ".join(f"{name} {dtype}" for name, dtype in schema.items())
    time = next((name for name in _TIMES if name in schema and schema[name].is_temporal()), None)
    if time is None:
        return int(rows.select(pl.len()).collect().item()), None, None, columns
    told = rows.select(pl.len().alias("n"), first=pl.col(time).min(), last=pl.col(time).max()).collect()
    count, first, last = told.row(0)
    return int(count), first, last, columns
