"""The processes of an endpoint: what they are started with, and that they end with the supervisor."""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from finalmile.web.serve_settings import Settings

WORKER, MANAGER = "worker", "manager"
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


@dataclass(slots=True, eq=False)
class Child:
    """A process that was started here."""

    kind: str
    slot: int
    process: subprocess.Popen[bytes]
    started: float
    replaces: Child | None = None
    ending: bool = False
    kill_at: float | None = None


def worker_words(settings: Settings, slot: int, *, listening: socket.socket, pipe: int) -> list[str]:
    """What a worker's interpreter is started with."""
    words = ["-m", "finalmile.web.worker", "--folder", str(settings.folder), "--slot", str(slot)]
    words += ["--listening", str(listening.fileno()), "--parent", str(pipe)]
    words += ["--grace", str(settings.grace_s), *(["--closed"] if settings.closed else [])]
    return words + ([] if settings.durable is None else ["--durable", "yes" if settings.durable else "no"])


def manager_words(settings: Settings) -> list[str]:
    """What the manager's interpreter is started with."""
    words = ["-m", "finalmile.web.manager", str(settings.project), "--bound", settings.host]
    return words + [word for name in settings.names for word in ("--host", name)]


def run(words: Sequence[str], handles: Sequence[int], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A process that inherits some handles, and that the kernel ends when this one ends."""
    return subprocess.Popen(
        [sys.executable, *words],
        pass_fds=handles,
        env=environment,
        stdin=subprocess.DEVNULL,
        preexec_fn=_end_with_parent,  # noqa: PLW1509  # there are no threads here
    )


def _end_with_parent() -> None:
    """Ask the kernel, in a child that was just forked, to end it when the supervisor ends, however that happens."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
