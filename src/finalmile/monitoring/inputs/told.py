"""Findings of the input and output checks: what changed, since when, from what to what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

import numpy as np

from finalmile.frames import Frequency
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.inputs.channels import EARLY, LATE, PLAIN, WEEKDAY
from finalmile.monitoring.inputs.columns import Look, numbers, offsets
from finalmile.monitoring.inputs.detector import channel_evidence, harmful, log_evidence
from finalmile.monitoring.inputs.state import InputState
from finalmile.monitoring.inputs.unjudged import unjudged
from finalmile.monitoring.inputs.words import capital, effect, figures, phrase, unit
from finalmile.records import Finding, Severity

_NAMED = 3
_ALSO = 2
_FEW, _LEAST_ODD = 3, 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """How findings are told.

    Parameters
    ----------
    check
        Name of the check.
    noun
        What a column is: ``"input"`` or ``"output"``.
    alarm, warning
        Log evidence that alarms, and that warns.
    """

    check: str
    noun: str
    alarm: float
    warning: float

    def __call__(self, state: InputState, look: Look) -> list[Finding]:
        """One finding of the number of rows, and one of each column."""
        channels = channel_evidence(state)
        log_e = log_evidence(state, channels)
        return [self._group(state, look, group, log_e=log_e, channels=channels) for group in range(len(log_e))]

    def subject(self, state: InputState, group: int) -> str:
        """What a group is called: ``"input price"``, or ``"input rows"`` for their number."""
        return f"number of {self.noun} rows" if group == 0 else f"{self.noun} {state.columns[group - 1].name}"

    def repeated(self, state: InputState, look: Look, found: Sequence[tuple[int, int]]) -> Finding:
        """Whether columns have exactly the values of an earlier look, and which."""
        at = _stamp(state.frequency, look.period)
        return Finding(
            check=self.check,
            subject=f"repeated {self.noun}s",
            at=at,
            value=float(len(found)),
            benchmark=0.0,
            unit="columns",
            n=look.size,
            since=at if found else None,
            breached=bool(found),
            severity="critical" if found else "info",
            why=self._again(state, look, found) if found else f"No {self.noun} has the values of an earlier look.",
        )

    def _again(self, state: InputState, look: Look, found: Sequence[tuple[int, int]]) -> str:
        names = [state.columns[column].name for column, _ in found]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        first = _stamp(state.frequency, look.period - found[0][1])
        return (
            f"All {look.size:,} values of {self.noun} {', '.join(names[:_NAMED])}{more} are those of {first} again: "
            "the feed stands still, or a day came twice."
        )

    def late(self, state: InputState, look: Look) -> Finding:
        """The look's period was judged before; nothing changes."""
        stamp, newest = _stamp(state.frequency, look.period), _stamp(state.frequency, state.last)
        why = f"Rows of {stamp} came again or late: {newest} was judged already, so they change no evidence."
        return self._unknown(f"{self.noun}s", newest, why=why)

    def _unknown(self, subject: str, at: date | datetime, *, why: str) -> Finding:
        return Finding(
            check=self.check,
            subject=subject,
            at=at,
            value=None,
            benchmark=None,
            severity="warning",
            why=why,
        )

    def _group(self, state: InputState, look: Look, group: int, *, log_e: Doubles, channels: Doubles) -> Finding:
        at = _stamp(state.frequency, look.period)
        subject = self.subject(state, group)
        breached = bool(state.alarm[group] >= 0)
        why = unjudged(state, look, group) if group and not breached else None
        if why is not None:
            return self._unknown(subject, at, why=why)
        channel = int(state.lead[group]) if breached else _strongest(state, group, channels)
        scalar, usual, now = _moved(state, channel)
        evidence = float(log_e[group])
        return Finding(
            check=self.check,
            subject=subject,
            at=at,
            value=now,
            benchmark=usual,
            effect=effect(scalar, usual, now),
            unit=unit(scalar),
            log_evidence=evidence if math.isfinite(evidence) else 0.0,
            threshold=self.alarm,
            n=look.size,
            since=_stamp(state.frequency, int(state.evidence.since[channel])),
            breached=breached,
            severity=(severity := self._severity(evidence, breached=breached)),
            why=self._told(state, look, group, channel=channel, severity=severity),
        )

    def _told(self, state: InputState, look: Look, group: int, *, channel: int, severity: Severity) -> str:
        if severity == "info":
            return f"{capital(self.subject(state, group))} is as it was."
        early = "" if severity == "critical" else " It is too early for an alarm."
        return self._why(state, look, group, channel=channel) + early

    def _severity(self, evidence: float, *, breached: bool) -> Severity:
        if breached:
            return "critical"
        return "warning" if evidence >= self.warning else "info"

    def _why(self, state: InputState, look: Look, group: int, *, channel: int) -> str:
        scalar, usual, now = _moved(state, channel)
        since = _stamp(state.frequency, int(state.evidence.since[channel]))
        head = f"{capital(self.subject(state, group))}: since {since} "
        kind = int(state.layout.kind[channel])
        if kind == WEEKDAY:
            return head + "its weekly pattern is another than in the reference."
        if kind in (LATE, EARLY):
            side = "late" if kind == LATE else "early"
            return head + f"its weekly pattern comes a day {side}: dates may be shifted."
        told = head + f"{phrase(scalar, rose=state.layout.sign[channel] > 0)} expected for these days"
        told += f", {figures(scalar, usual, now)}."
        if group and state.columns[group - 1].numeric:
            told += _mean(state, group) + _factor(state, look, group, scalar=scalar)
        return told + self._also(state, group, channel=channel)

    def _also(self, state: InputState, group: int, *, channel: int) -> str:
        """Other changes of the same column that would alarm by themselves, strongest first."""
        channels, told = harmful(state), list[str]()
        own = np.flatnonzero((state.layout.group == group) & (state.layout.kind == PLAIN) & (channels >= self.alarm))
        for other in own[np.argsort(-channels[own])].tolist():
            scalar, usual, now = _moved(state, other)
            if state.layout.source[other] != state.layout.source[channel] and len(told) < _ALSO:
                rose = bool(state.layout.sign[other] > 0)
                told.append(f"{phrase(scalar, rose=rose)} usual ({figures(scalar, usual, now)})")
        return f" Also: {'; '.join(told)}." if told else ""


