"""``finalmile keys create``, ``list`` and ``revoke``."""

from __future__ import annotations

from typing import Annotated

import typer

from finalmile.cli.arguments import read_every
from finalmile.cli.report import Report
from finalmile.cli.verb import Session, add_verb

Name = Annotated[str, typer.Argument(metavar="NAME", help="Who or what holds it.")]
Role = Annotated[
    str,
    typer.Option(
        "--role",
        metavar="ROLE",
        help="viewer looks and predicts, planner also approves orders, operator also deploys, admin does everything.",
    ),
]
Expires = Annotated[
    str | None, typer.Option("--expires", metavar="TIME", help="Time until it ends, such as 90d; never by default.")
]
Only = Annotated[
    list[str] | None, typer.Option("--model", metavar="MODEL", help="Only this model; repeatable; all by default.")
]
Prefix = Annotated[str, typer.Argument(metavar="PREFIX", help="First part of the key, as keys list shows it.")]

keys = typer.Typer(help="Make, list and revoke the API keys of the endpoint.", no_args_is_help=True)


def create_key(
    session: Session, name: Name, role: Role = "viewer", expires: Expires = None, only: Only = None
) -> Report:
    """Make an API key and show it, this once."""
    lasts = None if expires is None else read_every(expires)
    return session.project.create_key(name, role=role, lasts=lasts, models=tuple(only or ()))


def list_keys(session: Session) -> Report:
    """List API keys: who holds each, what it may do, until when, when it was last used."""
    return session.project.keys()


def revoke_key(session: Session, prefix: Prefix) -> Report:
    """End an API key; a running endpoint refuses it at once."""
    return session.project.revoke_key(prefix)


add_verb(keys, create_key, name="create")
add_verb(keys, list_keys, name="list")
add_verb(keys, revoke_key, name="revoke")
