"""Answers of an endpoint by window: the unit of everything that is said about its speed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from finalmile.frames import BoolArray, IntArray

Doubles: TypeAlias = npt.NDArray[np.float64]

LEVELS: Mapping[str, float] = {"p50": 0.5, "p99": 0.99}
"""Quantiles that are watched: what most requests see, and what the slow ones see."""

LEAST = 100
"""Requests that a window needs: with fewer its p99 is whichever happened to be the slowest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """What was asked and answered, window by window.

    Requests of one moment wait in one queue, so they are no independent observations; windows come close to that.

    Parameters
    ----------
    starts, seconds : arrays of shape (w,)
        When each began, in seconds since 1970, and its length.
    requests, failed : arrays of shape (w,)
        How many were asked, and of them those without a right answer.
    quantiles
        By name the latency in milliseconds, shape (w,): of the right answers, NaN where there are fewer than 100.
    """

    starts: Doubles
    seconds: Doubles
    requests: IntArray
    failed: IntArray
    quantiles: Mapping[str, Doubles]

    @property
    def rate(self) -> Doubles:
        """Requests a second, shape (w,)."""
        told: Doubles = self.requests / np.maximum(self.seconds, 1e-9)
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """What an endpoint is held against.

    Parameters
    ----------
    windows
        By name the quantile of each window, in milliseconds.
    source
        Where it comes from, as the end of a sentence: ``"its certificate"``.
    own
        Whether it is of the very version that is judged.
    rate, sustained
        Requests a second that the windows were measured at, and the highest that kept to the target.
    failed
        Share of requests without a right answer then, in [0, 1].
    """

    windows: Mapping[str, Sequence[float]]
    source: str
    own: bool = True
    rate: float | None = None
    sustained: float | None = None
    failed: float = 0.0
    notes: tuple[str, ...] = field(default=())


def in_windows(
    at_s: Doubles, latency_ms: Doubles, failed: BoolArray, *, window_s: float, least: int = LEAST
) -> Windows:
    """Requests as windows of ``window_s`` seconds; neighbours are joined until a window has ``least`` requests.

    What is left over at the end is a window of its own, too small for quantiles, so that no request goes uncounted.

    Parameters
    ----------
    at_s, latency_ms, failed : arrays of shape (n,)
        When each request was answered, how long it took, and whether it had no right answer; in any order.

    Examples
    --------
    >>> at = np.array([0.0, 1.0, 2.0, 11.0, 12.0, 25.0])
    >>> told = in_windows(at, np.arange(6.0), np.zeros(6, dtype=bool), window_s=10, least=2)
    >>> told.requests.tolist(), told.seconds.tolist(), told.quantiles["p50"].tolist()
    ([3, 2, 1], [10.0, 10.0, 10.0], [1.0, 3.0, nan])
    """
    order = np.argsort(at_s, kind="stable")
    at, took, bad = at_s[order], latency_ms[order], failed[order]
    slot = np.floor(at / window_s).astype(np.int64) if len(at) else np.zeros(0, dtype=np.int64)
    bounds = _bounds(slot, least=least)
    spans = [slice(first, last) for first, last in itertools.pairwise(bounds)]
    return Windows(
        starts=np.array([slot[span][0] * window_s for span in spans], dtype=np.float64),
        seconds=np.array([(slot[span][-1] - slot[span][0] + 1) * window_s for span in spans], dtype=np.float64),
        requests=np.array([span.stop - span.start for span in spans], dtype=np.int64),
        failed=np.array([int(bad[span].sum()) for span in spans], dtype=np.int64),
        quantiles={
            name: np.array([_quantile(took[span][~bad[span]], level, least=least) for span in spans], dtype=np.float64)
            for name, level in LEVELS.items()
        },
    )


def _bounds(slot: IntArray, *, least: int) -> list[int]:
    """Where windows begin among sorted requests, and where the last one ends."""
    ends = [*(np.flatnonzero(np.diff(slot)) + 1).tolist(), *([len(slot)] if len(slot) else [])]
    bounds = [0] if len(slot) else []
    for end in ends:
        if end - bounds[-1] >= least:
            bounds.append(end)
    if bounds and bounds[-1] != len(slot):
        bounds.append(len(slot))
    return bounds


def _quantile(values: Doubles, level: float, *, least: int) -> float:
    return float(np.quantile(values, level, method="lower")) if len(values) >= least else float("nan")
