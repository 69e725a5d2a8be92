"""``finalmile dashboard``."""

from __future__ import annotations

import sys
import webbrowser
from typing import TYPE_CHECKING, Annotated

import typer

from finalmile.cli.arguments import user_name
from finalmile.cli.verb import Session
from finalmile.errors import UnknownNameError

if TYPE_CHECKING:
    from finalmile.project import Project

Port = Annotated[int, typer.Option("--port", metavar="PORT", help="Port on 127.0.0.1; 0 takes a free one.")]
PageRole = Annotated[
    str, typer.Option("--role", metavar="ROLE", help="viewer looks, planner approves and edits, operator sends too.")
]
ROLES = ("viewer", "planner", "operator")
Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="Also open it in a browser.")]


def dashboard(session: Session, port: Port = 8765, browser: Browser = True, role: PageRole = "operator") -> None:
    """Show the project's pages on 127.0.0.1 until Ctrl-C; orders are approved, edited and sent on them."""
    if role not in ROLES:
        raise UnknownNameError("role", role, ROLES)
    show_pages(session.project, port=port, browser=browser, role=role)


def show_pages(project: Project, *, port: int, browser: bool, role: str = "operator") -> None:
    """Serve a project's pages until somebody stops it; what is done on them is noted as done by who is logged in."""
    from finalmile.web import OrderDesk, create_app, serve

    def ready(address: str) -> None:
        print(f"The page is at {address} until Ctrl-C.", file=sys.stderr)
        if browser:
            webbrowser.open(address)

    orders = OrderDesk(at=lambda: project.acting(user_name()), role=role)
    app = create_app(
        project.home,
        project.product,
        watched=project.watched,
        explained=project.explained,
        orders=orders,
        futures=project,
    )
    serve(app, port, ready=ready)
