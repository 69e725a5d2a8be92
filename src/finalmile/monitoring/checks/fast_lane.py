"""The fast lane: streaming detectors beside the checks, which say so and promise nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from finalmile.monitoring.registry import checks, detectors
from finalmile.records import Finding


@checks.add("fast_lane")
@dataclass(frozen=True, slots=True, kw_only=True)
class FastLane:
    """Runs one streaming detector on the innovations of a stream; its alarms are warnings and open no incident.

    It may be a few looks ahead of the check that shares its stream. What it gives for that is any statement on how
    often it is wrong.

    Parameters
    ----------
    detector
        Registered name: ``cusum``, ``page_hinkley``, ``adwin``.
    """

    detector: str = "cusum"

    def start(self) -> Any:
        """The detector's state before the first look."""
        return detectors.make(self.detector).start()

    def update(
        self, state: Any, value: float, *, stream: str, subject: str, at: date | datetime
    ) -> tuple[Any, list[Finding]]:
        """The next innovation of a stream, NaN where a look is missing: the new state, and a finding.

        Examples
        --------
        >>> lane = FastLane()
        >>> _, told = lane.update(lane.start(), 7.0, stream="loss", subject="fleet", at=date(2024, 3, 1))
        >>> told[0].severity, told[0].breached
        ('warning', False)
        """
        moved = detectors.make(self.detector).update(state, value)
        found = bool(moved.detected)
        why = (
            f"{self.detector} of the {stream} of {subject} {'went off' if found else 'is quiet'}. It is a fast lane: "
            "no rate of false alarms is promised for it, so it opens no incident."
        )
        finding = Finding(
            check="fast_lane",
            subject=f"{stream} of {subject} ({self.detector})",
            at=at,
            value=value if value == value else None,
            benchmark=None,
            unit="standard deviations",
            n=1,
            severity="warning" if found else "info",
            why=why,
        )
        return moved, [finding]
