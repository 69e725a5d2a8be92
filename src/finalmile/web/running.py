"""Asking the manager that runs beside us, without reading in anything heavy: a command that is in a hurry."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finalmile.web.serve_settings import FOLDER, SOCKET

_SOCKET = Path(FOLDER, SOCKET)


class _Local(http.client.HTTPConnection):
    def __init__(self, folder: Path, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._folder = folder

    def connect(self) -> None:
        handle = os.open(self._folder / _SOCKET.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(f"/proc/self/fd/{handle}/{SOCKET}")
        finally:
            os.close(handle)


def ask_manager(
    folder: Path, path: str, body: Mapping[str, object], *, seconds: float = 5.0
) -> Mapping[str, Any] | None:
    """What the manager of a project's endpoint answered to a POST.

    ``None`` where none runs, or where it refused: whoever asks then does it without it, and is told why it cannot be
    done.

    Raises
    ------
    TimeoutError
        It has not answered yet, and may still do what it was asked.
    """
    if not (folder / _SOCKET).exists():
        return None
    connection = _Local(folder, seconds)
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        answer = connection.getresponse()
        told: Mapping[str, Any] = json.loads(answer.read())
    except TimeoutError:
        raise
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return told if answer.status == 200 else None
