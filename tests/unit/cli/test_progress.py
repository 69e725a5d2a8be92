"""Progress bars show only where somebody watches."""

from __future__ import annotations

import io
import sys

import pytest

from finalmile.cli.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_is_drawn_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with progress_bar(quiet=False) as told:
        told(1, 2, "training")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("quiet", "said"), [(False, "trying 200\n"), (True, "")])
def test_steps_of_minutes_are_said_line_by_line_without_a_terminal(
    capfd: pytest.CaptureFixture[str], quiet: bool, said: str
) -> None:
    with progress_bar(quiet=quiet, steps=True) as told:
        told(0, 2, "trying 200")
    assert capfd.readouterr() == ("", said)


@pytest.mark.parametrize("quiet", [True, False])
def test_a_terminal_gets_a_bar_unless_it_should_be_quiet(monkeypatch: pytest.MonkeyPatch, quiet: bool) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_bar(quiet=quiet) as told:
        told(1, 2, "training")
    assert ("training" in terminal.getvalue()) is not quiet
