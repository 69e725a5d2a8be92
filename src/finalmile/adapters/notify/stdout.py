"""Alerts on standard output, for a person who watches the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from finalmile.adapters.notify.log import line
from finalmile.ports import notifiers
from finalmile.records import Alert


@notifiers.add("stdout")
@dataclass(frozen=True, slots=True)
class StdoutNotifier:
    """One line per alert on standard output; not for commands asked for JSON."""

    def notify(self, alerts: Sequence[Alert]) -> None:
        """Print the alerts."""
        for alert in alerts:
            print(f"{alert.severity}: {line(alert)}", flush=True)
