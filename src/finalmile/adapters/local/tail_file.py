"""The file of a hot tail: groups of rows in SQLite, each written and synced by one statement."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from finalmile.errors import CorruptError, TransientError

_MADE = "SELECT 1 FROM sqlite_master WHERE name = 'groups'"
_MAKE = (
    "CREATE TABLE birth (name TEXT NOT NULL)",
    "INSERT INTO birth VALUES (lower(hex(randomblob(8))))",
    "CREATE TABLE groups (number INTEGER PRIMARY KEY, rows INTEGER NOT NULL, body BLOB NOT NULL)",
)
_CHECKPOINT_PAGES = 16384  # only where nobody copies the log beside the writer
_ROOM_BYTES = 4_000_000
_BUSY_S, _NAP_S = 30.0, 0.001  # SQLite's own naps grow to a tenth of a second, in which a step of others is long over
_AT_ONCE, _PAUSE_S = 200, 0.002  # groups forgotten in one step, and how long the writer has between two


class TailFile:
    """Groups of rows of one worker slot, numbered from 1 on without ever using a number again.

    A row is one line of JSON; a group holds the rows that were committed together, joined by line feeds. A group is
    on the disk, whole, when :meth:`write` returns: one insert in a transaction of its own, in SQLite's write-ahead
    log with ``synchronous=FULL``. Several processes may hold the same file open.

    Parameters
    ----------
    path
        Made where it is not there.

    Raises
    ------
    TransientError
        Where the disk refused.
    CorruptError
        Where the file is not a database.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = self._opened()

    @property
    def name(self) -> str:
        """Its slot and when it was made, which no other file has, nor one made later in its place."""
        return f"{self.path.stem}-{self._run('SELECT name FROM birth')[0][0]}"

    @property
    def last(self) -> int:
        """Number of the newest group; 0 before the first."""
        return int(self._run("SELECT coalesce(max(number), 0) FROM groups")[0][0])

    def write(self, rows: Sequence[bytes], /) -> None:
        """Keep rows, all or none of them, on the disk when this returns.

        Raises
        ------
        TransientError
            Where the disk refused, for example because it is full: then none of them counts as kept.
        """
        self._run("INSERT INTO groups (rows, body) VALUES (?, ?)", (len(rows), b"\n".join(rows)))

    def groups(self, *, after: int = 0) -> Iterator[tuple[int, list[bytes]]]:
        """Number and rows of every group past a number, in order; those written meanwhile may be among them."""
        while found := self._run(
            "SELECT number, body FROM groups WHERE number > ? AND rows > 0 ORDER BY number LIMIT 1", (after,)
        ):
            after, body = found[0]
            yield after, body.split(b"\n")

    def backwards(self, *, few: int = 500) -> Iterator[list[bytes]]:
        """Rows of some groups at a time, from the last group to the first."""
        last = 2**62
        while found := self._run(
            "SELECT number, body FROM groups WHERE number < ? AND rows > 0 ORDER BY number DESC LIMIT ?", (last, few)
        ):
            last = found[-1][0]
            yield [line for _, body in found for line in body.split(b"\n")]

    def waiting(self, *, after: int = 0) -> int:
        """How many rows stand in groups past a number."""
        return int(self._run("SELECT coalesce(sum(rows), 0) FROM groups WHERE number > ?", (after,))[0][0])

    def drop(self, upto: int, /) -> None:
        """Forget groups up to a number; the last of all stays, emptied, so that the numbers go on from it."""
        self._run("UPDATE groups SET rows = 0, body = x'' WHERE number = ? AND rows > 0", (upto,))
        few = f"SELECT number FROM groups WHERE number < ? ORDER BY number LIMIT {_AT_ONCE}"
        while self._run(f"DELETE FROM groups WHERE number IN ({few}) RETURNING number", (upto,)):
            time.sleep(_PAUSE_S)  # the worker writes between: whoever waits for its answer waits for one step at most

    def checkpoint(self) -> None:
        """Copy the write-ahead log into the database as far as that needs nobody to wait."""
        self._run("PRAGMA wal_checkpoint(PASSIVE)")

    def make_room(self, size: int = _ROOM_BYTES, /) -> None:
        """Let the write-ahead log grow to some bytes now, where it is smaller.

        A commit that makes it grow takes half as long again as one that writes over what was written before.
        """
        log = self.path.with_name(f"{self.path.name}-wal")
        if log.exists() and log.stat().st_size >= size:
            return
        with suppress(TransientError):  # a full disk is told to those who write
            self._run("CREATE TABLE IF NOT EXISTS room (bytes BLOB NOT NULL)")
            self._run("INSERT INTO room VALUES (zeroblob(?))", (size,))
            self._run("DROP TABLE room")
            self.checkpoint()

    def close(self) -> None:
        """Give the file back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _run(self, statement: str, values: Sequence[object] = ()) -> list[tuple[int, bytes]]:
        try:
            if self._connection is None:
                self._connection = self._opened()
            return _patiently(self._connection, statement, values)
        except sqlite3.Error as error:
            self._forget()
            raise self._told(error) from error

    def _forget(self) -> None:
        """A connection that failed is not used again: what it holds in memory may not be what is on the disk."""
        try:
            self.close()
        except sqlite3.Error:
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        try:
            return _connect(self.path)
        except sqlite3.Error as error:
            raise self._told(error) from error

    def _told(self, error: sqlite3.Error) -> Exception:
        told = str(error)
        if "not a database" in told or "malformed" in told:
            return CorruptError(f"{self.path} is damaged: {told}. Move it away; what it held unsealed is in it alone.")
        return TransientError(f"{self.path}: {told}. Nothing was recorded; free some space and try again.")


def _patiently(connection: sqlite3.Connection, statement: str, values: Sequence[object]) -> list[tuple[int, bytes]]:
    """Do it as soon as whoever writes now is done: they hold the file for a step of milliseconds."""
    until = time.monotonic() + _BUSY_S
    while True:
        try:
            return connection.execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_NAP_S)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"wal_autocheckpoint={_CHECKPOINT_PAGES}"):
            connection.execute(f"PRAGMA {pragma}").close()
        if not connection.execute(_MADE).fetchall():
            _make(connection)
        connection.execute("PRAGMA busy_timeout=0").close()
    except sqlite3.Error:
        connection.close()
        raise
    path.chmod(0o600)
    return connection


def _make(connection: sqlite3.Connection) -> None:
    """Make the tables, unless another process made them meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    if not connection.execute(_MADE).fetchall():
        for statement in _MAKE:
            connection.execute(statement)
    connection.execute("COMMIT")


@contextmanager
def open_tails(folder: Path) -> Generator[list[TailFile]]:
    """The tails of every slot in a folder, by name; none where it is not there."""
    with ExitStack() as stack:
        files = [TailFile(path) for path in sorted(folder.glob("log-*.db"))]
        for file in files:
            stack.callback(file.close)
        yield files
