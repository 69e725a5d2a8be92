"""Jobs that take long: kept in folders, done one after the other in a process each, found again after a restart."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import orjson

from finalmile.adapters.local.durable import sync_folder
from finalmile.errors import ConflictError, UnknownNameError
from finalmile.web.batch_space import check_room, clear, most_kept, taken

_LOG = logging.getLogger("finalmile.batches")
State = Literal["queued", "running", "done", "failed", "cancelled"]
SERVING = "serving"
FOLDER, JOB, PROGRESS = "batches", "job.json", "progress.json"
_ID = re.compile("[0-9a-f]{32}")
_OPEN = ("queued", "running")
_TRIES = 3
_KEPT, _AGAIN_S = 200, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What was asked for.

    Parameters
    ----------
    form
        ``jsonl``, ``csv`` or ``parquet`` for an upload, ``forecast`` for every series.
    number
        Version that answers, as it was live when the job was asked for.
    """

    batch_id: str
    model: str
    number: int
    form: str
    actor: str
    created_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job is."""

    state: State = "queued"
    done: int = 0
    total: int | None = None
    message: str = ""
    tries: int = 0


class Batches:
    """Jobs of a project.

    Parameters
    ----------
    project
        Its folder.
    folder
        Where the endpoint keeps what is its own.
    spawn
        Starts the process that does a job.
    """

    def __init__(
        self, project: Path, folder: Path, *, spawn: Callable[[Path, str], subprocess.Popen[bytes]] | None = None
    ) -> None:
        self._project, self._folder = project, folder / FOLDER
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._spawn = spawn or _child
        self._wake, self._over = threading.Event(), threading.Event()
        self._running: tuple[str, subprocess.Popen[bytes]] | None = None
        self._coming: set[str] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def folder(self, batch_id: str) -> Path:
        """Folder of a job; ``UnknownNameError`` where there is none."""
        place = self._folder / batch_id
        if not _ID.fullmatch(batch_id) or not (place / JOB).is_file():
            raise UnknownNameError("batch", batch_id[:64], [])
        return place

    def prepare(self) -> tuple[str, Path]:
        """Id and folder of a job that is being uploaded; it counts once it is submitted."""
        batch_id = uuid.uuid4().hex
        place = self._folder / batch_id
        self._coming.add(batch_id)
        place.mkdir(mode=0o700)
        return batch_id, place

    def discard(self, batch_id: str) -> None:
        """Forget a job that was never submitted."""
        self._coming.discard(batch_id)
        shutil.rmtree(self._folder / batch_id, ignore_errors=True)

    def check_room(self, more: int, /) -> None:
        """``TransientError`` where an upload of so many more bytes is too much for the disk, or for all batches."""
        check_room(self._folder, more)

    def submit(self, job: Job) -> Progress:
        """Keep a job durably, and do it when its turn comes."""
        place = self._folder / job.batch_id
        write_durably(place / PROGRESS, asdict(Progress()))
        write_durably(place / JOB, asdict(job))
        for folder in (place, self._folder, self._folder.parent):
            sync_folder(folder)
        self._coming.discard(job.batch_id)
        self._wake.set()
        return Progress()

    def jobs(self) -> list[tuple[Job, Progress]]:
        """Every job that can be read, newest first."""
        found: list[tuple[Job, Progress]] = []
        for path in self._folder.glob(f"*/{JOB}"):
            try:
                found.append(self.job(path.parent.name))
            except (OSError, ValueError, TypeError, UnknownNameError) as error:  # it hides none of the others
                _LOG.error("the batch in %s cannot be read: %s", path.parent, error)
        return sorted(found, key=lambda one: (one[0].created_at, one[0].batch_id), reverse=True)

    def job(self, batch_id: str) -> tuple[Job, Progress]:
        """One job and how far it is."""
        place = self.folder(batch_id)
        return Job(**_read(place / JOB)), read_progress(place)

    def cancel(self, batch_id: str) -> Progress:
        """End a job; what is over stays what it is."""
        with self._lock:
            _, progress = self.job(batch_id)
            if progress.state in ("done", "failed"):
                raise ConflictError(f"batch {batch_id} is {progress.state} already; there is nothing to cancel")
            if self._running is not None and self._running[0] == batch_id:
                self._running[1].kill()
                self._running[1].wait(timeout=5)
            cancelled = replace(progress, state="cancelled", message="cancelled")
            write_durably(self.folder(batch_id) / PROGRESS, asdict(cancelled))
            clear(self.folder(batch_id))
            return cancelled

    def start(self) -> None:
        """Begin with what waits, what an earlier process left half-done first; half-written uploads are gone."""
        self._forget_uploads()
        self._thread = threading.Thread(target=self._work, name="batches", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; what runs is gone on with after the next start."""
        self._over.set()
        self._wake.set()
        with self._lock:
            if self._running is not None:
                self._running[1].kill()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                if self._go_on():
                    continue
                self._wake.wait(timeout=5)
                self._wake.clear()
            except Exception:  # a disk that is full now may not be later; the other jobs are still there
                _LOG.exception("the batches could not be gone on with")
                self._over.wait(_AGAIN_S)

    def _go_on(self) -> bool:
        """Do what has waited longest; whether something did."""
        waiting = [job for job, progress in self.jobs() if progress.state in _OPEN]
        if waiting:
            batch_id = waiting[-1].batch_id
            try:
                self._do(batch_id)
            except Exception as error:
                _LOG.exception("batch %s could not be done", batch_id)
                self._fail(batch_id, f"it could not be started: {type(error).__name__}: {error}"[:500])
        self._sweep()
        return bool(waiting)

    def _fail(self, batch_id: str, message: str) -> None:
        with self._lock:
            self._running = None
            place = self.folder(batch_id)
            progress = Progress()
            with contextlib.suppress(OSError, ValueError, TypeError):
                progress = read_progress(place)
            write_durably(place / PROGRESS, asdict(replace(progress, state="failed", message=message)))

    def _do(self, batch_id: str) -> None:
        place = self.folder(batch_id)
        with self._lock:
            progress = read_progress(place)
            if progress.state not in _OPEN:
                return
            if progress.tries >= _TRIES:
                message = f"its process ended {_TRIES} times before it was done"
                write_durably(place / PROGRESS, asdict(replace(progress, state="failed", message=message)))
                return
            write_durably(place / PROGRESS, asdict(replace(progress, state="running", tries=progress.tries + 1)))
            self._running = (batch_id, self._spawn(self._project, batch_id))
        process = self._running[1]
        while process.poll() is None and not self._over.is_set():
            time.sleep(0.02)
        with self._lock:
            self._running = None
            if self._over.is_set() and read_progress(place).state == "running":
                stopped = read_progress(place)
                write_durably(place / PROGRESS, asdict(replace(stopped, tries=max(0, stopped.tries - 1))))

    def _sweep(self) -> None:
        """Forget what is not needed any more, and the oldest results beyond what is kept."""
        over = [job for job, progress in self.jobs() if progress.state not in _OPEN]
        size = 0
        for at, job in enumerate(over):
            place = self._folder / job.batch_id
            clear(place)
            size += taken(place)
            if at >= _KEPT or (at and size > most_kept() // 2):  # uploads must find room beside them
                shutil.rmtree(place, ignore_errors=True)
        self._forget_uploads()

    def _forget_uploads(self) -> None:
        """Forget those that never became a job, but for those that are coming now, however long they take."""
        for place in self._folder.iterdir():
            if not (place / JOB).exists() and place.name not in self._coming:
                shutil.rmtree(place, ignore_errors=True)


def read_progress(place: Path) -> Progress:
    """How far the job in a folder is."""
    return Progress(**_read(place / PROGRESS))


def write_durably(path: Path, told: dict[str, Any]) -> None:
    """Replace a file so that it is the old one or the new one whenever the power fails."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    with fresh.open("wb") as file:
        file.write(orjson.dumps(told))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _read(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = orjson.loads(path.read_bytes())
    return told


def _child(project: Path, batch_id: str) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "finalmile.web.batch_child", str(project), batch_id, str(os.getpid())]
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, close_fds=True)


def die_with_parent(parent: int) -> None:
    """Let the kernel end this process when the one that started it ends, however it does; at once where it has."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "prctl"):
        libc.prctl(1, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("the process that started this one is gone")
