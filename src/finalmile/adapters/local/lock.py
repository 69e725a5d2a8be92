"""One writing process per project, given up by the kernel when that process dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import orjson

from finalmile.errors import BusyError

_LOOK_AGAIN_S = 0.02


@contextmanager
def project_lock(folder: Path, *, verb: str, wait_s: float = 0.0) -> Generator[None]:
    """Hold the project's write lock inside the block.

    The lock belongs to the open file, so the kernel gives it back however the process ends, kill -9 included. It is
    not re-entrant: a second one in the same process is refused too.

    Parameters
    ----------
    folder
        Project folder; made where it is not there.
    verb
        What the process does, told to whoever finds the project busy.
    wait_s
        Seconds to wait for another holder.

    Raises
    ------
    BusyError
        Where another process holds it; says its pid, verb and since when.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _take(handle, folder, time.monotonic() + wait_s)
        _sign(handle, orjson.dumps({"pid": os.getpid(), "verb": verb, "since": datetime.now(UTC)}))
        try:
            yield
        finally:
            _sign(handle, b"")
    finally:
        os.close(handle)


def _take(handle: int, folder: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise BusyError(f"{folder} is busy: {_holder(handle)}. Wait for it, or give a longer wait.") from None
            time.sleep(_LOOK_AGAIN_S)
        else:
            return


def _holder(handle: int) -> str:
    try:
        told = orjson.loads(os.pread(handle, 4096, 0))
        return f"process {told['pid']} has been running {told['verb']!r} since {told['since']}"
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "another process is writing to it"


def _sign(handle: int, text: bytes) -> None:
    os.ftruncate(handle, 0)
    os.pwrite(handle, text, 0)
