"""``finalmile register``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from finalmile.cli.arguments import Model, read_columns, read_when
from finalmile.cli.report import Report
from finalmile.cli.verb import Session

Loader = Annotated[str, typer.Option("--loader", metavar="NAME", help="How it is brought to answer, e.g. lightgbm.")]
ModelPath = Annotated[Path | None, typer.Option("--path", metavar="PATH", help="The model's file or folder.")]
Features = Annotated[
    Path | None, typer.Option("--features", metavar="FILE", help="YAML with its features; none if it takes sales.")
]
Function = Annotated[
    str | None, typer.Option("--function", metavar="PKG.MOD:FN", help="What the loader callable calls.")
]
Code = Annotated[
    Path | None, typer.Option("--code", metavar="PATH", help="Source file or package to keep with the version.")
]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of the loader; may be repeated.")
]
Trust = Annotated[bool, typer.Option("--trust", help="Let code in its files run: pickle, joblib, pyfunc.")]
Until = Annotated[str | None, typer.Option("--trained-until", metavar="DAY", help="Last day that it has learned from.")]


def register(
    session: Session,
    model: Model,
    loader: Loader,
    path: ModelPath = None,
    features: Features = None,
    function: Function = None,
    code: Code = None,
    settings: Set = None,
    trust: Trust = False,
    trained_until: Until = None,
) -> Report:
    """Make a version of a model made elsewhere, after it has shown in a sandbox what it does."""
    until = None if trained_until is None else read_when(trained_until)
    return session.project.register(
        model,
        loader,
        path=path,
        features=features,
        function=function,
        code=code,
        settings={name: _value(text) for name, text in read_columns(settings or []).items()},
        trust=trust,
        trained_until=until.date() if isinstance(until, datetime) else until,
    )


def _value(text: str) -> int | float | str:
    """A setting as the number it is, else as it stands."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