@lru_cache(maxsize=4096)
def _stamp(frequency: Frequency, period: int) -> date | datetime:
    return frequency.start_of(period)


def _strongest(state: InputState, group: int, channels: Doubles) -> int:
    own = np.flatnonzero(state.layout.group == group)
    return int(own[np.argmax(channels[own])])


def _name(state: InputState, channel: int) -> str:
    group = int(state.layout.group[channel])
    if group == 0:
        return "rows"
    start = offsets(state.columns)[group - 1]
    return state.columns[group - 1].scalars[int(state.layout.source[channel]) - start]


def _moved(state: InputState, channel: int) -> tuple[str, float, float]:
    """The scalar of a channel, what it was in the reference, and what it is over the stretch."""
    usual = float(state.usual[state.layout.source[channel]])
    shift = float(state.evidence.shift[channel] / max(state.evidence.looks[channel], 1.0))
    return _name(state, channel), usual, usual + float(state.layout.sign[channel]) * shift


def _mean(state: InputState, group: int) -> str:
    """Where the mean is now beside where the calendar would have it, in the column's own unit."""
    stream = _mean_stream(state, group)
    shift, usual = float(state.recent[stream]), float(state.usual[stream])
    return f" Its mean is {usual + shift:.4g} where {usual:.4g} was usual." if math.isfinite(usual + shift) else ""


def _mean_stream(state: InputState, group: int) -> int:
    return offsets(state.columns)[group - 1] + state.columns[group - 1].scalars.index("mean")


def _factor(state: InputState, look: Look, group: int, *, scalar: str) -> str:
    """A guess at a slip of units: how many times the usual size the odd rows are."""
    column = state.columns[group - 1]
    values = look.columns.get(column.name)
    if scalar not in ("far", "tiny", "tail_hi", "tail_lo") or values is None:
        return ""
    try:
        size = np.abs(numbers(values))
    except (ValueError, TypeError):
        return ""
    limits, usual = column.scorer.limits, _usual_size(column.scorer.points, column.scorer.mass)
    odd = size[np.isfinite(size) & ((size > limits[7]) | ((size > 0) & (size < limits[5])))]
    if len(odd) < max(_FEW, _LEAST_ODD * len(size)) or usual <= 0:
        return ""
    power = round(math.log10(float(np.median(odd)) / usual))
    if abs(power) < 1:
        return ""
    side = f"{10 ** min(power, 12):,} times" if power > 0 else f"a {10 ** min(-power, 12):,}th of"
    return f" {len(odd):,} rows are about {side} the usual size: look for another unit."


def _usual_size(points: Doubles, mass: Doubles) -> float:
    kept = points != 0
    if not kept.any() or mass[kept].sum() <= 0:
        return 0.0
    size, weight = np.abs(points[kept]), mass[kept]
    order = np.argsort(size)
    reached: Doubles = np.cumsum(weight[order])
    half = float(reached[-1]) / 2
    middle = int(np.searchsorted(reached, half))
    usual: Doubles = size[order]
    return float(usual[middle])
