"""``finalmile run``."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Annotated

import typer

from finalmile.cli.arguments import read_every, read_when
from finalmile.cli.failures import tell
from finalmile.cli.report import Report, show
from finalmile.cli.verb import Session

At = Annotated[str | None, typer.Option("--at", metavar="DAY", help="The business day; the newest by default.")]
Every = Annotated[
    str | None, typer.Option("--every", metavar="TIME", help="Do it again after 1d, 12h or 30m, until stopped.")
]
Wait = Callable[[float], bool]


def run(session: Session, at: At = None, every: Every = None) -> Report | None:
    """Run one business day: forecast, monitor, alert, respond, plan.

    With --every it goes on until SIGTERM or Ctrl-C; a day that fails is told and the next one is tried.
    """
    day = None if at is None else read_when(at)
    if every is None:
        return session.project.run_day(at=day)
    with stopped_by_signals() as stopped:
        repeat(session, every=read_every(every), at=day, wait=stopped.wait)
    return None


def repeat(session: Session, *, every: timedelta, at: date | None, wait: Wait) -> int:
    """Run a day, wait, and again, until ``wait`` says that somebody asked to stop; how many days were tried."""
    days = 0
    while True:
        days += 1
        _one_day(session, at)
        if wait(every.total_seconds()):
            return days


def _one_day(session: Session, at: date | None) -> None:
    try:
        show(session.project.run_day(at=at), as_json=session.as_json, hint=session.hint)
    except Exception as error:
        tell(error, as_json=session.as_json, debug=session.debug, hint=session.hint)


@contextmanager
def stopped_by_signals() -> Generator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set; what runs then is finished first."""
    stopped = threading.Event()

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, before[number])  # a second Ctrl-C does not wait for the day to finish
        stopped.set()

    before = {int(number): signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, stop)
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
