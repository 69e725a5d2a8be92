"""``finalmile formula``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from finalmile.cli.report import Report
from finalmile.cli.verb import Session, project_class

Name = Annotated[str | None, typer.Argument(help="Which one; all are listed without a name.", show_default=False)]
Given = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME=VALUE]...",
        help="Its numbers: fixed_cost=8, breakpoints=0,200,500, demand=normal:100,30, lead_periods=1/12.",
        show_default=False,
    ),
]


def formula(session: Session, name: Name = None, given: Given = None) -> Report:
    """Work out what a textbook formula of inventory gives; nothing is read from or changed in a project."""
    del session  # a formula knows no project
    told = dict(_pairs(given or []))
    try:
        return project_class().formula(name, told)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _pairs(given: list[str]) -> Iterator[tuple[str, str]]:
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise typer.BadParameter(f"{one!r} is no NAME=VALUE, for example fixed_cost=8")
        yield name.strip(), value.strip()
