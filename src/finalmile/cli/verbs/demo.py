"""``finalmile demo``."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from finalmile.cli.report import Report, show
from finalmile.cli.verb import Session, project_class
from finalmile.cli.verbs.dashboard import Browser, Port, show_pages

Serve = Annotated[bool, typer.Option("--serve/--no-serve", help="Show the page afterwards.")]
Keep = Annotated[
    Path | None, typer.Option("--keep", metavar="DIR", help="Keep the project in this folder, as --project does.")
]
Seed = Annotated[int, typer.Option("--seed", help="Start of the simulated retailer's chance.")]
Days = Annotated[int, typer.Option("--days", min=28, help="Days to replay.")]


def demo(
    session: Session,
    serve: Serve = True,
    keep: Keep = None,
    seed: Seed = 0,
    days: Days = 91,
    port: Port = 8765,
    browser: Browser = True,
) -> Report | None:
    """Replay a quarter of a simulated retailer in which demand suddenly changes, and tell what happened."""
    projects = project_class()
    with ExitStack() as stack:
        folder = (
            keep or session.given or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="finalmile-demo-")))
        )
        with session.progress() as progress:
            report = projects.demo(folder, seed=seed, days=days, progress=progress)
        if not serve:
            return report
        show(report, as_json=session.as_json)
        show_pages(projects.open(folder), port=port, browser=browser)
    return None
