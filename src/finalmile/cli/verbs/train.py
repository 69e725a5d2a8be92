"""``finalmile train``."""

from __future__ import annotations

from typing import Annotated

import typer

from finalmile.cli.arguments import DEFAULT_MODEL, Model, read_when
from finalmile.cli.report import Report
from finalmile.cli.verb import Session

Forecaster = Annotated[
    str | None, typer.Option("--forecaster", metavar="NAME", help="Recipe; that of the settings by default.")
]
Cutoff = Annotated[
    str | None, typer.Option("--cutoff", metavar="DAY", help="Learn only from what was sold up to this day.")
]


def train(
    session: Session, model: Model = DEFAULT_MODEL, forecaster: Forecaster = None, cutoff: Cutoff = None
) -> Report:
    """Train a new version of a model on everything known."""
    with session.progress() as progress:
        day = None if cutoff is None else read_when(cutoff)
        return session.project.train(model, forecaster=forecaster, cutoff=day, progress=progress)
