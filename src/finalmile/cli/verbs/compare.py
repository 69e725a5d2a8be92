"""``finalmile compare``."""

from __future__ import annotations

from typing import Annotated

import typer

from finalmile.cli.arguments import DEFAULT_MODEL, Model
from finalmile.cli.report import Report
from finalmile.cli.verb import Session

Champion = Annotated[
    int | None, typer.Option("--champion", metavar="NUMBER", help="Version to beat; the live one by default.")
]
Challenger = Annotated[
    int | None,
    typer.Option("--challenger", metavar="NUMBER", help="The other one; canary, arm, shadow or newest by default."),
]
Horizon = Annotated[
    float | None, typer.Option("--horizon-days", metavar="DAYS", help="Last day of the comparison, fixed beforehand.")
]
Anytime = Annotated[bool, typer.Option("--anytime", help="Without a last day; the default of a new comparison.")]
Margin = Annotated[
    float | None, typer.Option("--margin", metavar="RATIO", help="Relative difference that is none; 0.02 by default.")
]
Alpha = Annotated[
    float | None, typer.Option("--alpha", metavar="RATIO", help="Probability of a wrong decision; 0.05 by default.")
]
From = Annotated[
    str | None,
    typer.Option("--source", metavar="SOURCE", help="batch, shadow or arms; as routed by default."),
]
Anew = Annotated[bool, typer.Option("--anew", help="Forget what was seen; begin after the newest sales.")]


def compare(
    session: Session,
    model: Model = DEFAULT_MODEL,
    champion: Champion = None,
    challenger: Challenger = None,
    horizon_days: Horizon = None,
    anytime: Anytime = False,
    margin: Margin = None,
    alpha: Alpha = None,
    source: From = None,
    anew: Anew = False,
) -> Report:
    """Hold two versions against what came true: win, lose, equal, undecided, or hold while data is missing."""
    if anytime and horizon_days is not None:
        raise typer.BadParameter("--anytime has no last day; leave out --horizon-days, or --anytime")
    return session.project.compare(
        model,
        champion=champion,
        challenger=challenger,
        horizon_days=horizon_days,
        anytime=anytime,
        margin=margin,
        alpha=alpha,
        source=source,
        anew=anew,
    )
