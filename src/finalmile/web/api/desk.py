"""What every route of the API works on, and who asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from finalmile.errors import UnknownNameError
from finalmile.project import Project
from finalmile.serving.access import reaches
from finalmile.serving.board import Board, Key
from finalmile.web.batches import Batches

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks.

    Parameters
    ----------
    actor
        As the audit trail names it.
    key
        The key that was presented; ``None`` for somebody on this machine where none is asked for.
    """

    actor: str
    role: str
    key: Key | None = None

    def reaches(self, model: str) -> bool:
        """Whether a model is any of the caller's business."""
        return self.key is None or reaches(self.key, model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The project, the jobs, the board that is in force, and whose turn it is to read the log."""

    project: Project
    board: Callable[[], Board]
    batches: Batches
    log: threading.Lock = field(default_factory=threading.Lock)

    def models(self, caller: Caller) -> list[str]:
        """Models that exist and that the caller reaches."""
        return [name for name in sorted({one.model for one in self.project.ledger.versions()}) if caller.reaches(name)]

    def model(self, caller: Caller, name: str) -> str:
        """The name again; ``UnknownNameError``, with what the caller reaches, where it is none of those."""
        known = self.models(caller)
        if name not in known:
            raise UnknownNameError("model", name, known)
        return name


def visible(caller: Caller, rows: Iterable[T], model: Callable[[T], str]) -> list[T]:
    """Rows of models that the caller reaches."""
    return [row for row in rows if caller.reaches(model(row))]
