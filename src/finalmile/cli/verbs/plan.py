"""``finalmile plan``."""

from __future__ import annotations

from finalmile.cli.arguments import DEFAULT_MODEL, Model
from finalmile.cli.report import Report
from finalmile.cli.verb import Session


def plan(session: Session, model: Model = DEFAULT_MODEL) -> Report:
    """Propose today's orders, with the reason for each quantity."""
    return session.project.plan(model)
