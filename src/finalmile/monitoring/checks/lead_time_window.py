"""The check of lead-time windows: how the spans that orders are made for came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from finalmile.frames import Frequency, IntArray
from finalmile.metrics.scored import Floats
from finalmile.monitoring import packing
from finalmile.monitoring.engine.bounds import bounded
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.registry import checks
from finalmile.records import Finding

_LAYOUT = 1
_N, _OFF, _LEAN, _SOLD = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowLook:
    """Spans of review and lead time that ended with a period, one row each.

    Parameters
    ----------
    actual : array of shape (m,)
        Units over the whole span; NaN where a part of it is not known, or was cut short by a stock-out.
    mean : array of shape (m,)
        What was forecast of it when it began.
    quantiles
        Level to values of shape (m,).
    """

    period: int
    actual: Floats
    mean: Floats
    quantiles: Mapping[float, Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowState:
    """Sums of the newest looks.

    Parameters
    ----------
    levels : array of shape (k,)
    periods : array of shape (t,)
    sums : array of shape (t, 4)
        Spans, absolute and signed errors of the mean (forecast minus actual), and units.
    held : array of shape (t, k)
        Spans at or below each quantile.
    """

    frequency: Frequency
    levels: Doubles
    periods: IntArray
    sums: Doubles
    held: Doubles

    def to_bytes(self) -> bytes:
        """Everything, as a versioned ``npz`` without pickle."""
        return packing.to_bytes(self, version=_LAYOUT)

    @classmethod
    def from_bytes(cls, blob: bytes) -> WindowState:
        """The inverse of :meth:`to_bytes`; ``CorruptError`` for anything else."""
        return packing.from_bytes(cls, blob, version=_LAYOUT)


@checks.add("lead_time_window")
@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTimeWindowCheck:
    """Tells how often demand over review and lead time stayed within the quantile that orders were made by.

    Spans that end on neighbouring days overlap and say much the same, so nothing is tested here and nothing alarms:
    the check of coverage does that on single periods. What is told is what an order stood on.

    Parameters
    ----------
    looks
        Newest looks that are told together.
    """

    looks: int = 28

    def __post_init__(self) -> None:
        if self.looks < 1:
            raise ValueError("looks must be at least 1")

    def start(self, frequency: Frequency, levels: Sequence[float]) -> WindowState:
        """A state that has seen nothing."""
        count = len(levels)
        return WindowState(
            frequency=frequency,
            levels=np.array(levels, dtype=np.float64),
            periods=np.zeros(0, dtype=np.int64),
            sums=np.zeros((0, 4)),
            held=np.zeros((0, count)),
        )

    def update(self, state: WindowState, look: WindowLook) -> tuple[WindowState, list[Finding]]:
        """Count the spans of one more period; a look that is not after the last changes nothing.

        Examples
        --------
        >>> check = LeadTimeWindowCheck()
        >>> span = WindowLook(period=100, actual=np.array([10.0, 30.0]), mean=np.array([12.0, 20.0]),
        ...                   quantiles={0.98: np.array([25.0, 25.0])})
        >>> _, (found,) = check.update(check.start(Frequency("day"), [0.98]), span)
        >>> found.value, found.benchmark, found.n, found.breached
        (0.5, 0.98, 2, False)
        """
        if len(state.periods) and look.period <= state.periods[-1]:
            return state, []
        sums, held = _counted(look, state.levels)
        moved = replace(
            state,
            periods=np.append(state.periods, look.period)[-self.looks :],
            sums=np.vstack([state.sums, sums])[-self.looks :],
            held=np.vstack([state.held, held])[-self.looks :],
        )
        return moved, [_finding(moved, row) for row in range(len(state.levels)) if moved.sums[:, _N].any()]


def _counted(look: WindowLook, levels: Doubles) -> tuple[Doubles, Doubles]:
    """Sums over the spans of which everything is known."""
    actual, mean = (np.asarray(bounded(one), dtype=np.float64) for one in (look.actual, look.mean))
    told = [np.asarray(bounded(look.quantiles[float(level)]), dtype=np.float64) for level in levels]
    known = np.isfinite(actual) & np.isfinite(mean)
    for values in told:
        known &= np.isfinite(values)
    off = (mean - actual)[known]
    sums = np.array([known.sum(), np.abs(off).sum(), off.sum(), actual[known].sum()], dtype=np.float64)
    return sums, np.array([(actual <= values)[known].sum() for values in told], dtype=np.float64)


def _finding(state: WindowState, row: int) -> Finding:
    n, off, lean, sold = state.sums.sum(axis=0)
    level, share = float(state.levels[row]), float(state.held[:, row].sum() / n)
    return Finding(
        check="lead_time_window",
        subject=f"q{level:g} of lead-time windows",
        at=state.frequency.start_of(int(state.periods[-1])),
        value=share,
        benchmark=level,
        unit="share at or below the quantile",
        n=int(n),
        why=f"Of {int(n):,} spans of review and lead time that ended in {len(state.periods)} look(s), {share:.1%} "
        f"stayed at or below their quantile {level:g}{_errors(off, lean, sold)}. Spans overlap: this is told, not "
        "tested.",
    )


def _errors(off: float, lean: float, sold: float) -> str:
    if not sold > 0:
        return ""
    side = "too high" if lean > 0 else "too low"
    told = f"their forecasts were off by {off / sold:.0%} of what was asked for"
    return f"; {told}, on average {abs(lean) / sold:.1%} {side}"
