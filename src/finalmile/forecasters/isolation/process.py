"""The asker's side: start a model's process, ask it, and end it when it does not answer as it must."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from finalmile.errors import ModelFaultError, printable
from finalmile.forecasters.isolation import wire
from finalmile.forecasters.isolation.wire import HEAD, MOST_BYTES, Frame
from finalmile.forecasters.loaders.contract import Rows

LARGEST = 1e15
"""No demand is larger: a model that says so is broken, as one is that says NaN."""
_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV")
_NETWORK = ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy")
_SCRATCH, _SAID, _YOUNG_S = "finalmile-model-", ".said", 60.0
_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a model's process may take.

    Parameters
    ----------
    memory_mb
        Megabytes of data in memory; past them it gets no more and its answer is a fault.
    load_seconds
        From its start until it is ready.
    answer_seconds
        For one answer, where whoever asks does not say.
    file_mb
        Megabytes of one file in its scratch folder.
    """

    memory_mb: int = 4096
    load_seconds: float = 120.0
    answer_seconds: float = 60.0
    file_mb: int = 64


class Process:
    """One registered model in a process of its own; safe to ask from many threads, which take turns.

    Parameters
    ----------
    folder
        The registered artefact.
    secrets
        Names of environment variables it may see beside the harmless ones.

    Raises
    ------
    ModelFaultError
        It could not be loaded within the bounds; the message says why.
    """

    def __init__(
        self, folder: Path, *, bounds: Bounds | None = None, reaches_out: bool = False, secrets: tuple[str, ...] = ()
    ) -> None:
        self.bounds = bounds or Bounds()
        self.about: Mapping[str, float] = {}
        self._turn = threading.Lock()
        _sweep(tempfile.gettempdir())
        self._scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH))
        self._said = self._scratch / _SAID
        self._talk, theirs = socket.socketpair()
        try:
            self._started = self._start(folder, theirs, reaches_out=reaches_out, secrets=secrets)
        finally:
            theirs.close()
        self._pidfd = _pidfd(self._started.pid)
        self._events = select.poll()
        self._events.register(self._talk, select.POLLIN)
        if self._pidfd is not None:
            self._events.register(self._pidfd, select.POLLIN)
        try:
            ready = self._receive(time.monotonic() + self.bounds.load_seconds, what="load")
            self.about = json.loads(ready.body)
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._started.poll() is None and self._talk.fileno() >= 0

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._started.pid

    @property
    def memory_mb(self) -> float | None:
        """Megabytes it holds now; ``None`` where the system does not tell."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        except (OSError, IndexError, ValueError):
            return None
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def rows(self, features: Rows, /, *, outputs: int, deadline_s: float | None = None) -> Rows:
        """Answers of shape (m, outputs), finite and below 1e15 in size.

        Raises
        ------
        ModelFaultError
            It raised, died, was late, or answered with something else. Where it died or was late its process is gone.
        Kind ``"waiting"`` where others' questions took as long as the deadline, which begins with the own question.
        """
        m, width = features.shape
        body = np.ascontiguousarray(features, dtype=np.float64).tobytes()
        told = self._ask(Frame(wire.ROWS, m, width, body), deadline_s)
        if (told.a, told.b) != (m, outputs) or len(told.body) != 8 * m * outputs:
            shape = (told.a, told.b) if told.b else (told.a,)
            raise ModelFaultError("shape", f"the model answered with shape {shape} where {(m, outputs)} was asked for")
        answers: Rows = np.frombuffer(told.body, dtype=np.float64).reshape(m, outputs)
        if not bool((np.abs(answers) < LARGEST).all()):
            raise _unfit(answers)
        return answers

    def table(self, verb: int, sales: bytes, *, horizon: int, frequency: int, deadline_s: float | None = None) -> bytes:
        """What it makes of sales, as Arrow IPC bytes; ``verb`` is ``wire.SALES`` or ``wire.FEATURES``."""
        return self._ask(Frame(verb, horizon, frequency, sales), deadline_s).body

    def close(self) -> None:
        """End it and everything it started, and remove its scratch folder."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._started.pid, signal.SIGKILL)
        self._started.wait()
        self._talk.close()
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _start(
        self, folder: Path, theirs: socket.socket, *, reaches_out: bool, secrets: tuple[str, ...]
    ) -> subprocess.Popen[bytes]:
        told = {
            "fd": theirs.fileno(),
            "folder": str(folder.resolve()),
            "scratch": str(self._scratch),
            "reaches_out": reaches_out,
            "memory_mb": self.bounds.memory_mb,
            "file_mb": self.bounds.file_mb,
            "load_seconds": self.bounds.load_seconds,
            "answer_seconds": self.bounds.answer_seconds + 5,
        }
        with self._said.open("wb") as said:
            fcntl.flock(said, fcntl.LOCK_SH)  # the model's process has it too, until it ends
            return subprocess.Popen(
                [sys.executable, "-m", "finalmile.forecasters.isolation.child", json.dumps(told)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                cwd=self._scratch,
                env=_environment(self._scratch, (*secrets, *(_NETWORK if reaches_out else ()))),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    def _ask(self, asked: Frame, deadline_s: float | None) -> Frame:
        seconds = self.bounds.answer_seconds if deadline_s is None else deadline_s
        if not self._turn.acquire(timeout=max(0.0, seconds)):
            raise ModelFaultError("waiting", "others' questions to the model took all the time there was")
        until = time.monotonic() + seconds  # the wait for others is not the model's own time
        try:
            if self._talk.fileno() < 0:
                raise ModelFaultError("starting", "the model's process was ended while this question waited")
            self._send(asked.packed(), until)
            return self._receive(until, what="answer")
        except ModelFaultError as fault:
            if fault.kind in ("late", "died"):
                self.close()
            raise
        finally:
            self._turn.release()

    def _send(self, packed: bytes, until: float) -> None:
        left = memoryview(packed)
        while left:
            try:
                left = left[self._talk.send(left, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                seconds = until - time.monotonic()
                if seconds <= 0 or not select.select([], [self._talk], [], seconds)[1]:
                    raise ModelFaultError("late", "the model did not take the question in time; it was ended") from None
            except OSError:
                raise self._gone() from None

    def _receive(self, until: float, *, what: str) -> Frame:
        length, kind, a, b = HEAD.unpack(self._exactly(HEAD.size, until, what))
        if length > MOST_BYTES or kind not in (wire.READY, wire.ANSWER, wire.TABLE, wire.FAULT):
            raise ModelFaultError("died", "the model wrote into the socket it is asked through; it was ended")
        body = self._exactly(length, until, what) if length else b""
        if kind == wire.FAULT:
            raise ModelFaultError("memory" if a else "raised", f"the model raised {body.decode('utf-8', 'replace')}")
        return Frame(kind, a, b, body)

    def _exactly(self, size: int, until: float, what: str) -> bytes:
        parts: list[bytes] = []
        while size:
            left = until - time.monotonic()
            if left <= 0 or not (ready := self._events.poll(left * 1000)):
                raise ModelFaultError("late", f"the model did not {what} in time; it was ended")
            if not any(fd == self._talk.fileno() for fd, _ in ready):
                raise self._gone()
            try:
                got = self._talk.recv(min(size, 1 << 20))
            except OSError:
                raise self._gone() from None
            if not got:
                raise self._gone()
            parts.append(got)
            size -= len(got)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _gone(self) -> ModelFaultError:
        """How it ended, as far as can be told."""
        try:
            code = self._started.wait(0.5)
        except subprocess.TimeoutExpired:
            return ModelFaultError("died", "the model closed the socket it is asked through; it was ended")
        if code == -signal.SIGALRM:
            return ModelFaultError("late", "the model did not answer in time; it ended itself")
        how = f"with exit code {code}" if code >= 0 else f"of {_signal(-code)}"
        return ModelFaultError("died", f"the model's process ended {how}{self._last_words()}")

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            with self._said.open("rb") as said:
                said.seek(max(0, self._said.stat().st_size - 2000))
                lines = [line for line in said.read().decode("utf-8", "replace").splitlines() if line.strip()]
            return f": {printable(lines[-1])[:200]}" if lines else ""
        return ""


@functools.cache
def _sweep(folder: str) -> None:
    """Remove, once, scratch folders whose model and asker were both killed."""
    for scratch in Path(folder).glob(f"{_SCRATCH}*"):
        with contextlib.suppress(OSError):
            if time.time() - scratch.stat().st_mtime < _YOUNG_S:
                continue
            with (scratch / _SAID).open("rb") as said:
                fcntl.flock(said, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(scratch, ignore_errors=True)


def _unfit(answers: Rows) -> ModelFaultError:
    rows, _ = np.nonzero(~(np.abs(answers) < LARGEST))
    value = answers[rows[0]].tolist()
    kind = "too large" if np.isfinite(answers[rows[0]]).all() else "not finite"
    where = f"in {len(rows)} of {answers.size} values, first in row {rows[0]}: {value}"
    return ModelFaultError(kind, f"the model answered with values that are {kind} {where}")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _pidfd(pid: int) -> int | None:
    """Tells of a process's end even where something it started still holds its socket."""
    opened: Any = getattr(os, "pidfd_open", None)
    try:
        return None if opened is None else int(opened(pid))
    except OSError:
        return None


def _environment(scratch: Path, more: tuple[str, ...]) -> dict[str, str]:
    """A small environment: no secrets but those named, one thread a library, everything temporary in scratch."""
    kept = {name: os.environ[name] for name in (*_KEPT, *more) if name in os.environ}
    kept |= {f"{name}_NUM_THREADS": "1" for name in _THREADS} | {"POLARS_MAX_THREADS": "1"}
    kept |= dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR"), str(scratch))
    kept["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    kept["PYTHONWARNINGS"] = "ignore"
    return kept
