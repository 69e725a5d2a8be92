"""The hot tail of the prediction log: rows of one worker slot, on the disk before their waiters hear of it."""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from finalmile.adapters.local.tail_checkpoints import Checkpoints
from finalmile.adapters.local.tail_file import TailFile
from finalmile.errors import FinalMileError, TransientError

_AGAIN_S = 0.1

Told = Callable[[Exception | None], None]
"""Hears how it went: of nothing, or of why the disk refused."""


class Full(TransientError):  # noqa: N818  # reads as queue.Full does
    """More rows wait for the disk than may; answer 503 and let the caller try again after ``retry_after_s``."""

    retry_after_s = 1


@dataclass(slots=True)
class Counts:
    """Rows since the tail was opened.

    Parameters
    ----------
    accepted
        Taken by :meth:`Tail.put`.
    synced
        On the disk.
    groups
        Commits they took.
    refused
        Not taken, because too many waited; their callers were told.
    failed
        Taken, and not on the disk because it refused them; their callers were told.
    lost
        Taken and answered before they were on the disk, and never on it: those that ``durable=False`` allows to lose.
    """

    accepted: int = 0
    synced: int = 0
    groups: int = 0
    refused: int = 0
    failed: int = 0
    lost: int = 0

    @property
    def lag(self) -> int:
        """Rows taken whose fate is open."""
        return self.accepted - self.synced - self.failed - self.lost


class _Done:
    """Awaited, it is over at once."""

    __slots__ = ()

    def __await__(self) -> Generator[None]:
        return
        yield


@dataclass(slots=True)
class _Group:
    """Rows to be committed together: those somebody waits for, and those answered already."""

    awaited: list[bytes]
    waiters: list[Told]
    answered: list[bytes]
    size: int


