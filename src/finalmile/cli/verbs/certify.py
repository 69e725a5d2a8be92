"""``finalmile certify``."""

from __future__ import annotations

from finalmile.cli.arguments import DEFAULT_MODEL, Versioned, read_version
from finalmile.cli.judged import JudgedReport
from finalmile.cli.report import Report
from finalmile.cli.verb import Session


def certify(session: Session, model: Versioned = DEFAULT_MODEL) -> Report:
    """Judge a version on data it has not seen: accuracy, bias and coverage against a cheap baseline."""
    name, number = read_version(model)
    return JudgedReport(session.project.certify(name, number))
