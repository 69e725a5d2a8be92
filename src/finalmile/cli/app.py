"""The command ``finalmile`` and its verbs."""

from __future__ import annotations

import importlib
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

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


class Verbs(TyperGroup):
    """The verbs; who leaves out the first of two words is told it."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that words begin with."""
        places = [name for name, group in self.commands.items() if args[0] in getattr(group, "commands", ())]
        if args[0] not in self.commands and places:
            meant = " or ".join(f"'finalmile {name} {args[0]}'" for name in places)
            ctx.fail(f"No such command '{args[0]}'. Did you mean {meant}?")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="finalmile",
    cls=Verbs,
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
