"""Why a port could not be opened: who holds it, where that can be seen, and what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LISTENING, _OURS = "0A", "finalmile.web.supervisor"


def why_not_bound(host: str, port: int, error: OSError) -> str:
    """A sentence on what is wrong with an address and port, and how to mend it."""
    place = f"{host} port {port}"
    if error.errno == errno.EADDRINUSE:
        mend = f"Take another one: finalmile serve --port {port + 1 if port < 65535 else 8080}; or 0 for any free one"
        return f"{place} is taken{_by_whom(port)}. {mend}"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine. Serve on one that is, such as --host 127.0.0.1 or 0.0.0.0"
    if error.errno == errno.EACCES:
        return f"{place} may be opened by administrators only. Take one above 1023: finalmile serve --port 8080"
    return f"{place} cannot be opened: {error.strerror or error}. Take another --host or --port"


def _by_whom(port: int) -> str:
    """Process and project of an endpoint of ours that listens there; nothing of anybody else."""
    with suppress(OSError):
        handles = {f"socket:[{number}]" for number in _inodes(port)}
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (process / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
                if _OURS in words and any(str(one.readlink()) in handles for one in (process / "fd").iterdir()):
                    at = words.index("--project") + 1 if "--project" in words else 0
                    return f" by finalmile serve, process {process.name}" + (f", of {words[at]}" if at else "")
    return ""


def _inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                cells = line.split()
                if cells[3] == _LISTENING and int(cells[1].rpartition(":")[2], 16) == port:
                    yield cells[9]
