"""What an endpoint must have before it starts: a key where others reach it, the project's lock, and the port."""

from __future__ import annotations

import errno
import fcntl
import json
import socket
from pathlib import Path
from typing import BinaryIO

from finalmile.web.port_taken import why_not_bound
from finalmile.web.serve_settings import Settings

STATE, LOCK = "serve.json", "serve.lock"
BACKLOG = 4096


class NoKeyError(RuntimeError):
    """A port that others can reach was to be opened without a key."""


class ServedAlreadyError(RuntimeError):
    """Another supervisor serves the project: two would share workers' files and one manager."""


def check_key(settings: Settings) -> None:
    """Refuse an address that others can reach where there is no key.

    Raises
    ------
    NoKeyError
        Says what to do.
    """
    if settings.closed and not settings.keyed:
        from finalmile.serving.board import Board

        if not Board.read(settings.folder).keys:
            raise NoKeyError(
                f"{settings.host} can be reached by others, and no key exists. Make one with finalmile keys create "
                "NAME --role operator, or serve on 127.0.0.1"
            )


def locked(settings: Settings) -> BinaryIO:
    """The project's lock, ours while the file is open; the kernel gives it back however we end.

    Raises
    ------
    ServedAlreadyError
        Says which process has it.
    """
    file = (settings.folder / LOCK).open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise ServedAlreadyError(
            f"{settings.project} is served already{_by_whom(settings.folder)}. Use that endpoint, or end it first"
        ) from None
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.ENOLCK):  # a file system without locks
            file.close()
            raise
    return file


def _by_whom(folder: Path) -> str:
    try:
        told = json.loads((folder / STATE).read_text(encoding="utf-8"))
        return f", by process {told['pid']} on {told['host']} port {told['port']}"
    except (OSError, ValueError, KeyError):
        return ", by a process that has just begun"


def bound(host: str, port: int) -> socket.socket:
    """The listening socket that every worker shares.

    Raises
    ------
    OSError
        Says what is wrong with the address or port, and how to mend it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise OSError(why_not_bound(host, port, error)) from error
    return listening
