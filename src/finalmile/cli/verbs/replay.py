"""``finalmile replay``."""

from __future__ import annotations

from typing import Annotated

import typer

from finalmile.cli.arguments import Against, Out, read_when
from finalmile.cli.report import Report
from finalmile.cli.verb import Session

Start = Annotated[str, typer.Argument(metavar="START", help="First day to play again.")]
End = Annotated[str, typer.Argument(metavar="END", help="Last day to play again.")]
Retrain = Annotated[
    float | None,
    typer.Option("--retrain-every-days", metavar="DAYS", help="Days between trainings; from the settings by default."),
]


def replay(
    session: Session,
    start: Start,
    end: End,
    retrain_every_days: Retrain = None,
    against: Against = None,
    out: Out = None,
) -> Report:
    """Play history again, day by day: every forecast, alarm and order made from what was known then."""
    with session.progress() as progress:
        return session.project.replay(
            read_when(start),
            read_when(end),
            retrain_every_days=retrain_every_days,
            against=against,
            out=out,
            progress=progress,
        )
