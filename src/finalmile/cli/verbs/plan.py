"""``finalmile plan``."""

from __future__ import annotations

from typing import Annotated

import typer

from finalmile.cli.arguments import DEFAULT_MODEL, Model
from finalmile.cli.report import Report
from finalmile.cli.verb import Session

WhatIf = Annotated[
    str | None,
    typer.Option("--what-if", metavar="PRODUCT", help="Simulate this product on other terms; nothing is proposed."),
]
Frontier = Annotated[
    bool, typer.Option("--frontier", help="Simulate what each service level takes in stock; nothing is proposed.")
]
Threads = Annotated[int, typer.Option("--threads", min=1, help="With --frontier: groups of products at a time.")]
Cycle = Annotated[
    float | None,
    typer.Option("--cycle-service", help="With --what-if: share of order cycles without a stock-out, such as 0.98."),
]
Fill = Annotated[float | None, typer.Option("--fill-rate", help="With --what-if: share of units served, such as 0.98.")]
Lead = Annotated[float | None, typer.Option("--lead-time-days", help="With --what-if: days from order to arrival.")]
Review = Annotated[float | None, typer.Option("--review-period-days", help="With --what-if: days between orders.")]
Moq = Annotated[float | None, typer.Option("--moq", help="With --what-if: smallest order in units.")]
Pack = Annotated[float | None, typer.Option("--pack-size", help="With --what-if: units in a pack.")]


def plan(
    session: Session,
    model: Model = DEFAULT_MODEL,
    what_if: WhatIf = None,
    frontier: Frontier = False,
    cycle_service: Cycle = None,
    fill_rate: Fill = None,
    lead_time_days: Lead = None,
    review_period_days: Review = None,
    moq: Moq = None,
    pack_size: Pack = None,
    threads: Threads = 1,
) -> Report:
    """Propose today's orders, with the reason for each quantity; or simulate what other terms would do.

    Today is the day after the last one whose sales are known. Planning a day again replaces what nobody approved.
    """
    terms = {
        "cycle_service": cycle_service,
        "fill_rate": fill_rate,
        "lead_time_days": lead_time_days,
        "review_period_days": review_period_days,
        "moq": moq,
        "pack_size": pack_size,
    }
    if what_if is not None:
        return session.project.what_if(what_if, **terms)
    given = [name for name, value in terms.items() if value is not None]
    if given:
        raise typer.BadParameter(f"--{given[0].replace('_', '-')} says what to simulate: add --what-if PRODUCT")
    return session.project.frontier(threads=threads) if frontier else session.project.plan(model)
