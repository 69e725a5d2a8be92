"""The latency check: does a version answer as fast as it was certified to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from finalmile.frames import BoolArray
from finalmile.metrics.intervals import Interval, log_prediction_interval
from finalmile.monitoring.operations.windows import LEVELS, Certified, Windows
from finalmile.monitoring.registry import checks
from finalmile.records import Finding

_ROUNDING = math.log(1.01) / math.sqrt(12)


@checks.add("latency")
@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyCheck:
    """Holds windows of an endpoint's latencies against those of its certificate.

    The certified windows tell where the p50 and the p99 of one more window lie: a t prediction interval on their
    logarithms. A look breaches where the geometric mean of its windows lies above that interval and above the
    tolerance; a mean scatters less than one window, which leaves room for what shifts from run to run. The plain ratio
    is told beside it. Windows are the unit: requests of one moment wait in one queue, and a test that counts them as
    independent (Kolmogorov-Smirnov, a binomial count of slow ones) alarms on quiet days.

    Parameters
    ----------
    level
        Of the interval; outside it by chance less than once in ``1 / (1 - level)`` windows per quantile.
    tolerance
        Slowdown that is no harm, as a ratio.
    least_windows, least_certified
        Windows that a look, and a certificate, need: two of them would say that one more may lie anywhere.
    in_a_row
        So many windows above the interval in a row are a warning, though the look as a whole was fast enough.

    References
    ----------
    Hahn and Meeker, Statistical Intervals, 1991, section 4.7.
    """

    level: float = 0.999
    tolerance: float = 0.10
    least_windows: int = 3
    least_certified: int = 5
    in_a_row: int = 3

    def __post_init__(self) -> None:
        if not 0 < self.level < 1 or self.tolerance < 0 or min(self.least_windows, self.in_a_row) < 1:
            raise ValueError("level must be in (0, 1), tolerance at least 0, least_windows and in_a_row at least 1")
        if self.least_certified < 2:
            raise ValueError(f"least_certified is {self.least_certified}; an interval needs at least two windows")

    def compare(
        self, windows: Windows, certified: Certified | None, /, *, subject: str, at: date | datetime
    ) -> Finding:
        """One finding on the worse of p50 and p99; without a benchmark, or enough windows, one that says so.

        Examples
        --------
        >>> quiet = {"p50": [1.0, 1.1, 0.9] * 10, "p99": [4.0, 4.4, 3.6] * 10}
        >>> slow = Windows(starts=np.arange(3) * 10.0, seconds=np.full(3, 10.0), requests=np.full(3, 500),
        ...                failed=np.zeros(3, dtype=int), quantiles={"p50": np.full(3, 1.0), "p99": np.full(3, 9.0)})
        >>> told = LatencyCheck().compare(slow, Certified(windows=quiet, source="its certificate"),
        ...                               subject="demand@3", at=date(2024, 3, 1))
        >>> told.breached, round(told.value, 2), round(told.effect, 2)
        (True, 9.0, 1.26)
        """
        if certified is None:
            return self._unknown(subject, at, "it has no certificate to be held against, nor has one like it")
        judged = [one for name in LEVELS if (one := self._judged(name, windows, certified)) is not None]
        if not judged:
            return self._unknown(subject, at, self._lacking(certified))
        worst = max(judged, key=lambda one: (one.breached, one.warns, one.beyond))
        return Finding(
            check="latency",
            subject=subject,
            at=at,
            value=worst.value,
            benchmark=worst.interval.centre,
            effect=worst.value / worst.interval.centre - 1,
            unit=f"ms at {worst.name}",
            n=worst.windows,
            since=worst.since,
            breached=worst.breached,
            severity="warning" if worst.breached or worst.warns else "info",
            why=_why(judged, worst, certified, subject=subject),
        )

    def _judged(self, name: str, windows: Windows, certified: Certified) -> _Judged | None:
        values, seen = windows.quantiles[name], certified.windows.get(name, ())
        known = np.isfinite(values) & (values > 0)
        usable = [value for value in seen if math.isfinite(value) and value > 0]
        if int(known.sum()) < self.least_windows or len(usable) < self.least_certified:
            return None
        interval = log_prediction_interval(usable, level=self.level, least_spread=_ROUNDING)
        over = known & (values > interval.high)
        value = float(np.exp(np.log(values[known]).mean()))
        begun, run = _longest(over)
        return _Judged(
            name=name,
            value=value,
            interval=interval,
            windows=int(known.sum()),
            slow=int(over.sum()),
            since=_instant(float(windows.starts[begun])) if run else None,
            breached=value > interval.high and value > interval.centre * (1 + self.tolerance),
            warns=run >= self.in_a_row,
        )

    def _lacking(self, certified: Certified) -> str:
        """Why no quantile could be judged."""
        seen = max((len(certified.windows.get(name, ())) for name in LEVELS), default=0)
        if seen < self.least_certified:
            return f"{certified.source} rests on {seen} windows, and {self.least_certified} are needed"
        return f"fewer than {self.least_windows} windows had enough requests"

    def _unknown(self, subject: str, at: date | datetime, why: str) -> Finding:
        return Finding(
            check="latency",
            subject=subject,
            at=at,
            value=None,
            benchmark=None,
            unit="ms",
            why=f"The latency of {subject} cannot be judged: {why}. Measure it: finalmile certify {subject} --endpoint",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    name: str
    value: float
    interval: Interval
    windows: int
    slow: int
    since: datetime | None
    breached: bool
    warns: bool

    @property
    def beyond(self) -> float:
        return self.value / self.interval.high


def _longest(over: BoolArray) -> tuple[int, int]:
    """Where the longest run of windows above the interval begins, and its length."""
    best = begun = run = 0
    for at, one in enumerate(over.tolist()):
        run = run + 1 if one else 0
        if run > best:
            best, begun = run, at - run + 1
    return begun, best


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def _why(judged: Sequence[_Judged], worst: _Judged, certified: Certified, *, subject: str) -> str:
    told = "; ".join(
        f"{one.name} {one.value:.2f} ms, {one.value / one.interval.centre:.2f} times the {one.interval.centre:.2f} ms "
        f"of {certified.source} (one more window is expected up to {one.interval.high:.2f} ms; {one.slow} of "
        f"{one.windows} windows were above)"
        for one in judged
    )
    start = "answers slower than certified" if worst.breached else "answers as fast as certified"
    if worst.warns and not worst.breached:
        start = "was slow for a while"
    return " ".join([f"{subject} {start}: {told}.", *certified.notes])
