"""Load as it was answered: windows of it, and the search for the highest rate that keeps a promise.

Windows are the unit of everything that is said about speed. Requests of one moment wait for each other, so a million
of them are not a million observations; windows of some seconds come close to that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from finalmile.serving.histogram import BUCKETS, Histogram

Stop = Literal["settled", "too slow at every rate", "highest rate asked", "the client is the limit", "enough tries"]
_CLIENT_BUSY = 0.9
_KEEPS_UP = 0.98


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What was asked within some seconds, and how it was answered.

    Parameters
    ----------
    rate
        Requests a second that were to be sent; NaN in a closed loop, which asks as fast as it is answered.
    sent
        Requests that fell due in this window, whenever they were answered.
    came
        Right answers that were read in this window, whenever they fell due.
    latencies
        From the instant a request was due until its answer was read: waiting for a free connection is waiting too.
    late
        From the instant a request was due until it was sent, of those that found a free connection: how far the client
        itself was behind.
    errors
        Requests without a right answer, by kind; none of them is in ``latencies``.
    """

    seconds: float
    rate: float
    sent: int
    came: int
    latencies: Histogram
    late: Histogram = field(default_factory=Histogram.empty)
    errors: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def failed(self) -> int:
        """Requests without a right answer."""
        return sum(self.errors.values())

    def quantile(self, level: float, /) -> float:
        """Latency in milliseconds that ``level`` of all requests reach at most; one without an answer took 100 s.

        NaN of an empty window.

        Examples
        --------
        >>> quick = Histogram.of(np.full(98, 1000.0))
        >>> lossy = Window(seconds=1, rate=100, sent=100, came=98, latencies=quick, errors={"timeout": 2})
        >>> round(lossy.quantile(0.5), 1), lossy.quantile(0.99) > 99_000
        (1.0, True)
        """
        counts = self.latencies.counts.copy()
        counts[BUCKETS - 1] += self.failed
        return Histogram(counts=counts).quantile(level) / 1000

    def to_json(self) -> dict[str, object]:
        """As one process tells another: of a histogram only the buckets that hold something."""
        return {
            "seconds": self.seconds,
            "rate": None if math.isnan(self.rate) else self.rate,
            "sent": self.sent,
            "came": self.came,
            "latencies": _sparse(self.latencies),
            "late": _sparse(self.late),
            "errors": dict(self.errors),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any], /) -> Window:
        """What :meth:`to_json` gave."""
        rate = math.nan if told["rate"] is None else told["rate"]
        return cls(
            seconds=told["seconds"], rate=rate, sent=told["sent"], came=told["came"], errors=dict(told["errors"]),
            latencies=_dense(told["latencies"]), late=_dense(told["late"]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A rate that was tried, and whether it kept the promise.

    Parameters
    ----------
    worst_ms
        Slowest p99 of its windows.
    client_share
        Processor time that the client used, over the time it ran: near 1 the client is the limit, not the server.
    """

    rate: float
    windows: tuple[Window, ...]
    client_share: float = 0.0

    @property
    def worst_ms(self) -> float:
        """Slowest p99 of its windows, in milliseconds."""
        told = [window.quantile(0.99) for window in self.windows]
        return math.inf if not told or any(math.isnan(one) for one in told) else max(told)

    @property
    def failed(self) -> int:
        """Requests without a right answer."""
        return sum(window.failed for window in self.windows)

    @property
    def client_is_the_limit(self) -> bool:
        """Whether it says nothing about the server."""
        return self.client_share > _CLIENT_BUSY

    def keeps(self, target_ms: float, /) -> bool:
        """Whether p99 stayed at or under the target in every window, every answer was right, and none stayed behind.

        Where fewer answers came while it was measured than 98 % of what fell due meanwhile, a queue grew: however long
        a wait the target allows, the rate is not sustained. What a few requests scatter by, the root of their number,
        is allowed for.
        """
        if not self.windows or self.failed or not self.worst_ms <= target_ms:
            return False
        due = sum(window.sent for window in self.windows)
        return sum(window.came for window in self.windows) >= _KEEPS_UP * due - math.sqrt(due)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Which rate to try next, to find the highest one whose p99 keeps to a target in every window.

    The rate doubles while the promise is kept and halves while it is not; once a rate that keeps it and one that does
    not are known, the geometric middle is tried until the two are within ``fineness`` of each other. With ``n`` octaves
    between the first rate and the answer that takes about ``n + log2(log 2 / log(1 + fineness))`` tries.

    Parameters
    ----------
    start, lowest, highest
        Requests a second to begin with, and the bounds of the search.
    target_ms
        What p99 must not exceed, in milliseconds, in every window of a rate.
    fineness
        How near the highest good and the lowest bad rate must come: 0.1 is ten per cent.
    tries
        Rates tried at most.

    Examples
    --------
    A server that keeps 1,000 requests a second:

    >>> ladder, rungs = Ladder(start=300, target_ms=50), []
    >>> while (rate := ladder.next(rungs)) is not None:
    ...     took = 1000.0 if rate <= 1000 else 900_000.0
    ...     told = Histogram.of(np.full(100, took))
    ...     window = Window(seconds=1, rate=rate, sent=100, came=100, latencies=told)
    ...     rungs.append(Rung(rate=rate, windows=(window,)))
    >>> [round(rung.rate) for rung in rungs]
    [300, 600, 1200, 849, 1009, 925]
    >>> round(ladder.sustained(rungs)), ladder.why(rungs)
    (925, 'settled')
    """

    start: float
    target_ms: float = 50.0
    fineness: float = 0.1
    lowest: float = 1.0
    highest: float = 100_000.0
    tries: int = 14

    def next(self, rungs: Sequence[Rung], /) -> float | None:
        """The rate to try now; ``None`` when it is over, for the reason that :meth:`why` gives."""
        return None if self._ended(rungs) else self._following(rungs)

    def sustained(self, rungs: Sequence[Rung], /) -> float | None:
        """Highest rate that kept the promise below the lowest one that did not; ``None`` where none did."""
        good, _ = self._bracket(rungs)
        return good

    def why(self, rungs: Sequence[Rung], /) -> Stop | None:
        """Why the search ended; ``None`` while it goes on."""
        return self._ended(rungs)

    def _bracket(self, rungs: Sequence[Rung]) -> tuple[float | None, float | None]:
        bad = min((rung.rate for rung in rungs if not rung.keeps(self.target_ms)), default=None)
        kept = [rung.rate for rung in rungs if rung.keeps(self.target_ms)]
        return max((rate for rate in kept if bad is None or rate < bad), default=None), bad

    def _following(self, rungs: Sequence[Rung]) -> float:
        good, bad = self._bracket(rungs)
        if good is None:
            return min(self.start, self.highest) if bad is None else max(bad / 2, self.lowest)
        return min(good * 2, self.highest) if bad is None else math.sqrt(good * bad)

    def _ended(self, rungs: Sequence[Rung]) -> Stop | None:
        good, bad = self._bracket(rungs)
        if rungs and rungs[-1].client_is_the_limit:
            return "the client is the limit"
        if good is None and bad is not None and bad <= self.lowest:
            return "too slow at every rate"
        if bad is None and good is not None and good >= self.highest:
            return "highest rate asked"
        if good is not None and bad is not None and bad <= good * (1 + self.fineness):
            return "settled"
        return "enough tries" if len(rungs) >= self.tries else None


def _sparse(histogram: Histogram) -> list[list[int]]:
    held = np.flatnonzero(histogram.counts)
    return [held.tolist(), histogram.counts[held].tolist()]


def _dense(told: Sequence[Sequence[int]]) -> Histogram:
    counts = np.zeros(BUCKETS, dtype=np.int64)
    counts[np.asarray(told[0], dtype=np.int64)] = told[1]
    return Histogram(counts=counts)
