"""Looks that are missing, late or thin: no news is a finding, never silence."""

from __future__ import annotations

import numpy as np

from finalmile.monitoring.loss.state import LossLook, LossState
from finalmile.records import Finding
from finalmile.wording import number_of

_RECENT = 28
_ENOUGH = 0.5


def late(state: LossState, look: LossLook) -> Finding:
    """The look's period was judged before; nothing changes."""
    stamp, newest = state.frequency.start_of(look.period), state.frequency.start_of(state.last)
    return Finding(
        check="freshness",
        subject="actuals",
        at=newest,
        value=None,
        benchmark=None,
        why=f"Actuals of {stamp} came again or late: {newest} was judged already, so they change no evidence.",
    )


def freshness(state: LossState, look: LossLook, *, judged: int) -> Finding:
    """Share of the products seen lately that this look has data for, and periods skipped before it."""
    lately = state.seen > state.last - _RECENT
    expected = max(int(lately.sum()), 1)
    skipped = look.period - state.last - 1
    share = min(judged / expected, 1.0)
    breached = skipped > 0 or share < _ENOUGH
    stamp = state.frequency.start_of(look.period)
    reasons: list[str] = []
    if skipped > 0:
        gap = state.frequency.start_of(state.last + 1)
        reasons.append(f"{number_of(skipped, state.frequency.unit)} without actuals from {gap} on.")
    if share < _ENOUGH:
        reasons.append(f"Only {judged} of {expected} products have actuals for {stamp}.")
    return Finding(
        check="freshness",
        subject="actuals",
        at=stamp,
        value=share,
        benchmark=1.0,
        effect=share - 1.0,
        unit="share of products",
        n=expected,
        since=stamp,
        breached=breached,
        severity="warning" if breached else "info",
        why=" ".join(reasons) or f"Actuals of {stamp} are there.",
    )


def judged_in(look: LossLook) -> int:
    """Products of a look that can be judged."""
    return int((np.isfinite(look.actual) & np.isfinite(look.forecast)).sum())
