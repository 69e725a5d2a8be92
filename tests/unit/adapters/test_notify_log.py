"""Alerts as lines of the log."""

from __future__ import annotations

import logging

import pytest

from finalmile.adapters.notify.log import LogNotifier
from finalmile.adapters.notify.stdout import StdoutNotifier
from finalmile.records import Alert

ALERT = Alert(
    name="ab12", severity="warning", summary="Errors\nof b\x1b[2J grew.", labels={"model": "de\x9bm\u202eand"}
)


def test_an_alert_is_one_line_of_the_log_that_steers_no_terminal(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    LogNotifier().notify([ALERT])
    assert caplog.messages == ["[ab12] Errors of b\\x1b[2J grew. model=de\\x9bm\\u202eand"]


def test_an_alert_is_one_line_on_standard_output_that_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    StdoutNotifier().notify([ALERT])
    assert capsys.readouterr().out == "warning: [ab12] Errors of b\\x1b[2J grew. model=de\\x9bm\\u202eand\n"
