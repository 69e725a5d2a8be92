"""``finalmile why``."""

from __future__ import annotations

from typing import Annotated

import typer

from finalmile.cli.arguments import DEFAULT_MODEL, read_when
from finalmile.cli.report import Report
from finalmile.cli.verb import Session

IncidentId = Annotated[
    str | None, typer.Argument(metavar="INCIDENT", help="Id of an incident; the newest open one by default.")
]
Model = Annotated[str, typer.Option("--model", metavar="MODEL", help="Name of the model.")]
Since = Annotated[str | None, typer.Option("--since", metavar="DAY", help="First day, in place of an incident.")]
Until = Annotated[str | None, typer.Option("--until", metavar="DAY", help="Last day; that of the sales by default.")]


def why(
    session: Session,
    incident: IncidentId = None,
    model: Model = DEFAULT_MODEL,
    since: Since = None,
    until: Until = None,
) -> Report:
    """Say why forecasts became worse: which part of the range, since when, and what else changed there."""
    return session.project.why(
        incident,
        model=model,
        since=None if since is None else read_when(since),
        until=None if until is None else read_when(until),
    )
