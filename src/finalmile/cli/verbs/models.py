"""``finalmile models``."""

from __future__ import annotations

from finalmile.cli.report import Report
from finalmile.cli.verb import Session


def models(session: Session) -> Report:
    """List models and versions: which is live, what each achieved on data it had not seen."""
    return session.project.models()
