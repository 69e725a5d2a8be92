"""``finalmile suppliers``."""

from __future__ import annotations

from finalmile.cli.report import Report
from finalmile.cli.verb import Session


def suppliers(session: Session) -> Report:
    """How suppliers deliver: lead times, on time and in full, with intervals, from receipts and what is awaited."""
    return session.project.suppliers()
