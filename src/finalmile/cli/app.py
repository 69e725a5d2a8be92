"""The command ``finalmile`` and its verbs."""

from __future__ import annotations

import importlib
from typing import Annotated

import typer

from finalmile.cli.verb import add_verb

# In the order in which somebody meets them.
VERBS = (
    "demo",
    "init",
    "check",
    "doctor",
    "plugins",
    "ingest",
    "train",
    "register",
    "certify",
    "promote",
    "rollback",
    "routes",
    "keys",
    "models",
    "compare",
    "forecast",
    "monitor",
    "checks",
    "incidents",
    "why",
    "stock",
    "plan",
    "formula",
    "orders",
    "suppliers",
    "impact",
    "run",
    "replay",
    "export",
    "dashboard",
    "serve",
)

app = typer.Typer(
    name="finalmile",
    help="Run demand-forecast models in production, watch them, act when they go wrong, order, and show the money.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name in VERBS:
    _verb = getattr(importlib.import_module(f"finalmile.cli.verbs.{_name}"), _name)
    if isinstance(_verb, typer.Typer):
        app.add_typer(_verb, name=_name)
    else:
        add_verb(app, _verb)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"finalmile {version('finalmile')}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")]


@app.callback()
def _top(version: Version = False) -> None:
    del version
