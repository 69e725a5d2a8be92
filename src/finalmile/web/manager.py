"""The manager of an endpoint: ``python -m finalmile.web.manager PROJECT``.

It holds everything heavy and nothing that a prediction waits for: the management API on a unix socket, the watcher
that posts the board, the jobs that take long.
"""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
import logging
import os
import socket
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from finalmile.errors import FinalMileError, PermanentError
from finalmile.project import Project
from finalmile.web.api import create_api
from finalmile.web.api.desk import Desk
from finalmile.web.batches import Batches, die_with_parent
from finalmile.web.errands import Errands
from finalmile.web.redaction import Redacting
from finalmile.web.serve_settings import SECRET, SOCKET
from finalmile.web.watcher import Watcher
from finalmile.workflows.endpoint import SERVING

NOTHING_LIVE = (
    "Nothing is live yet, so nothing can be answered; what is promoted is answered at once. Run: finalmile promote "
    "MODEL, after finalmile train MODEL or finalmile register MODEL --loader KIND --path FILE."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What of the world can reach the endpoint.

    Parameters
    ----------
    address
        Address that the supervisor listens on.
    hosts
        Names that requests may carry beside those of this machine.
    """

    address: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()

    @property
    def local(self) -> bool:
        """Whether only this machine can.

        Examples
        --------
        >>> [Bound(address=one).local for one in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "10.0.0.7")]
        [True, True, True, False, False, False]
        """
        try:
            return ipaddress.ip_address(self.address.strip("[]")).is_loopback
        except ValueError:
            return self.address == "localhost"


def check_keys(project: Project, bound: Bound) -> None:
    """Refuse to be reached by other machines without a key.

    Raises
    ------
    PermanentError
        Where no key is in force.
    """
    now = project.clock.now()
    if not bound.local and not any(key.usable(now) for key in project.keys().rows):
        raise PermanentError(
            f"{bound.address} can be reached by other machines, and no key is in force, so anybody could ask. "
            "Make one first: finalmile keys create NAME --role operator; or bind 127.0.0.1"
        )


def create_manager(project: Project, bound: Bound | None = None, *, secret: str = "") -> FastAPI:
    """The manager as an ASGI app: it watches the ledger and does jobs while it is up."""
    reach = bound or Bound()
    check_keys(project, reach)
    serving = project.folder / SERVING
    serving.mkdir(mode=0o700, exist_ok=True)
    serving.chmod(0o700)
    hosts = () if reach.local else (reach.address,)
    watcher = Watcher(project, serving, open_to_all=reach.local, hosts=(*hosts, *reach.hosts))
    batches, errands = Batches(project.folder, serving), Errands(project.folder)
    app = create_api(Desk(project=project, board=lambda: watcher.board, batches=batches), secret=secret)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        watcher.start()
        batches.start()
        errands.start()
        try:
            yield
        finally:
            errands.stop()
            batches.stop()
            watcher.stop()

    app.router.lifespan_context = lifespan
    return app


def listen(folder: Path) -> socket.socket:
    """The manager's socket, for this user alone; one that a dead manager left is replaced."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fresh = f".{SOCKET}.{os.getpid()}"
        before = os.umask(0o177)
        try:
            listener.bind(f"/proc/self/fd/{handle}/{fresh}")  # a socket's address is short, a project's path may not be
        finally:
            os.umask(before)
        listener.listen(256)
        os.replace(fresh, SOCKET, src_dir_fd=handle, dst_dir_fd=handle)
    finally:
        os.close(handle)
    return listener


def main(words: Sequence[str] | None = None) -> int:
    """Be the manager until told to end."""
    asked = _asked(words)
    _log()
    try:
        project = Project.open(asked.project, create=False)
        bound = Bound(address=asked.bound, hosts=tuple(asked.host))
        app = create_manager(project, bound, secret=os.environ.pop(SECRET, ""))
        import_module("finalmile.workflows.promote")  # so that no rollback waits until it is read in
    except FinalMileError as error:
        print(error, file=sys.stderr)
        return 3
    if not any(project.ledger.deployment(name) for name in {one.model for one in project.ledger.versions()}):
        print(NOTHING_LIVE, file=sys.stderr, flush=True)
    listener = listen(project.folder / SERVING)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=10, lifespan="on"
    )
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def _asked(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m finalmile.web.manager", description=__doc__)
    parser.add_argument("project", type=Path, help="folder of the project")
    parser.add_argument("--bound", default="127.0.0.1", metavar="ADDRESS", help="address that the port is bound to")
    parser.add_argument("--host", action="append", default=[], metavar="NAME", help="name that requests may carry")
    return parser.parse_args(words)


def _log() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


if __name__ == "__main__":
    die_with_parent(os.getppid())
    sys.exit(main())
