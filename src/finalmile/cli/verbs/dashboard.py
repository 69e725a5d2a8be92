"""``finalmile dashboard``."""

from __future__ import annotations

import sys
import webbrowser
from typing import TYPE_CHECKING, Annotated

import typer

from finalmile.cli.verb import Session

if TYPE_CHECKING:
    from finalmile.project import Project

Port = Annotated[int, typer.Option("--port", metavar="PORT", help="Port on 127.0.0.1; 0 takes a free one.")]
Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="Also open it in a browser.")]


def dashboard(session: Session, port: Port = 8765, browser: Browser = True) -> None:
    """Show the project's pages on 127.0.0.1 until Ctrl-C."""
    show_pages(session.project, port=port, browser=browser)


def show_pages(project: Project, *, port: int, browser: bool) -> None:
    """Serve a project's pages until somebody stops it."""
    from finalmile.web import create_app, serve

    def ready(address: str) -> None:
        print(f"The page is at {address} until Ctrl-C.", file=sys.stderr)
        if browser:
            webbrowser.open(address)

    app = create_app(project.home, project.product, watched=project.watched, explained=project.explained)
    serve(app, port, ready=ready)
