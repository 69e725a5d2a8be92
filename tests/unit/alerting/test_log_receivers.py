"""Receivers that write lines."""

import logging

import pytest

from finalmile.ports import notifiers
from finalmile.records import Alert

ALERTS = [
    Alert(name="ab", severity="critical", summary="Errors\ngrew.", labels={"model": "demand"}, runbook="docs/loss"),
    Alert(name="cd", severity="info", summary="Over."),
]


def test_the_log_gets_one_line_per_alert(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="finalmile.alerts"):
        notifiers.make("log").notify(ALERTS)
    assert [(r.name, r.levelname, r.getMessage()) for r in caplog.records] == [
        ("finalmile.alerts", "CRITICAL", "[ab] Errors grew. model=demand runbook=docs/loss"),
        ("finalmile.alerts", "INFO", "[cd] Over."),
    ]


def test_standard_output_gets_one_line_per_alert(capsys: pytest.CaptureFixture[str]) -> None:
    notifiers.make("stdout").notify(ALERTS)
    assert capsys.readouterr().out.splitlines()[1] == "info: [cd] Over."
