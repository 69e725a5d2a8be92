"""``finalmile stock``."""

from __future__ import annotations

from typing import Annotated

import typer

from finalmile.cli.report import Report
from finalmile.cli.verb import Session

Product = Annotated[str | None, typer.Argument(metavar="[PRODUCT]", help="Only this one.")]


def stock(session: Session, product: Product = None) -> Report:
    """What is on hand and on its way, each unit once, and where counts and books disagree."""
    return session.project.stock_book(product)
