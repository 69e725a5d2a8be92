"""``finalmile check``."""

from __future__ import annotations

from finalmile.cli.report import Report
from finalmile.cli.verb import Session


def check(session: Session) -> Report:
    """Check settings and data: everything that would stop a run, at once."""
    return session.project.check()
