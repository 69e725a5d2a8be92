"""Findings of the check of groups: one per attribute, and one for each group that stands out or just did."""

from __future__ import annotations

import math

import numpy as np

from finalmile.monitoring.loss.grouped import GroupState
from finalmile.records import Finding

_TOLD_AFTER = 30  # looks that a group is told of after its alarm ended, so that its incident can be resolved
_FARTHEST = 27.6
_SLIGHT = 0.01
_TENTHS = 9.5  # units from which tenths say nothing

_Figures = tuple[float, float, str, float | None, tuple[str, str]]
"""Value, benchmark, unit, money, and what is said before and after the day since when."""


def findings(state: GroupState, *, fdr: float, patience: int) -> list[Finding]:
    """Of the newest look: one for every attribute, then one for each group in alarm, or whose alarm ended lately."""
    streams = state.streams
    lately = (streams.ended >= 0) & (streams.last - streams.ended <= _TOLD_AFTER)
    told = np.flatnonzero((streams.alarm >= 0) | lately)
    watched = max(int(streams.learned.sum()), 1)
    threshold = math.log(patience * watched / (fdr * max(int((streams.alarm >= 0).sum()), 1)))
    each = [_group(state, int(stream), threshold=threshold) for stream in told]
    return [*(_attribute(state, key) for key in dict.fromkeys(state.attribute.tolist())), *each]


def _attribute(state: GroupState, key: str) -> Finding:
    mine = np.flatnonzero(state.attribute == key)
    out = [g for g in mine if (state.streams.alarm[2 * g : 2 * g + 2] >= 0).any()]
    names = ", ".join(str(state.name[g]) for g in out)
    return Finding(
        check="loss",
        subject=f"groups by {key}",
        at=state.streams.watch.residuals.frequency.start_of(state.streams.last),
        value=float(len(out)),
        benchmark=0.0,
        unit="groups",
        n=len(mine),
        severity="warning" if out else "info",
        why=f"Of {len(mine)} groups by {key}, {names} stand out." if out else f"No {key} stands out.",
    )


def _group(state: GroupState, stream: int, *, threshold: float) -> Finding:
    group, streams = stream // 2, state.streams
    frequency = streams.watch.residuals.frequency
    breached = bool(streams.alarm[stream] >= 0)
    effect = math.expm1(min(max(float(streams.effect[stream]), -_FARTHEST), _FARTHEST))
    since = frequency.start_of(int(streams.since[stream]))
    what = f"{state.attribute[group]} {state.name[group]}"
    log_e = float(streams.log_evidence[stream])
    kind = _bias if stream % 2 else _loss
    value, benchmark, unit, money, (why, size) = kind(state, group, effect, f"{what[0].upper()}{what[1:]}")
    return Finding(
        check="bias" if stream % 2 else "loss",
        subject=what,
        at=frequency.start_of(streams.last),
        value=value,
        benchmark=benchmark,
        effect=effect,
        unit=unit,
        log_evidence=log_e if math.isfinite(log_e) else None,
        threshold=threshold,
        n=int(streams.looks[stream]),
        since=since,
        breached=breached,
        severity="critical" if breached else "info",
        money_at_risk=money if breached else None,
        why=f"{why} since {since}{size}, what all groups share taken out." if breached else f"{what} is as it was.",
    )


def _loss(state: GroupState, group: int, effect: float, what: str) -> _Figures:
    error, sold, _, money, _ = state.recent[group].tolist()
    value = error / max(sold, float(state.units[group]))
    extra = money * max(effect, 0.0) / (1.0 + max(effect, 0.0)) / state.streams.watch.residuals.frequency.days
    side = "more" if effect >= 0 else "less"
    why = f"Forecasts of {what[0].lower()}{what[1:]} miss by {abs(effect):.0%} {side} than they used to"
    return value, value / (1.0 + effect), "WAPE", extra if math.isfinite(extra) else None, (why, "")


def _bias(state: GroupState, group: int, effect: float, what: str) -> _Figures:
    _, sold, forecast, _, money = state.recent[group].tolist()
    unit = state.streams.watch.residuals.frequency.unit
    value = forecast / max(sold, float(state.units[group])) - 1.0
    off = 1.0 / (1.0 + effect) - 1.0
    side = "more" if off >= _SLIGHT / 100 else "less"
    cost = abs(money) / state.streams.watch.residuals.frequency.days
    units = abs(off) * max(forecast, 0.0)
    size = f", about {units:,.{0 if units >= _TENTHS else 1}f} units a {unit}"
    why = f"{what} sold {abs(off):.0%} {side} than forecast"
    benchmark = (1.0 + value) / (1.0 + effect) - 1.0
    return value, benchmark, "forecast minus actual over actual", cost if math.isfinite(cost) else None, (why, size)
