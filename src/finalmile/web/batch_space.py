"""What batches may take of the disk that the prediction log is on too."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from finalmile.errors import TransientError
from finalmile.web.uploads import most_bytes

INPUT, RESULT = "input", "result.parquet"
RESERVE = 1_000_000_000
"""Bytes of the disk that are left for predictions; a twentieth of a disk that is small."""

_USUAL_MOST = 20_000_000_000


def most_kept() -> int:
    """Bytes that uploads and results may have together: 20 GB, or four times the longest upload that is allowed."""
    return max(_USUAL_MOST, 4 * most_bytes())


def taken(folder: Path, /) -> int:
    """Bytes of the files in a folder and its folders; what goes away meanwhile counts for nothing."""
    size = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                size += Path(root, name).stat().st_size
    return size


def check_disk(folder: Path, more: int = 0, /) -> None:
    """Refuse to write so many bytes where too little of the disk would be left.

    Raises
    ------
    TransientError
        What is free, and what is kept free.
    """
    disk = shutil.disk_usage(folder)
    reserve = min(RESERVE, disk.total // 20)
    if disk.free - more < reserve:
        raise TransientError(
            f"the disk has {disk.free:,} bytes left, of which {reserve:,} are kept for the prediction log; "
            "make room, and send it again"
        )


def check_room(folder: Path, more: int, /) -> None:
    """Refuse an upload of so many more bytes where batches would take too much, or the disk has too little.

    Raises
    ------
    TransientError
        What is taken, and what may be.
    """
    check_disk(folder, more)
    most, now = most_kept(), taken(folder)
    if now + more > most:
        raise TransientError(
            f"batches take {now:,} bytes of the {most:,} that they may; send it again when some of them are done"
        )


def clear(place: Path, /) -> None:
    """Remove from the folder of a job that is over whatever it needs no more: its upload, and parts of a result."""
    for path in place.iterdir():
        if path.name == INPUT or path.suffix == ".pending" or path.name.startswith("part-"):
            path.unlink(missing_ok=True)
