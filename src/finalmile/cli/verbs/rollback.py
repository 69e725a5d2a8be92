"""``finalmile rollback``."""

from __future__ import annotations

from typing import Annotated

import typer

from finalmile.cli.arguments import DEFAULT_MODEL, DryRun, Model, Why
from finalmile.cli.report import Report
from finalmile.cli.verb import Session

To = Annotated[int | None, typer.Option("--to", metavar="NUMBER", help="Version; the one before by default.")]


def rollback(
    session: Session, model: Model = DEFAULT_MODEL, to: To = None, why: Why = "by hand", dry_run: DryRun = False
) -> Report:
    """Return to the version that was live before."""
    return session.project.rollback(model, to=to, why=why, dry_run=dry_run)
