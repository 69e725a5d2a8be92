"""What a load client counted, window by window."""

from __future__ import annotations

from collections import Counter

import numpy as np

from finalmile.serving.histogram import Histogram
from finalmile.serving.load_plan import Loaded, Plan
from finalmile.serving.load_profile import Window


class Tally:
    """Requests and answers of a plan; instants are seconds since the first request could fall due."""

    def __init__(self, plan: Plan, /) -> None:
        self._plan = plan
        span = plan.windows + 1
        self._took: list[list[float]] = [[] for _ in range(span)]
        self._late: list[list[float]] = [[] for _ in range(span)]
        self._errors: list[Counter[str]] = [Counter() for _ in range(span)]
        self._sent, self._came = [0] * span, [0] * span
        self._answers: list[str | None] = [None] * len(plan.bodies)

    def sent(self, due: float, *, late: float | None) -> None:
        """Count a request that fell due, and how far the client was behind where it had a free connection."""
        window = self._window(due)
        self._sent[window] += 1
        if late is not None:
            self._late[window].append(late)

    def answered(self, due: float, at: float, *, which: int, body: bytes) -> None:
        """Count a right answer where its request fell due, and once more where it came."""
        self._took[self._window(due)].append((at - due) * 1e6)
        if at < self._plan.span_s:
            self._came[self._window(at)] += 1
        if self._answers[which] is None:
            self._answers[which] = body.decode("utf-8", "replace")

    def failed(self, due: float, kind: str) -> None:
        """Count a request without a right answer."""
        self._errors[self._window(due)][kind] += 1

    def _window(self, at: float) -> int:
        """Which window an instant is in; 0 before the first one."""
        return min(max(0, int((at - self._plan.warm_s) // self._plan.window_s) + 1), self._plan.windows)

    def told(self, share: float, /) -> Loaded:
        """Everything counted, by a client that used this share of a processor."""
        rate = float("nan") if self._plan.rate is None else self._plan.rate
        windows = tuple(
            Window(
                seconds=self._plan.window_s,
                rate=rate,
                sent=self._sent[at],
                came=self._came[at],
                latencies=Histogram.of(np.asarray(self._took[at], dtype=np.float64)),
                late=Histogram.of(np.asarray(self._late[at], dtype=np.float64) * 1e6),
                errors=dict(self._errors[at]),
            )
            for at in range(1, self._plan.windows + 1)
        )
        return Loaded(
            windows=windows, warm_errors=dict(self._errors[0]), client_share=share, answers=tuple(self._answers)
        )
