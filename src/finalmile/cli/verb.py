"""What all verbs share: the project they work on, how they report, and how they fail."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Concatenate, ParamSpec, get_type_hints

import typer

from finalmile.cli.failures import BREACHED, FINE, code_of, tell
from finalmile.cli.folder import project_folder
from finalmile.cli.hints import with_project
from finalmile.cli.progress import progress_bar
from finalmile.cli.report import Report, show
from finalmile.errors import printable

if TYPE_CHECKING:
    from finalmile.ports import Progress
    from finalmile.project import Project

P = ParamSpec("P")
Work = Callable[Concatenate["Session", P], Report | None]

_SHARED = {
    "project": Annotated[
        Path | None,
        typer.Option("--project", metavar="DIR", help="Folder of the project; FINALMILE_PROJECT or here by default."),
    ],
    "as_json": Annotated[bool, typer.Option("--json", help="One JSON object instead of sentences.")],
    "debug": Annotated[bool, typer.Option("--debug", help="Show where an error came from.")],
}
_DEFAULTS: dict[str, object] = {"project": None, "as_json": False, "debug": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One call of the command line."""

    given: Path | None
    as_json: bool
    debug: bool

    @property
    def folder(self) -> Path:
        """Folder of the project."""
        return project_folder(self.given, os.environ)

    @property
    def project(self) -> Project:
        """The project, opened."""
        return project_class().open(self.folder, create=False)

    @property
    def new_project(self) -> Project:
        """The project, made where it is not there, which is said."""
        known = project_class().exists(self.folder)
        project = project_class().open(self.folder)
        if not known:
            print(printable(f"Made a new project in {self.folder.resolve()}"), file=sys.stderr)
        return project

    def hint(self, line: str) -> str:
        """A line whose hints at commands name the folder, where it was given."""
        return with_project(line, self.given)

    @contextmanager
    def progress(self, *, steps: bool = False) -> Generator[Progress]:
        """A bar on standard error, where somebody watches and nobody asked for JSON; else a line a step if wanted."""
        with progress_bar(quiet=self.as_json, steps=steps) as bar:
            yield bar


def project_class() -> type[Project]:
    """What projects are made and opened by; imported only when a verb needs it, so that help comes at once."""
    from finalmile.project import Project

    return Project


def add_verb(app: typer.Typer, work: Work[...], *, name: str | None = None) -> None:
    """Make ``work`` a command that also takes ``--project``, ``--json`` and ``--debug``.

    ``work`` takes a :class:`Session` first, then what the command takes, and gives back a report or ``None``.
    """
    summary = (work.__doc__ or "").partition("\n")[0]
    app.command(name or work.__name__, short_help=summary)(_command(work))


def _command(work: Work[...]) -> Callable[..., None]:
    def command(**given: object) -> None:
        folder, as_json, debug = (given.pop(shared) for shared in _SHARED)
        session = Session(given=folder if isinstance(folder, Path) else None, as_json=bool(as_json), debug=bool(debug))
        raise typer.Exit(_run(session, lambda: work(session, **given)))

    hints = get_type_hints(work, include_extras=True)
    own = [p.replace(annotation=hints[p.name]) for p in list(inspect.signature(work).parameters.values())[1:]]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS[name], annotation=annotation)
        for name, annotation in _SHARED.items()
    ]
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + shared
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # functions have one
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__doc__, command.__name__ = work.__doc__, work.__name__
    return command


def _run(session: Session, work: Callable[[], Report | None]) -> int:
    try:
        report = work()
        if report is None:
            return FINE
        show(report, as_json=session.as_json, hint=session.hint)
    except typer.BadParameter:
        raise
    except typer.Exit as left:
        return left.exit_code
    except BrokenPipeError:
        _ignore_closed_output()
        return FINE
    except (Exception, KeyboardInterrupt) as error:
        tell(error, as_json=session.as_json, debug=session.debug, hint=session.hint)
        return code_of(error)
    return BREACHED if report.breached else FINE


def _ignore_closed_output() -> None:
    """Whoever read the output has had enough; keep the interpreter from complaining at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
