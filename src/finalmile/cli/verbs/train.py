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
New = Annotated[
    bool, typer.Option("--new", help="A new model of this name, which neither the settings nor a version has yet.")
]


def train(
    session: Session,
    model: Model = DEFAULT_MODEL,
    forecaster: Forecaster = None,
    cutoff: Cutoff = None,
    new: New = False,
) -> Report:
    """Train a new version of a model on everything known.

    A model is made when it is named in finalmile.yaml, is the first one, or with --new.
    """
    with session.progress() as progress:
        day = None if cutoff is None else read_when(cutoff)
        return session.project.train(model, forecaster=forecaster, cutoff=day, new=new, progress=progress)
