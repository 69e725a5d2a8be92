"""The throughput check: is more asked of an endpoint than it was certified to sustain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from finalmile.monitoring.operations.windows import Certified, Windows
from finalmile.monitoring.registry import checks
from finalmile.records import Finding


@checks.add("throughput")
@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughputCheck:
    """Holds the requests a second of each window against the rate that the certificate says is sustained.

    The value is the rate that all but the busiest ``beyond`` windows stayed under: one burst that a queue takes up is
    no harm. Above the certified rate is a breach; above ``headroom`` of it a warning, while there is time to add a
    worker. It says nothing of how many requests there should be.

    Parameters
    ----------
    headroom
        Share of the certified rate, in (0, 1], above which people are warned.
    beyond
        Windows that may be busier.
    """

    headroom: float = 0.8
    beyond: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.headroom <= 1 or self.beyond < 0:
            raise ValueError("headroom must be in (0, 1] and beyond at least 0")

    def compare(
        self, windows: Windows, certified: Certified | None, /, *, subject: str, at: date | datetime
    ) -> Finding:
        """One finding; without a certified rate, or without requests, one that says so.

        Examples
        --------
        >>> busy = Windows(starts=np.arange(4) * 10.0, seconds=np.full(4, 10.0), requests=np.full(4, 9000),
        ...                failed=np.zeros(4, dtype=int), quantiles={})
        >>> told = ThroughputCheck().compare(busy, Certified(windows={}, source="its certificate", sustained=1000.0),
        ...                                  subject="demand@3", at=date(2024, 3, 1))
        >>> told.value, told.breached, told.severity
        (900.0, False, 'warning')
        """
        limit = None if certified is None else certified.sustained
        rates = np.sort(windows.rate)[::-1]
        if certified is None or limit is None or len(rates) <= self.beyond:
            return self._unknown(subject, at, few=certified is not None and limit is not None)
        value = float(rates[self.beyond])
        breached, warns = value > limit, value > self.headroom * limit
        high = windows.rate > self.headroom * limit
        start = datetime.fromtimestamp(float(windows.starts[np.argmax(high)]), tz=UTC) if high.any() else None
        word = "more than" if breached else f"{value / limit:.0%} of"
        return Finding(
            check="throughput",
            subject=subject,
            at=at,
            value=value,
            benchmark=limit,
            effect=value / limit - 1,
            unit="requests a second",
            n=len(rates),
            since=start if warns else None,
            breached=breached,
            severity="warning" if warns else "info",
            why=f"{subject} was asked {value:,.1f} requests a second in its busiest windows: {word} the {limit:,.0f} "
            f"that {certified.source} says are sustained."
            + (" Start it with more workers: finalmile serve --workers N" if warns else ""),
        )

    def _unknown(self, subject: str, at: date | datetime, *, few: bool) -> Finding:
        missing = (
            "too few requests were logged"
            if few
            else f"no rate is certified. Measure it: finalmile certify {subject} --endpoint"
        )
        return Finding(
            check="throughput",
            subject=subject,
            at=at,
            value=None,
            benchmark=None,
            unit="requests a second",
            why=f"The load on {subject} cannot be judged: {missing}.".replace("..", "."),
        )
