"""``run --every``: goes on after a failing day, stops when asked."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from finalmile.cli.verb import Session
from finalmile.cli.verbs.run import repeat, stopped_by_signals
from finalmile.errors import TransientError

SESSION = Session(given=None, as_json=True, debug=False)


def _waits(times: int, waited: list[float]) -> Callable[[float], bool]:
    def wait(seconds: float) -> bool:
        waited.append(seconds)
        return len(waited) >= times

    return wait


def test_a_day_is_run_again_after_each_wait(project: Any, capfd: pytest.CaptureFixture[str]) -> None:
    waited: list[float] = []
    assert repeat(SESSION, every=timedelta(hours=12), at=None, wait=_waits(3, waited)) == 3
    assert waited == [43200.0] * 3
    assert [name for name, _, _ in project.asked] == ["run_day"] * 3
    assert capfd.readouterr().out == '{"done":true}\n' * 3


def test_a_failing_day_is_told_and_the_next_one_is_tried(project: Any, capfd: pytest.CaptureFixture[str]) -> None:
    project.failure = TransientError("the database is away")
    assert repeat(SESSION, every=timedelta(days=1), at=None, wait=_waits(2, [])) == 2
    assert capfd.readouterr().err == "the database is away\n" * 2


def test_a_project_that_cannot_be_opened_does_not_end_the_loop(project: Any, capfd: pytest.CaptureFixture[str]) -> None:
    def refuse(folder: object, **_: object) -> None:
        raise OSError(28, "No space left on device")

    project.open = refuse
    assert repeat(SESSION, every=timedelta(days=1), at=None, wait=_waits(2, [])) == 2
    assert "No space left" in capfd.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_to_stop_and_its_handler_is_put_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stopped_by_signals() as stopped:
        assert not stopped.wait(0)
        os.kill(os.getpid(), number)
        assert stopped.wait(10)
    assert signal.getsignal(number) is before


def test_a_stopped_loop_leaves_with_zero(call: Any, project: Any) -> None:
    project.run_day = lambda at: os.kill(os.getpid(), signal.SIGTERM) or project.answer
    assert call("run", "--every", "1d").exit_code == 0
