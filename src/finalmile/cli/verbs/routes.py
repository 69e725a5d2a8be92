"""``finalmile routes show``, ``canary``, ``arms``, ``shadow`` and ``durable``."""

from __future__ import annotations

from typing import Annotated

import typer

from finalmile.cli.arguments import DEFAULT_MODEL, Versioned, Why, read_version
from finalmile.cli.report import Report
from finalmile.cli.verb import Session, add_verb

OneModel = Annotated[str | None, typer.Argument(metavar="MODEL", help="Name of the model; all by default.")]
Model = Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model.")]
Share = Annotated[float, typer.Argument(metavar="SHARE", help="Part of the traffic between 0 and 1; 0 ends it.")]
Arms = Annotated[
    list[str] | None, typer.Argument(metavar="NUMBER=SHARE...", help="Versions and their parts; none ends the test.")
]
Durably = Annotated[bool, typer.Argument(metavar="true|false", help="Whether answers wait for the log.")]
Deadline = Annotated[
    int | None, typer.Option("--deadline-ms", metavar="MS", help="Time a version has before the last good one answers.")
]
Force = Annotated[
    bool, typer.Option("--force", help="More than half without a comparison that says win or equal; say --why.")
]

routes = typer.Typer(help="Say which versions answer, and for how much of the traffic.", no_args_is_help=True)


def show_routes(session: Session, model: OneModel = None) -> Report:
    """Show which versions answer: live, canary, arms, the last good one, the shadow."""
    return session.project.routes(model)


def route_canary(
    session: Session, version: Versioned, share: Share, why: Why = "by hand", force: Force = False
) -> Report:
    """Let a version answer a part of the products; the same product is always answered by the same version."""
    model, number = read_version(version)
    return session.project.set_route(model, canary=(_needed(number, version), share), why=why, force=force)


def route_arms(
    session: Session, model: Model = DEFAULT_MODEL, arms: Arms = None, why: Why = "by hand", force: Force = False
) -> Report:
    """Split the traffic between versions, as in: routes arms demand 4=0.25 5=0.25."""
    return session.project.set_route(model, arms=dict(_arm(text) for text in arms or ()), why=why, force=force)


def route_shadow(session: Session, version: Versioned, why: Why = "by hand") -> Report:
    """Compare what a version would have answered with what was; demand@0 ends it."""
    model, number = read_version(version)
    return session.project.set_route(model, shadow=_needed(number, version), why=why)


def route_durable(
    session: Session, model: Model, durable: Durably, deadline_ms: Deadline = None, why: Why = "by hand"
) -> Report:
    """Answer only once a prediction is on disk, or before."""
    return session.project.set_route(model, durable=durable, deadline_ms=deadline_ms, why=why)


def _needed(number: int | None, given: str) -> int:
    if number is None:
        raise typer.BadParameter(f"{given!r} names no version; write {given}@NUMBER")
    return number


def _arm(text: str) -> tuple[int, float]:
    number, _, share = text.partition("=")
    try:
        return int(number), float(share)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not NUMBER=SHARE; write for example 4=0.25") from None


add_verb(routes, show_routes, name="show")
add_verb(routes, route_canary, name="canary")
add_verb(routes, route_arms, name="arms")
add_verb(routes, route_shadow, name="shadow")
add_verb(routes, route_durable, name="durable")
