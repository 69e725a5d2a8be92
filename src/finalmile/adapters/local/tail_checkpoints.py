"""Keeping a hot tail's write-ahead log short without making those wait who wait for a commit."""

from __future__ import annotations

import contextlib
import threading
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue

from finalmile.adapters.local.tail_file import TailFile
from finalmile.errors import FinalMileError

_EVERY_BYTES = 4_000_000


class Checkpoints:
    """Copies what was written into the database from a thread of its own; the writer does only the small rest.

    SQLite copies within a commit, and whoever waits for it waits for megabytes: at 64 waiters 1 in 1,000 waited 50 ms
    on the disk this was tried on, and 10 ms with the copying beside it. A copy beside a busy writer never reaches the
    end of the log; so the writer does one more after it, which does, and the log starts anew.

    Parameters
    ----------
    path
        Of the tail.
    every
        Bytes of rows after which the log is copied.
    """

    def __init__(self, path: Path, *, every: int = _EVERY_BYTES) -> None:
        self._path, self._every = path, every
        self._size = 0
        self._asked = False
        self._copied = threading.Event()
        self._asks: SimpleQueue[bool] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def wrote(self, size: int, file: TailFile) -> None:
        """Told by the writer after each group. What fails here is tried again; the group is safe in the log."""
        self._size += size
        if self._copied.is_set():
            self._copied.clear()
            self._asked, self._size = False, 0
            with contextlib.suppress(FinalMileError):
                file.checkpoint()
        elif self._size >= self._every and not self._asked:
            self._asked = True
            self._begun().put(True)

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._asks.put(False)
            self._thread.join()

    def _begun(self) -> SimpleQueue[bool]:
        if self._thread is None:
            self._thread = threading.Thread(target=self._copy_all, name=f"copy {self._path.name}", daemon=True)
            self._thread.start()
        return self._asks

    def _copy_all(self) -> None:
        with contextlib.suppress(FinalMileError), closing(TailFile(self._path)) as file:
            while self._asks.get():
                with contextlib.suppress(FinalMileError):
                    file.checkpoint()
                self._copied.set()
