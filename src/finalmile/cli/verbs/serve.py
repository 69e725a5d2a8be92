"""``finalmile serve``."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from finalmile.cli.verb import Session
from finalmile.errors import MissingInputError

Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, metavar="PORT", help="Port to answer on; 0 takes a free one.")
]
Host = Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Address to bind; others need a key first.")]
Workers = Annotated[int, typer.Option("--workers", min=1, metavar="N", help="Processes that answer predictions.")]
Durable = Annotated[
    bool | None,
    typer.Option("--durable/--no-durable", help="Whether an answer waits for the disk; as the routes say by default."),
]
Names = Annotated[
    list[str] | None,
    typer.Option(
        "--name", metavar="NAME", help="Host name that requests may carry beside this machine's; may be repeated."
    ),
]


def serve(
    session: Session,
    port: Port = 8080,
    host: Host = "127.0.0.1",
    workers: Workers = 1,
    durable: Durable = None,
    name: Names = None,
) -> None:
    """Answer predictions over HTTP until Ctrl-C; SIGHUP restarts worker after worker."""
    from finalmile.web.serve_settings import is_loopback

    folder = session.folder.resolve()
    keyed = not is_loopback(host)
    if keyed:
        _check_key(session, host)
    elif not (folder / "ledger.db").exists() and not (folder / "finalmile.yaml").exists():
        raise MissingInputError(f"there is no project in {folder}. Make one with finalmile init")
    words = ["--project", str(folder), "--host", host, "--port", str(port), "--workers", str(workers)]
    words += [] if durable is None else ["--durable", "yes" if durable else "no"]
    words += [word for one in name or [] for word in ("--name", one)]
    words += ["--keyed"] if keyed else []
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", "finalmile.web.supervisor", *words])  # sheds what the verbs import


def _check_key(session: Session, host: str) -> None:
    """Refuse an address that others can reach where no key is in force."""
    project = session.project
    now = project.clock.now()
    if not any(key.usable(now) for key in project.keys().rows):
        raise MissingInputError(
            f"{host} can be reached by others, and no key exists. Make one with finalmile keys create NAME --role "
            "operator, or serve on 127.0.0.1"
        )
