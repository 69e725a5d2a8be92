"""Noticing that somebody, in whatever process, wrote to the ledger."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Self


class Changes:
    """Tells whether anybody committed to a SQLite file since the last look.

    A look costs some microseconds: SQLite keeps a counter that moves with the commits of every other connection.

    Parameters
    ----------
    path
        File of the ledger.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._seen = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connection."""
        self._connection.close()

    def any(self) -> bool:
        """Whether there was a commit since the last look; the first look says yes."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        changed, self._seen = version != self._seen, version
        return bool(changed)
