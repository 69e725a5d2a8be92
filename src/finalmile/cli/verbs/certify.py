"""``finalmile certify``."""

from __future__ import annotations

from typing import Annotated

import typer

from finalmile.cli.arguments import DEFAULT_MODEL, Versioned, read_version
from finalmile.cli.judged import JudgedReport
from finalmile.cli.report import Report
from finalmile.cli.verb import Session

Endpoint = Annotated[bool, typer.Option("--endpoint", help="How fast it answers on this machine, under load.")]
Quick = Annotated[bool, typer.Option("--quick", help="With --endpoint: ten windows in place of thirty; weak.")]
Rate = Annotated[
    float | None,
    typer.Option(
        "--rate", min=0.1, metavar="PER_SECOND",
        help="With --endpoint: requests a second; by default those of the version before, else half of the most.",
    ),
]  # fmt: skip
Target = Annotated[
    float, typer.Option("--target-ms", min=0.01, metavar="MS", help="With --endpoint: what p99 must not exceed.")
]
EvenIfBusy = Annotated[
    bool, typer.Option("--even-if-busy", help="With --endpoint: measure and label while others use the machine.")
]
Compare = Annotated[
    tuple[str, str] | None,
    typer.Option("--compare", metavar="A B", help="Whether B answers slower than A, by their endpoint certificates."),
]


def certify(
    session: Session,
    model: Versioned = DEFAULT_MODEL,
    endpoint: Endpoint = False,
    quick: Quick = False,
    rate: Rate = None,
    target_ms: Target = 50.0,
    even_if_busy: EvenIfBusy = False,
    compare: Compare = None,
) -> Report:
    """Judge a version on data it has not seen: accuracy, bias and coverage against a cheap baseline.

    With --endpoint measure how fast it answers instead, on a server of its own, by load that does not wait for answers.
    """
    if compare is not None:
        first, second = (read_version(one) for one in compare)
        return session.project.compare_endpoints(first, second)
    name, number = read_version(model)
    if not endpoint:
        _check_alone(quick=quick, rate=rate is not None, even_if_busy=even_if_busy)
        return JudgedReport(session.project.certify(name, number))
    with session.progress(steps=True) as progress:
        return session.project.certify_endpoint(
            name, number, quick=quick, rate=rate, target_ms=target_ms, even_if_busy=even_if_busy, progress=progress
        )


def _check_alone(**given: bool) -> None:
    """Raise where an option that measures an endpoint was given without saying so."""
    wrong = [name.replace("_", "-") for name, said in given.items() if said]
    if wrong:
        raise typer.BadParameter(f"--{wrong[0]} is about speed; give it with --endpoint")
