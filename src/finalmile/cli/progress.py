"""Progress bars, where somebody watches."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress as Bars

from finalmile.errors import printable

if TYPE_CHECKING:
    from finalmile.ports import Progress


@contextmanager
def progress_bar(*, quiet: bool, steps: bool = False) -> Generator[Progress]:
    """A callback that moves a bar on standard error; it does nothing without a terminal or when ``quiet``.

    Parameters
    ----------
    steps
        Without a terminal say each step in a line, for work of few steps that take minutes.
    """
    if quiet or not sys.stderr.isatty():
        yield _said if steps and not quiet else _nothing
        return
    with Bars(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("working", total=None)

        def told(done: int, total: int, what: str, /) -> None:
            bars.update(task, completed=done, total=total, description=printable(what))

        yield told


def _said(done: int, total: int, what: str, /) -> None:
    del done, total
    print(printable(what), file=sys.stderr, flush=True)


def _nothing(done: int, total: int, what: str, /) -> None:
    del done, total, what
