"""``finalmile impact``."""

from __future__ import annotations

from typing import Annotated

import typer

from finalmile.cli.arguments import Against, read_when
from finalmile.cli.report import Report
from finalmile.cli.verb import Session

Start = Annotated[str, typer.Argument(metavar="START", help="First day.")]
End = Annotated[str, typer.Argument(metavar="END", help="Last day.")]


def impact(session: Session, start: Start, end: End, against: Against = None) -> Report:
    """Show service, stock and money between two days, against a baseline."""
    return session.project.impact(read_when(start), read_when(end), against=against)
