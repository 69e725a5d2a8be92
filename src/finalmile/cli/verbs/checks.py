"""``finalmile checks``."""

from __future__ import annotations

from finalmile.cli.report import Report
from finalmile.cli.verb import Session, project_class


def checks(session: Session) -> Report:
    """List the checks of monitoring: what each watches, what is promised of it, and under which assumptions."""
    del session  # what is promised does not depend on a project
    return project_class().checks()
