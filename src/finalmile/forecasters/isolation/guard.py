"""What a model's process may not do: start processes, write outside its own folder, reach other machines, grow.

This keeps mistakes and careless code in; it is no wall against code that means harm. What runs code from a file is
loaded only where the owner said that it is trusted.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Never, cast

_STARTS = frozenset(
    {"os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.exec", "os.system", "subprocess.Popen", "pty.spawn"}
)
_SIGNALS = frozenset({"os.kill", "os.killpg"})
_REACHES = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo"})
_CHANGES: Mapping[str, tuple[int, ...]] = {
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.link": (0, 1),
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.utime": (0,),
    "shutil.rmtree": (0,),
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def bound(*, memory_mb: int, file_mb: int) -> None:
    """Set what the kernel holds the process to: data in memory, size of a file, open files, no core dumps."""
    for kind, most in (
        (resource.RLIMIT_DATA, memory_mb << 20),
        (resource.RLIMIT_FSIZE, file_mb << 20),
        (resource.RLIMIT_NOFILE, 512),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def forbid(scratch: str, *, reaches_out: bool) -> None:
    """Refuse from here on, for good, what a model has no business doing, each with a sentence that says what."""
    home = os.path.realpath(scratch) + os.sep

    def inside(path: object) -> bool:
        if isinstance(path, int):
            return True  # a file that is open already
        real = os.path.realpath(os.fsdecode(cast("str", path)))
        return real == os.devnull or (real + os.sep).startswith(home)

    def watch(event: str, told: tuple[object, ...]) -> None:
        given = list(told)
        if event == "open":
            flags = given[2] if len(given) > 2 and isinstance(given[2], int) else 0
            if flags & _WRITING and not inside(given[0]):
                raise PermissionError(f"a model may write only to its own scratch folder, not to {given[0]!r}")
        elif event == "sqlite3.connect" and not _in_scratch(given[0], inside):
            raise PermissionError(f"a model may write only to its own scratch folder, not to {given[0]!r} (sqlite3)")
        elif event in _STARTS:
            raise PermissionError(f"a model may not start another process ({event})")
        elif event in _SIGNALS:
            raise PermissionError(f"a model may not send signals ({event})")
        elif event in _REACHES and not reaches_out:
            raise PermissionError(f"a model may not reach other machines ({event}); only the loader remote may")
        elif event in _CHANGES and not all(inside(given[at]) for at in _CHANGES[event] if at < len(given)):
            raise PermissionError(f"a model may change only its own scratch folder, not {given[0]!r} ({event})")

    sys.addaudithook(watch)
    _replace_what_no_hook_sees(inside)


def _replace_what_no_hook_sees(inside: Callable[[object], bool]) -> None:
    """Calls that raise no audit event get a check of their own."""
    import _posixsubprocess

    def refuse(*_: object, **__: object) -> Never:
        raise PermissionError("a model may not start another process (fork_exec)")

    def checked(make: Callable[..., None], name: str) -> Callable[..., None]:
        def only_inside(path: object, *more: object, **named: object) -> None:
            if named.get("dir_fd") is not None or not inside(path):
                raise PermissionError(f"a model may change only its own scratch folder, not {path!r} ({name})")
            make(path, *more, **named)

        return only_inside

    _posixsubprocess.fork_exec = refuse
    for module in (os, sys.modules["posix"]):
        for name in ("mkfifo", "mknod"):
            setattr(module, name, checked(getattr(module, name), f"os.{name}"))


def _in_scratch(database: object, inside: Callable[[object], bool]) -> bool:
    """Whether a database is in memory or in the scratch folder; an address (``file:...``) may name any place."""
    name = os.fsdecode(cast("str", database))
    return name in (":memory:", "") or (not name.startswith("file:") and inside(name))


class Fuse:
    """Ends this process by the kernel when an answer takes too long, even where nobody is left to do it.

    Not the Python kind of alarm: its action is the default one, so it also ends code that never returns to Python.
    """

    def __init__(self) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def light(self, seconds: float) -> None:
        """Start it."""
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def out(self) -> None:
        """Put it out."""
        signal.setitimer(signal.ITIMER_REAL, 0)
