"""``finalmile promote``."""

from __future__ import annotations

from typing import Annotated

import typer

from finalmile.cli.arguments import DEFAULT_MODEL, Versioned, Why, read_version
from finalmile.cli.report import Report
from finalmile.cli.verb import Session

Force = Annotated[bool, typer.Option("--force", help="Even without a certificate that passed.")]


def promote(session: Session, model: Versioned = DEFAULT_MODEL, why: Why = "by hand", force: Force = False) -> Report:
    """Make a certified version the live one; the one before stays ready to return."""
    name, number = read_version(model)
    return session.project.promote(name, number, why=why, force=force)
