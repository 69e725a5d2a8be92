"""``finalmile plugins``."""

from __future__ import annotations

from finalmile.cli.report import Report
from finalmile.cli.verb import Session, project_class


def plugins(session: Session) -> Report:
    """List everything that settings can name, built in or from other packages."""
    del session  # what is installed does not depend on a project
    return project_class().plugins()
