"""``finalmile plugins``."""

from __future__ import annotations

from finalmile.cli.report import Report
from finalmile.cli.verb import Session


def plugins(session: Session) -> Report:
    """List everything that settings can name, built in or from other packages."""
    return session.project.plugins()