class Tail:
    """Many waiters, one sync: whatever arrived while the disk was busy is the next group.

    Everything but the writing itself happens on the event loop, so nothing is locked; a thread writes group after
    group. Use it from one loop. Duplicates of a prediction_id are not looked for here: readers and the sealer drop
    them, on every slot alike.

    Parameters
    ----------
    path
        ``log-<slot>.db``; made where it is not there.
    durable
        Whether :meth:`put` by default ends only when the rows are on the disk. Otherwise it ends at once, and the rows
        follow within ``flush_s``.
    rows_waiting, bytes_waiting
        Bounds of what waits in memory; a single call may be larger where nothing else waits.
    """

    def __init__(
        self,
        path: Path,
        *,
        durable: bool = True,
        rows_waiting: int = 50_000,
        bytes_waiting: int = 64_000_000,
        flush_s: float = 0.05,
    ) -> None:
        self.counts = Counts()
        self._durable, self._flush_s = durable, flush_s
        self._rows_waiting, self._bytes_waiting = rows_waiting, bytes_waiting
        self._file, self._checkpoints = TailFile(path), Checkpoints(path)
        self._awaited: list[bytes] = []
        self._waiters: list[Told] = []
        self._answered: list[bytes] = []
        self._waiting_bytes = 0
        self._writing = self._called = False
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._groups: SimpleQueue[_Group | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name=f"tail {path.name}", daemon=True)
        self._idle: asyncio.Future[None] | None = None
        self._closed = False

    def make_room(self) -> None:
        """Prepare the file for what is to come, so that the first rows wait no longer than later ones."""
        self._file.make_room()

    def put(self, rows: Sequence[bytes], /, *, durable: bool | None = None) -> Awaitable[None]:
        """Keep rows, each one line of JSON; awaited, it ends when they are as safe as ``durable`` asks.

        Raises
        ------
        Full
            Too much waits for the disk. Nothing was taken.
        TransientError
            When awaited: the disk refused the rows, for example because it is full. They count as not kept; the same
            rows under the same ids may be put again.
        """
        waits = self._durable if durable is None else durable
        loop = self._accept(len(rows), sum(map(len, rows)))
        if not waits:
            self._answered += rows
            self._flush_later()
            return _Done()
        waiter: asyncio.Future[None] = loop.create_future()
        self._awaited += rows
        self._wait(loop, partial(_tell, waiter))
        return waiter

    def take(self, row: bytes, told: Told, /, *, durable: bool) -> bool:
        """Keep one row as :meth:`put` does; whether ``told`` will hear how it went, from the loop, once it is known.

        Raises
        ------
        Full
            Too much waits for the disk. Nothing was taken.
        """
        loop = self._accept(1, len(row))
        if not durable:
            self._answered.append(row)
            self._flush_later()
            return False
        self._awaited.append(row)
        self._wait(loop, told)
        return True

    def _accept(self, rows: int, size: int) -> asyncio.AbstractEventLoop:
        self._check_room(rows, size)
        loop = self._loop or self._begin()
        self.counts.accepted += rows
        self._waiting_bytes += size
        return loop

    def _wait(self, loop: asyncio.AbstractEventLoop, told: Told) -> None:
        self._waiters.append(told)
        if not (self._writing or self._called):
            self._called = True
            loop.call_soon(self._hand_over)

    async def close(self) -> None:
        """Write what waits, and end; what the disk still refuses is counted as failed or lost."""
        if self._closed:
            return
        self._closed = True
        if self._loop is not None:
            if self._timer is not None:
                self._timer.cancel()
            if self._writing or self._awaited or self._answered:
                self._idle = self._loop.create_future()
                if not self._writing:
                    self._hand_over()
                await self._idle
            self._groups.put(None)
            await asyncio.to_thread(self._thread.join)
        self._checkpoints.close()
        self._file.close()

    def _check_room(self, rows: int, size: int) -> None:
        if self._closed:
            raise TransientError("the prediction log of this worker is closed: it is about to end. Try again.")
        waits = self.counts.lag
        if waits and (waits + rows > self._rows_waiting or self._waiting_bytes + size > self._bytes_waiting):
            self.counts.refused += rows
            raise Full(f"{waits} predictions wait to be logged, and no more may. Try again in a second.")

    def _begin(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self._loop

    def _flush(self) -> None:
        self._timer = None
        if not self._writing:
            self._hand_over()

    def _hand_over(self) -> None:
        """Give everything that waits to the thread. At most one group is under way."""
        self._called = False
        if self._writing or not (self._awaited or self._answered):
            return
        self._writing = True
        group = _Group(self._awaited, self._waiters, self._answered, self._waiting_bytes)
        self._awaited, self._waiters, self._answered, self._waiting_bytes = [], [], [], 0
        self._groups.put(group)

    def _written(self, group: _Group, error: FinalMileError | None) -> None:
        """Tell the waiters of a group how it went, and go on with what arrived meanwhile."""
        self._writing = False
        if error is None:
            self.counts.synced += len(group.awaited) + len(group.answered)
            self.counts.groups += 1
        else:
            self.counts.failed += len(group.awaited)
            self._keep(group.answered)
        if self._awaited or (self._closed and self._answered):
            self._hand_over()
        else:
            self._flush_later()
            if self._idle is not None and not self._idle.done():
                self._idle.set_result(None)
        for told in group.waiters:
            try:
                told(error)
            except Exception:  # whatever becomes of one answer, the others are told
                traceback.print_exc()

    def _flush_later(self) -> None:
        """See to it that rows that came while a group was written are written too."""
        if self._answered and self._timer is None and self._loop is not None:
            self._timer = self._loop.call_later(self._flush_s, self._flush)

    def _keep(self, rows: list[bytes]) -> None:
        """Rows that were answered already wait for a disk that takes them, unless the tail is closing."""
        if not rows:
            return
        if self._closed:
            self.counts.lost += len(rows)
            return
        self._answered[:0] = rows
        self._waiting_bytes += sum(map(len, rows))
        if self._timer is None and self._loop is not None:
            self._timer = self._loop.call_later(_AGAIN_S, self._flush)

    def _write_all(self) -> None:
        while (group := self._groups.get()) is not None:
            error: FinalMileError | None = None
            try:
                self._file.write(group.awaited + group.answered)
            except FinalMileError as refused:
                error = refused
            except Exception as fault:  # whatever it was, somebody waits to hear of it
                error = TransientError(f"the prediction log could not be written: {fault!r}")
            try:
                self._told(group, error)
            except RuntimeError:
                return
            if error is None:
                self._checkpoints.wrote(group.size, self._file)

    def _told(self, group: _Group, error: FinalMileError | None) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._written, group, error)


def _tell(waiter: asyncio.Future[None], error: Exception | None) -> None:
    if waiter.done():
        return
    if error is None:
        waiter.set_result(None)
    else:
        waiter.set_exception(error)
