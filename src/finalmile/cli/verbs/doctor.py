"""``finalmile doctor``."""

from __future__ import annotations

from finalmile.cli.report import Report
from finalmile.cli.verb import Session


def doctor(session: Session) -> Report:
    """Look for damage: every file against its checksum, the audit chain, what a run left unfinished."""
    return session.project.doctor()
