"""Alerts as lines of the program's log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from finalmile.errors import printable
from finalmile.ports import notifiers
from finalmile.records import Alert, Severity

_LEVELS: dict[Severity, int] = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.CRITICAL}


@notifiers.add("log")
@dataclass(frozen=True, slots=True)
class LogNotifier:
    """One line per alert through :mod:`logging`; where it goes is the program's affair.

    Parameters
    ----------
    logger
        Name of the logger.
    """

    logger: str = "finalmile.alerts"

    def notify(self, alerts: Sequence[Alert]) -> None:
        """Write the alerts; line breaks become spaces and control characters are written out."""
        log = logging.getLogger(self.logger)
        for alert in alerts:
            log.log(_LEVELS[alert.severity], "%s", line(alert))


def line(alert: Alert) -> str:
    """The alert in one line: name, summary, labels, runbook.

    Examples
    --------
    >>> line(Alert(name="ab12", severity="warning", summary="Errors grew.", labels={"model": "demand"}))
    '[ab12] Errors grew. model=demand'
    """
    labels = " ".join(f"{name}={value}" for name, value in sorted(alert.labels.items()))
    parts = [f"[{alert.name}]", alert.summary, labels, alert.runbook and f"runbook={alert.runbook}"]
    return printable(" ".join(" ".join(part.split()) for part in parts if part))
