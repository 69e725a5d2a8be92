"""A project that writes down what it was asked, behind the real command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from finalmile.cli import verb
from finalmile.cli.app import app
from finalmile.cli.report import Note


@dataclass
class Recorder:
    """Answers every method with the same report, or raises the same error."""

    asked: list[tuple[str, tuple[object, ...], dict[str, object]]] = field(default_factory=list)
    opened: list[Path] = field(default_factory=list)
    answer: Note = field(default_factory=lambda: Note(said=("It is done.",), facts={"done": True}))
    failure: BaseException | None = None
    there: bool = True

    def open(self, folder: Path, *, create: bool = True) -> Recorder:
        self.opened.append(folder)
        return self

    def exists(self, folder: Path) -> bool:
        return self.there

    def __getattr__(self, name: str) -> Callable[..., Note]:
        if name.startswith("_"):
            raise AttributeError(name)

        def method(*args: object, **settings: object) -> Note:
            settings.pop("progress", None)
            self.asked.append((name, args, settings))
            if self.failure is not None:
                raise self.failure
            return self.answer

        return method


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(verb, "project_class", lambda: recorder)
    for module in ("init", "demo", "plugins"):
        monkeypatch.setattr(f"finalmile.cli.verbs.{module}.project_class", lambda: recorder)
    return recorder


Call = Callable[..., Result]


@pytest.fixture
def call() -> Call:
    """Run the command line: ``call("train", "demand", env={...})``."""

    def run(*words: str, env: Mapping[str, str] | None = None) -> Result:
        return CliRunner().invoke(app, list(words), env=env)

    return run
