"""``finalmile monitor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from finalmile.cli.arguments import DEFAULT_MODEL, Model
from finalmile.cli.report import Report
from finalmile.cli.verb import Session

Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Also write a page that needs nothing else.")]
JUnit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Also write JUnit XML, a test a finding.")]
Gate = Annotated[
    bool,
    typer.Option("--gate", help="Exit with 1 also where a finding is breached, a check failed, or nothing was judged."),
]
Check = Annotated[
    list[str] | None, typer.Option("--check", metavar="NAME", help="Tell of this check alone; repeatable.")
]


def monitor(
    session: Session,
    model: Model = DEFAULT_MODEL,
    html: Html = None,
    junit: JUnit = None,
    gate: Gate = False,
    check: Check = None,
) -> Report:
    """Compare forecasts with what was sold since, and tell what changed; exits with 1 while an incident is open."""
    told = session.project.monitor(model, checks=tuple(check or ()), gate=gate)
    if html is not None:
        told.to_html(html)
    if junit is not None:
        told.to_junit(junit)
    return told
