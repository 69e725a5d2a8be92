"""Write the reference pages from the code: settings, commands, plugins, Python.

Run by ``make reference``; ``--check`` only says whether they are current.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from typer.testing import CliRunner

import finalmile as fm
from finalmile.cli.app import VERBS, app
from finalmile.config import Config, Receiver, section_at, written
from finalmile.config.meanings import meanings
from finalmile.forecasters.loaders import loaders
from finalmile.inventory.answers import answers
from finalmile.inventory.exports import exports
from finalmile.inventory.policies import policies
from finalmile.inventory.rules import rules
from finalmile.metrics import metrics
from finalmile.monitoring.effects.registry import effects, table_effects
from finalmile.monitoring.registry import checks, detectors
from finalmile.ports import deliveries, forecasters, notifiers
from finalmile.project import Project
from finalmile.response.registry import actions

REGISTRIES = (
    *(forecasters, loaders, policies, rules, exports, deliveries, answers, metrics, checks, effects, table_effects),
    *(detectors, actions, notifiers),
)
FOLDER = Path(__file__).parent / "reference"
GENERATED = "<!-- Written by docs/build.py; change the code it describes and run `make reference`. -->"


def settings_page() -> Iterator[str]:
    """Every setting with its default and its reason."""
    yield "# Settings"
    yield GENERATED
    yield (
        "`finalmile.yaml` in the project's folder. Every setting is optional, and so is the file.\n"
        "All faults of the file are told at once, each with its line.\n"
        "Settings that end in `_days` are converted to periods of the project's frequency, rounded up."
    )
    yield "\n".join(_settings_table(Config, Config()))
    for name in Config.model_fields:
        section = section_at((name, "")) or section_at((name,))
        if section is not None:
            yield f"## `{name}`"
            yield section.__doc__ or ""
            values = getattr(Config(), name)
            yield "\n".join(_settings_table(section, values if isinstance(values, BaseModel) else _example(section)))


def _example(section: type[BaseModel]) -> BaseModel:
    return Receiver(name="log") if section is Receiver else section()


def _settings_table(section: type[BaseModel], values: BaseModel) -> Iterator[str]:
    yield "| setting | default | meaning |"
    yield "|---|---|---|"
    told = meanings(section)
    for name in section.model_fields:
        value = getattr(values, name)
        nested = section is Config and section_at((name,)) is not None
        default = f"[below](#{name})" if nested or name == "models" else f"`{written(value)}`"
        meaning = told.get(name) or type(value).__doc__ or ""
        yield f"| `{name}` | {default} | {_cell(meaning)} |"


def commands_page() -> Iterator[str]:
    """Every verb as ``--help`` shows it."""
    yield "# Commands"
    yield GENERATED
    yield (
        "Exit codes: 0 fine, 1 a check breached, 2 wrong use or not possible as things stand, 3 could not run, "
        "130 stopped by Ctrl-C.\n"
        "With `--json` standard output holds one JSON object, also for an error; sentences go to standard error.\n"
        "`run --every` writes one object a line, one for each day."
    )
    for words in _commands():
        yield f"## `{' '.join(words)}`"
        yield f"```text\n{_help(words)}\n```"


def _commands() -> Iterator[list[str]]:
    for verb in VERBS:
        if verb == "orders":
            yield ["orders", "list"]
            yield ["orders", "show"]
        else:
            yield [verb]


def _help(words: list[str]) -> str:
    shown = CliRunner().invoke(app, [*words, "--help"], prog_name="finalmile", terminal_width=100)
    if shown.exit_code != 0:
        raise typer.Exit(shown.exit_code)
    return "\n".join(line.rstrip() for line in shown.stdout.strip().splitlines())


def plugins_page() -> Iterator[str]:
    """Every registered plugin with its settings."""
    yield "# Plugins"
    yield GENERATED
    yield (
        "What settings and the command line can name, and Python builds.\n"
        "Packages add their own under the entry-point group `finalmile.plugins`: [Contributing](../../CONTRIBUTING.md)."
    )
    for registry in REGISTRIES:
        plural = f"{registry.kind.removesuffix('y')}ies" if registry.kind.endswith("y") else f"{registry.kind}s"
        yield f"## {plural.capitalize()}"
        for name in registry:
            yield "\n".join(_plugin(name, registry[name]))


def _plugin(name: str, made_by: Callable[..., Any]) -> Iterator[str]:
    yield f"### `{name}`"
    yield ""
    yield _first_paragraph(made_by).replace("``", "`")
    yield ""
    yield f"In Python `{made_by.__name__}`."
    fields = dataclasses.fields(made_by) if dataclasses.is_dataclass(made_by) else ()
    if not fields:
        return
    yield ""
    yield "| setting | default |"
    yield "|---|---|"
    for field in fields:
        yield f"| `{field.name}` | {_default(field)} |"


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return f"`{written(field.default)}`" if field.default != "" else "empty"
    if field.default_factory is not dataclasses.MISSING:
        return f"`{written(field.default_factory())}`"
    return "required"


def python_page() -> Iterator[str]:
    """Every public name."""
    yield "# Python"
    yield GENERATED
    yield "`import finalmile as fm` imports nothing else; each name is imported when it is first used."
    yield "\n".join(_names())
    yield "## `Project`"
    yield inspect.cleandoc(Project.__doc__ or "").partition("\n\n")[0]
    yield "\n".join(_methods(Project))


def _names() -> Iterator[str]:
    yield "| name | what it is |"
    yield "|---|---|"
    for name in fm.__all__:
        value = getattr(fm, name)
        told = "The installed version." if name == "__version__" else _first_paragraph(value)
        yield f"| `fm.{name}` | {_cell(told)} |"


def _methods(cls: type) -> Iterator[str]:
    yield "| method | what it does |"
    yield "|---|---|"
    for name in sorted(dir(cls)):
        called, value = getattr(cls, name), inspect.getattr_static(cls, name)
        if name.startswith("_") or not callable(called) or not isinstance(value, Callable | classmethod | staticmethod):
            continue
        parameters = [p for p in inspect.signature(called).parameters.values() if p.name != "self"]
        yield f"| `{name}({', '.join(_parameter(p) for p in parameters)})` | {_cell(_first_paragraph(called))} |"


def _parameter(parameter: inspect.Parameter) -> str:
    given = parameter.default is not inspect.Parameter.empty
    return f"{parameter.name}={parameter.default!r}" if given else parameter.name


def _first_paragraph(value: object) -> str:
    return " ".join((inspect.getdoc(value) or "").partition("\n\n")[0].split())


def _cell(text: str) -> str:
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())


PAGES = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "plugins.md": plugins_page,
    "python.md": python_page,
}


def page(name: str) -> str:
    """Text of one page."""
    return "\n\n".join(PAGES[name]()).rstrip("\n") + "\n"


def stale(folder: Path = FOLDER) -> list[str]:
    """Pages that do not say what the code says."""
    return [name for name in PAGES if not (folder / name).exists() or (folder / name).read_text("utf-8") != page(name)]


def main() -> int:
    """Write the pages, or with ``--check`` name those that are not current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is not current")
    if parser.parse_args().check:
        old = stale()
        print(f"not current: {', '.join(old)}; run make reference" if old else "reference pages are current")
        return 1 if old else 0
    FOLDER.mkdir(exist_ok=True)
    for name in PAGES:
        (FOLDER / name).write_text(page(name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
