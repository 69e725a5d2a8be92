"""How an endpoint is started, as ``finalmile serve`` says it to the supervisor."""

from __future__ import annotations

import argparse
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER, SOCKET = "serving", "manager.sock"
SECRET = "FINALMILE_RELAY"
"""Environment variable: what a supervisor tells its own workers and its own manager, so that they know each other."""

HANG_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How an endpoint is started.

    Parameters
    ----------
    project
        Folder of the project.
    workers
        Processes that answer predictions.
    durable
        Whether answers wait for the disk, in place of what the routes say.
    keyed
        Whether somebody made sure that there is a key.
    names
        Host names that requests may carry beside those of this machine.
    grace_s
        How long an ending worker waits for idle connections to be used once more.
    """

    project: Path
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    durable: bool | None = None
    keyed: bool = False
    names: tuple[str, ...] = ()
    manager: bool = True
    grace_s: float = 1.0
    hang_s: float = HANG_S

    @property
    def folder(self) -> Path:
        """Where everything that serves keeps its files."""
        return self.project / FOLDER

    @property
    def closed(self) -> bool:
        """Whether more than this machine can reach the port, so that every request needs a key."""
        return not is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address.

    Examples
    --------
    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def settings_from(words: Sequence[str]) -> Settings:
    """What ``finalmile serve`` wrote on the command line."""
    parser = argparse.ArgumentParser(prog="finalmile serve")
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--durable", choices=("yes", "no"))
    parser.add_argument("--keyed", action="store_true")
    parser.add_argument("--name", action="append", default=[])
    parser.add_argument("--without-manager", action="store_true")
    parser.add_argument("--grace", type=float, default=1.0)
    parser.add_argument("--hang", type=float, default=HANG_S)
    told = parser.parse_args(words)
    return Settings(
        project=told.project,
        host=told.host,
        port=told.port,
        workers=told.workers,
        durable=None if told.durable is None else told.durable == "yes",
        keyed=told.keyed,
        names=tuple(told.name),
        manager=not told.without_manager,
        grace_s=told.grace,
        hang_s=told.hang,
    )
