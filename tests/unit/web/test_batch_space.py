"""Batches leave the disk to the prediction log, and an acknowledged one is on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import pytest

from finalmile.errors import TransientError
from finalmile.web import batch_space, uploads
from finalmile.web.batch_space import INPUT, RESERVE, RESULT, check_disk, clear
from finalmile.web.batches import JOB, PROGRESS, Batches, Job, Progress, State, write_durably


class _Disk(NamedTuple):
    total: int
    used: int
    free: int


def _disk(total: int, free: int) -> Callable[[Path], _Disk]:
    def told(_: Path) -> _Disk:
        return _Disk(total, total - free, free)

    return told


def _submitted(batches: Batches, at: str, *, size: int = 10) -> Path:
    batch_id, place = batches.prepare()
    (place / INPUT).write_bytes(b"x" * size)
    batches.submit(Job(batch_id=batch_id, model="demand", number=1, form="jsonl", actor="t", created_at=at))
    return place


def _done(batches: Batches, condition: Callable[[], bool]) -> None:
    batches.start()
    try:
        for _ in range(1000):
            if condition():
                return
            threading.Event().wait(0.02)
        raise AssertionError("it never came to that")
    finally:
        batches.stop()


def _spawn(state: State) -> Callable[[Path, str], subprocess.Popen[bytes]]:
    def spawn(project: Path, batch_id: str) -> subprocess.Popen[bytes]:
        place = project / "batches" / batch_id
        (place / RESULT).write_bytes(b"r" * 100)
        (place / "part-000000000.parquet").write_bytes(b"p")
        write_durably(place / PROGRESS, asdict(Progress(state=state)))
        over = subprocess.Popen([sys.executable, "-c", ""])
        over.wait()
        return over

    return spawn


@pytest.mark.parametrize("state", ["done", "failed"])
def test_the_upload_of_a_batch_that_is_over_is_gone_and_its_result_is_there(tmp_path: Path, state: State) -> None:
    batches = Batches(tmp_path, tmp_path, spawn=_spawn(state))
    place = _submitted(batches, "1")
    _done(batches, lambda: not (place / INPUT).exists())
    assert {path.name for path in place.iterdir()} == {JOB, PROGRESS, RESULT}


def test_the_upload_of_a_cancelled_batch_is_gone_at_once(tmp_path: Path) -> None:
    batches = Batches(tmp_path, tmp_path)
    place = _submitted(batches, "1")
    batches.cancel(place.name)
    assert not (place / INPUT).exists()


def test_results_beyond_their_bytes_are_forgotten_oldest_first_but_never_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finalmile.web.batches.most_kept", lambda: 800)
    batches = Batches(tmp_path, tmp_path, spawn=_spawn("done"))
    places = [_submitted(batches, str(at), size=1) for at in range(4)]
    each = batch_space.taken(places[0]) + 100 - 1
    assert 200 < each < 400, "one of them fits, two do not"
    _done(batches, lambda: not places[2].exists())
    assert [place.exists() for place in places] == [False, False, False, True]


def test_an_upload_that_leaves_too_little_of_the_disk_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", _disk(10**12, RESERVE + 50))
    batches = Batches(tmp_path, tmp_path)
    batches.check_room(50)
    with pytest.raises(TransientError, match="kept for the prediction log"):
        batches.check_room(51)
    monkeypatch.setattr(shutil, "disk_usage", _disk(1000, 51))
    check_disk(tmp_path, 1)
    with pytest.raises(TransientError):
        check_disk(tmp_path, 2)


def test_all_batches_together_are_bounded_by_what_is_on_the_disk_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_space, "_USUAL_MOST", 1000)
    monkeypatch.setenv(uploads.MOST, "200")
    batches = Batches(tmp_path, tmp_path)
    _, place = batches.prepare()
    (place / INPUT).write_bytes(b"x" * 600)
    batches.check_room(400)
    with pytest.raises(TransientError, match="batches take 600 bytes of the 1,000"):
        batches.check_room(401)


def test_an_upload_of_hours_is_not_taken_for_one_that_nobody_sends(tmp_path: Path) -> None:
    batches = Batches(tmp_path, tmp_path, spawn=_spawn("done"))
    _, coming = batches.prepare()
    os.utime(coming, (0, 0))
    place = _submitted(batches, "1")
    _done(batches, lambda: not (place / INPUT).exists())
    assert coming.exists()
    batches.discard(coming.name)
    assert not coming.exists()


def test_an_acknowledged_batch_is_on_the_disk_with_the_folders_that_lead_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    fsync = os.fsync

    def told(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())
        fsync(handle)

    batches = Batches(tmp_path, tmp_path)
    monkeypatch.setattr(os, "fsync", told)
    place = _submitted(batches, "1")
    assert synced[-3:] == [place, place.parent, tmp_path]


def test_clearing_a_folder_keeps_what_tells_of_the_job(tmp_path: Path) -> None:
    for name in (INPUT, RESULT, JOB, "result.pending", "part-000000000.pending", "part-000000000.parquet", ".lock"):
        (tmp_path / name).touch()
    clear(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {RESULT, JOB, ".lock"}
