"""The hot tail: what it promises to waiters, what it bounds, what it counts."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from finalmile.adapters.local.tail import Full, Tail
from finalmile.adapters.local.tail_checkpoints import Checkpoints
from finalmile.adapters.local.tail_file import TailFile
from finalmile.errors import CorruptError, TransientError


def kept(path: Path, *, after: int = 0) -> list[bytes]:
    file = TailFile(path)
    try:
        return [row for _, rows in file.groups(after=after) for row in rows]
    finally:
        file.close()


class Refusing:
    """A file whose disk refuses the first so many groups."""

    def __init__(self, file: TailFile, *, times: int) -> None:
        self.file, self.left = file, times

    def write(self, rows: Sequence[bytes]) -> None:
        if self.left:
            self.left -= 1
            raise TransientError("the disk is full")
        self.file.write(rows)

    def close(self) -> None:
        self.file.close()


def refusing(tail: Tail, *, times: int) -> Tail:
    tail._file = Refusing(tail._file, times=times)
    return tail


def test_what_was_awaited_is_on_the_disk(tmp_path: Path):
    async def act() -> list[bytes]:
        tail = Tail(tmp_path / "log-0.db")
        await tail.put([b'{"a":1}', b'{"a":2}'])
        seen = kept(tmp_path / "log-0.db")
        await tail.close()
        return seen

    assert asyncio.run(act()) == [b'{"a":1}', b'{"a":2}']


def test_a_log_with_room_does_not_grow_and_room_is_no_row(tmp_path: Path):
    file = TailFile(tmp_path / "log-0.db")
    log = tmp_path / "log-0.db-wal"
    file.make_room(1_000_000)
    size = log.stat().st_size
    assert size >= 1_000_000
    for at in range(50):
        file.write([b"%d" % at])
    file.make_room(1_000_000)
    assert log.stat().st_size == size
    assert [number for number, _ in file.groups()] == list(range(1, 51))
    file.close()


def test_waiters_of_one_turn_share_one_commit(tmp_path: Path):
    async def act() -> Tail:
        tail = Tail(tmp_path / "log-0.db")
        await asyncio.gather(*(tail.put([b"%d" % number]) for number in range(64)))
        await tail.close()
        return tail

    tail = asyncio.run(act())
    assert (tail.counts.synced, tail.counts.groups, tail.counts.lag) == (64, 1, 0)
    assert sorted(map(int, kept(tmp_path / "log-0.db"))) == list(range(64))


def test_rows_that_are_not_durable_follow_by_themselves(tmp_path: Path):
    async def act() -> tuple[int, int]:
        tail = Tail(tmp_path / "log-0.db", durable=False, flush_s=0.0)
        await tail.put([b"1"])
        before = tail.counts.lag
        while tail.counts.lag:
            await asyncio.sleep(0)
        await tail.close()
        return before, tail.counts.synced

    assert asyncio.run(act()) == (1, 1)
    assert kept(tmp_path / "log-0.db") == [b"1"]


def test_a_single_call_may_ask_for_more_or_less_than_its_tail(tmp_path: Path):
    async def act() -> None:
        tail = Tail(tmp_path / "log-0.db", durable=False, flush_s=1000.0)
        await tail.put([b"later"])
        await tail.put([b"now"], durable=True)
        assert set(kept(tmp_path / "log-0.db")) == {b"now", b"later"}
        await tail.close()

    asyncio.run(act())


def test_closing_writes_what_still_waits(tmp_path: Path):
    async def act() -> None:
        tail = Tail(tmp_path / "log-0.db", durable=False, flush_s=1000.0)
        await tail.put([b"1"])
        waiter = tail.put([b"2"], durable=True)
        await tail.close()
        await waiter
        await tail.close()
        with pytest.raises(TransientError, match="closed"):
            tail.put([b"3"])

    asyncio.run(act())
    assert sorted(kept(tmp_path / "log-0.db")) == [b"1", b"2"]


def test_past_its_bound_the_tail_refuses_and_counts(tmp_path: Path):
    async def act() -> Tail:
        tail = Tail(tmp_path / "log-0.db", rows_waiting=3, bytes_waiting=100)
        waiters = [tail.put([b"1"] * 5)]
        with pytest.raises(Full, match="5 predictions wait"):
            tail.put([b"2"])
        await asyncio.gather(*waiters)
        waiters = [tail.put([b"x" * 60])]
        with pytest.raises(Full):
            tail.put([b"x" * 60])
        await asyncio.gather(*waiters)
        await tail.close()
        return tail

    tail = asyncio.run(act())
    assert (tail.counts.accepted, tail.counts.synced, tail.counts.refused) == (6, 6, 2)


def test_a_refusing_disk_is_an_error_to_every_waiter_and_never_silence(tmp_path: Path):
    async def act() -> Tail:
        tail = refusing(Tail(tmp_path / "log-0.db"), times=1)
        told = await asyncio.gather(*(tail.put([b"%d" % n]) for n in range(3)), return_exceptions=True)
        assert [type(one) for one in told] == [TransientError] * 3
        await tail.put([b"again"])
        await tail.close()
        return tail

    tail = asyncio.run(act())
    assert (tail.counts.failed, tail.counts.synced, tail.counts.lag, tail.counts.lost) == (3, 1, 0, 0)
    assert kept(tmp_path / "log-0.db") == [b"again"]


def test_answered_rows_wait_for_a_disk_that_takes_them(tmp_path: Path):
    async def act() -> Tail:
        tail = refusing(Tail(tmp_path / "log-0.db", durable=False, flush_s=0.0), times=2)
        await tail.put([b"1"])
        while tail.counts.lag:
            await asyncio.sleep(0.001)
        await tail.close()
        return tail

    assert asyncio.run(act()).counts.lost == 0
    assert kept(tmp_path / "log-0.db") == [b"1"]


def test_what_a_closing_tail_cannot_write_counts_as_lost(tmp_path: Path):
    async def act() -> Tail:
        tail = refusing(Tail(tmp_path / "log-0.db", durable=False, flush_s=1000.0), times=9)
        await tail.put([b"1", b"2"])
        await tail.close()
        return tail

    assert asyncio.run(act()).counts.lost == 2


def test_a_waiter_that_was_cancelled_leaves_the_others_alone(tmp_path: Path):
    async def act() -> None:
        tail = Tail(tmp_path / "log-0.db")
        first, second = asyncio.ensure_future(tail.put([b"1"])), asyncio.ensure_future(tail.put([b"2"]))
        first.cancel()
        await second
        await tail.close()

    asyncio.run(act())
    assert sorted(kept(tmp_path / "log-0.db")) == [b"1", b"2"]


def test_a_tail_that_was_never_used_closes(tmp_path: Path):
    asyncio.run(Tail(tmp_path / "log-0.db").close())
    assert kept(tmp_path / "log-0.db") == []


def test_numbers_go_on_after_everything_was_dropped(tmp_path: Path):
    file = TailFile(tmp_path / "log-0.db")
    for row in (b"1", b"2", b"3"):
        file.write([row])
    file.drop(3)
    assert (list(file.groups()), file.waiting()) == ([], 0)
    file.close()
    file = TailFile(tmp_path / "log-0.db")
    file.write([b"4", b"5"])
    assert list(file.groups()) == [(4, [b"4", b"5"])]
    assert file.waiting() == 2
    file.close()


def test_a_file_made_anew_has_another_name(tmp_path: Path):
    one, other = TailFile(tmp_path / "log-0.db"), TailFile(tmp_path / "log-1.db")
    again = TailFile(tmp_path / "log-0.db")
    assert one.name == again.name != other.name
    for file in (one, other, again):
        file.close()


def test_a_file_that_is_no_tail_is_named(tmp_path: Path):
    (tmp_path / "log-0.db").write_bytes(b"no database at all" * 1000)
    with pytest.raises(CorruptError, match=r"log-0\.db is damaged"):
        TailFile(tmp_path / "log-0.db")


def test_only_its_owner_may_read_a_tail(tmp_path: Path):
    TailFile(tmp_path / "log-0.db").close()
    assert (tmp_path / "log-0.db").stat().st_mode & 0o777 == 0o600


def test_a_worker_imports_nothing_heavy_for_its_log():
    heavy = {"polars", "sqlalchemy", "numpy", "pydantic", "fastapi"}
    code = "import sys, finalmile.adapters.local.tail, finalmile.predictions.record; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not heavy & set(told.split())


def test_the_log_beside_the_database_stays_short_however_much_is_written(tmp_path: Path):
    async def act() -> int:
        tail = Tail(tmp_path / "log-0.db")
        tail._checkpoints = Checkpoints(tmp_path / "log-0.db", every=200_000)
        longest = 0
        for _ in range(300):
            await asyncio.gather(*(tail.put([b"x" * 1000]) for _ in range(16)))
            longest = max(longest, (tmp_path / "log-0.db-wal").stat().st_size)
        await tail.close()
        return longest

    assert asyncio.run(act()) < 2_500_000
    assert len(kept(tmp_path / "log-0.db")) == 4800


def test_a_copy_that_fails_is_no_failure_of_the_rows(tmp_path: Path):
    class Failing(TailFile):
        def checkpoint(self) -> None:
            raise TransientError("the disk is full")

    async def act() -> Tail:
        tail = Tail(tmp_path / "log-0.db")
        tail._file.close()
        tail._file = Failing(tmp_path / "log-0.db")
        tail._checkpoints = Checkpoints(tmp_path / "log-0.db", every=1)
        for number in range(20):
            await tail.put([b"%d" % number])
        await tail.close()
        return tail

    assert asyncio.run(act()).counts.synced == 20
    assert len(kept(tmp_path / "log-0.db")) == 20


def test_rows_that_came_unawaited_while_a_group_was_written_are_written_too(tmp_path: Path):
    async def act() -> int:
        tail = Tail(tmp_path / "log-0.db", flush_s=0.01)
        waiting = asyncio.ensure_future(tail.put([b'{"a":1}'] * 20_000, durable=True))
        await asyncio.sleep(0)
        await tail.put([b'{"a":2}'], durable=False)
        assert tail._timer is not None
        tail._timer.cancel()
        tail._flush()  # the timer, while the first group is under way
        await waiting
        for _ in range(500):
            if not tail.counts.lag:
                break
            await asyncio.sleep(0.01)
        lag = tail.counts.lag
        await tail.close()
        return lag

    assert asyncio.run(act()) == 0
