"""Fitting and stepping the evidence of all columns of a table together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from finalmile.frames import IntArray
from finalmile.monitoring.engine import Bets, Calibration, Residualiser, calibrate, shiryaev_roberts
from finalmile.monitoring.engine.design import Doubles, design
from finalmile.monitoring.inputs import weekdays
from finalmile.monitoring.inputs.channels import PLAIN, WEEKDAY, Layout
from finalmile.monitoring.inputs.columns import Column, offsets
from finalmile.monitoring.inputs.features import Standard, coefficients, explained, used
from finalmile.monitoring.inputs.scalars import NUMERIC
from finalmile.monitoring.inputs.state import Evidence, InputReference, InputState

LEAST_TOLERANCE = 0.15
_PATTERN_EFFECT = 0.05
_WEEKDAY_TOLERANCE = 0.2
_STRETCH_BET = 1
_LONGEST_RUN = 10.0
_LOOKS_KEPT = 400
_SPAN = 14


def fit(reference: InputReference, *, bets: Bets) -> InputState:
    """Learn from a reference what is normal; no look has been judged yet."""
    layout = Layout.of(reference.columns)
    standard, gamma, told = _explain(reference)
    residuals, z = Residualiser.fit(
        (reference.scalars - told).T,
        reference.periods,
        frequency=reference.frequency,
        calendar=reference.calendar,
        least_sd=layout.least_sd,
    )
    levels = _levels(reference.columns)
    gone = np.full(1 + len(reference.columns), -1, dtype=np.int64)
    known = np.isfinite(reference.scalars)
    total = np.where(known, reference.scalars, 0.0).sum(axis=0)
    return InputState(
        columns=reference.columns,
        layout=layout,
        bets=bets,
        residuals=residuals,
        standard=standard,
        gamma=gamma,
        tolerance=_tolerance(layout, residuals),
        calibration=_calibrated(layout, z, bets=bets),
        evidence=_none(len(layout.group), bets=bets, period=residuals.last + 1),
        usual=total / np.maximum(known.sum(axis=0), 1),
        recent=np.zeros(len(layout.least_sd)),
        memory=weekdays.remembered(z[levels], reference.periods, reference.frequency),
        late_early=_late_early(residuals, levels),
        digests=_kept(reference.digests),
        unique=_all_differ(reference.digests),
        alarm=gone,
        lead=gone.copy(),
        calm=np.zeros_like(gone),
    )


def step(
    state: InputState, period: int, scalars: Doubles, *, digests: IntArray, calendar: Doubles | None = None
) -> InputState:
    """The evidence after one more look: its scalars of shape (s,) and digests of shape (g,)."""
    told, doubt = _explained(state, scalars)
    known = _calendar(state, period, calendar)
    residuals, z, residual = state.residuals.step(period, scalars - told, calendar=known)
    z = z / np.sqrt(1.0 + (doubt / residuals.sd) ** 2)
    day = weekdays.weekday(period, state.frequency)
    levels = _levels(state.columns)
    directed = _direction(state, day)
    signed = state.layout.sign * z[state.layout.source] * directed
    moved = np.where(np.isfinite(signed), state.layout.sign * directed * residual[state.layout.source], 0.0)
    weight = 2.0 / (_SPAN + 1.0)
    return replace(
        state,
        residuals=residuals,
        evidence=_gathered(state, period, signed, moved=moved),
        recent=np.where(np.isfinite(residual), (1 - weight) * state.recent + weight * residual, state.recent),
        memory=weekdays.remember(state.memory, day, z[levels]),
        digests=_kept(np.vstack([state.digests, digests[None, :]])),
    )


def restarted(state: InputState, groups: IntArray) -> InputState:
    """The same state with the alarms of these groups over, and their evidence at its start."""
    over = np.isin(state.layout.group, groups)
    log_r, run = state.evidence.log_r.copy(), state.evidence.run.copy()
    log_r[over], run[over] = -np.inf, 0.0
    alarm, lead, calm = state.alarm.copy(), state.lead.copy(), state.calm.copy()
    alarm[groups], lead[groups], calm[groups] = -1, -1, 0
    evidence = replace(state.evidence, log_r=log_r, run=run)
    return replace(state, evidence=evidence, alarm=alarm, lead=lead, calm=calm)


def accepted(state: InputState, groups: IntArray) -> InputState:
    """:func:`restarted`, and where the scalars of these groups are now is normal from here on."""
    starts = np.array([0, *offsets(state.columns), len(state.usual)], dtype=np.int64)
    owner = np.searchsorted(starts, np.arange(len(state.usual)), side="right") - 1
    moved = np.where(np.isin(owner, groups), state.recent, 0.0)
    beta = state.residuals.beta.copy()
    beta[:, 0] += moved
    residuals = replace(state.residuals, beta=beta, recent=state.residuals.recent - moved[:, None])
    calm = replace(state, residuals=residuals, usual=state.usual + moved, recent=state.recent - moved)
    return restarted(calm, groups)


def harmful(state: InputState) -> Doubles:
    """:func:`channel_evidence` of changes that are more than harmless over their stretch; of others minus infinity."""
    shift = state.evidence.shift / np.maximum(state.evidence.looks, 1.0)
    enough = (state.layout.kind != PLAIN) | (shift >= state.layout.effect)
    return np.where(enough, channel_evidence(state), -np.inf)


def log_evidence(state: InputState, channels: Doubles | None = None) -> Doubles:
    """Each group's share of the table's evidence, logarithm, shape (1 + g,), from that of its channels."""
    weighted = channel_evidence(state) if channels is None else channels
    first = state.layout.first
    top = np.maximum.reduceat(weighted, first)
    safe = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        told: Doubles = np.log(np.add.reduceat(np.exp(weighted - safe[state.layout.group]), first)) + safe
    return told


def channel_evidence(state: InputState) -> Doubles:
    """Logarithm of each channel's weight times its mean statistic over bets, shape (c,)."""
    log_r = state.evidence.log_r
    top = log_r.max(axis=1)
    safe = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        mean: Doubles = np.log(np.exp(log_r - safe[:, None]).mean(axis=1)) + safe
    return mean + state.layout.log_weight


def _gathered(state: InputState, period: int, signed: Doubles, *, moved: Doubles) -> Evidence:
    before = state.evidence
    log_r, pay = shiryaev_roberts(
        before.log_r, signed, tolerance=state.tolerance, bets=state.bets, calibration=state.calibration
    )
    known = np.isfinite(signed)
    fresh = known & (before.run <= 0)
    return Evidence(
        log_r=log_r,
        run=np.minimum(np.maximum(before.run, 0.0) + pay[:, min(_STRETCH_BET, pay.shape[1] - 1)], _LONGEST_RUN),
        since=np.where(fresh, period, before.since),
        shift=np.where(fresh, 0.0, before.shift) + moved,
        looks=np.where(fresh, 0.0, before.looks) + known,
    )


def _direction(state: InputState, day: int) -> Doubles:
    """What each channel's innovation counts as: 1, but for bets on weekdays; NaN where there is no bet."""
    layout = state.layout
    directed = np.ones(len(layout.kind))
    special = layout.kind != PLAIN
    if not special.any():
        return directed
    column = layout.group[special] - 1
    late_early = state.late_early[:, day] if day >= 0 else np.zeros((len(state.columns), 2))
    bets = np.column_stack([weekdays.bet(state.memory, day), late_early])[column, layout.kind[special] - WEEKDAY]
    directed[special] = np.where(bets == 0.0, np.nan, bets)
    return directed


def _calendar(state: InputState, period: int, calendar: Doubles | None) -> Doubles | None:
    """Regressors of a look as the reference had them: an ordinary day where the look does not say."""
    terms = design(np.array([period]), frequency=state.frequency, looks=state.residuals.looks).shape[1]
    wanted = int(state.residuals.beta.shape[1] - terms)
    if calendar is not None and len(calendar) == wanted:
        return calendar
    return np.zeros(wanted) if wanted else None


def _explain(reference: InputReference) -> tuple[Standard, Doubles, Doubles]:
    """What the shape of the same look explains of each scalar: how features are made, coefficients, and (T, s)."""
    starts, scalars = _numeric_starts(reference.columns), reference.scalars
    blocks = np.stack([scalars[:, start : start + len(NUMERIC)] for start in starts], axis=1) if starts else None
    gamma, told = np.zeros((scalars.shape[1], used().shape[1])), np.zeros_like(scalars)
    if blocks is None:
        return Standard.of(np.zeros((1, 0, len(NUMERIC))), np.zeros(1)), gamma, told
    standard = Standard.of(blocks, scalars[:, 0])
    features = standard(blocks, scalars[:, 0]).learned
    season = design(reference.periods, frequency=reference.frequency, looks=len(scalars), calendar=reference.calendar)
    for number, start in enumerate(starts):
        for scalar, terms in enumerate(used()):
            if terms.any():
                x = features[:, number, terms]
                gamma[start + scalar, terms] = coefficients(scalars[:, start + scalar], x, season)
                told[:, start + scalar] = x @ gamma[start + scalar, terms]
    return standard, gamma, told


def _explained(state: InputState, scalars: Doubles) -> tuple[Doubles, Doubles]:
    """What the shape of the look explains of its scalars, and how far off that may be; both of shape (s,)."""
    told, doubt = np.zeros_like(scalars), np.zeros_like(scalars)
    starts = _numeric_starts(state.columns)
    if starts:
        rows = np.add.outer(starts, np.arange(len(NUMERIC)))
        features = state.standard(scalars[rows][None], scalars[:1])
        parts = explained(features, state.gamma[rows])
        told[rows], doubt[rows] = parts[0][0], parts[1][0]
    return told, doubt


def _numeric_starts(columns: tuple[Column, ...]) -> list[int]:
    return [start for start, column in zip(offsets(columns), columns, strict=True) if column.numeric]


def _levels(columns: tuple[Column, ...]) -> IntArray:
    """Stream of each column's level; for a categorical column, whose channels never use it, its first one."""
    return np.array(offsets(columns), dtype=np.int64)


def _late_early(residuals: Residualiser, levels: IntArray) -> Doubles:
    phi = residuals.phi[levels]
    last_week = phi[:, 1] if residuals.lags[1:] == (7,) else np.zeros(len(levels))
    yesterday = phi[:, 0] if residuals.frequency.unit == "day" else np.zeros(len(levels))
    return weekdays.late_and_early(_pattern(residuals, levels), yesterday=yesterday, last_week=last_week)


def _pattern(residuals: Residualiser, levels: IntArray) -> Doubles:
    """What each weekday adds to a stream, shape (g, 7); 0 where the reference was too short to tell."""
    if residuals.frequency.unit not in ("day", "hour") or residuals.beta.shape[1] < 7:
        return np.zeros((len(levels), 7))
    first = residuals.beta[levels, 1:7]
    return np.hstack([first, -first.sum(axis=1, keepdims=True)])


def _tolerance(layout: Layout, residuals: Residualiser) -> Doubles:
    sd, gain = residuals.sd[layout.source], residuals.gain[layout.source]
    plain = np.maximum(layout.effect * gain / sd, LEAST_TOLERANCE)
    weekly = np.maximum(np.maximum(layout.effect * gain / sd, _PATTERN_EFFECT / sd), _WEEKDAY_TOLERANCE)
    clock = np.maximum(_PATTERN_EFFECT / sd, LEAST_TOLERANCE)
    return np.where(layout.kind == PLAIN, plain, np.where(layout.kind == WEEKDAY, weekly, clock))


def _calibrated(layout: Layout, z: Doubles, *, bets: Bets) -> Calibration:
    """Normalisers; bets that go either way pay as the better of both."""
    rise = calibrate(layout.sign[:, None] * z[layout.source], bets=bets)
    special = layout.kind != PLAIN
    if not special.any():
        return rise
    fall = calibrate(-z[layout.source[special]], bets=bets)
    log_norm, log_pay = rise.log_norm.copy(), rise.log_pay.copy()
    log_norm[special] = np.maximum(log_norm[special], fall.log_norm)
    log_pay[special] = np.maximum(log_pay[special], fall.log_pay)
    return Calibration(log_norm=log_norm, log_pay=log_pay, looks=rise.looks)


def _none(channels: int, *, bets: Bets, period: int) -> Evidence:
    return Evidence(
        log_r=np.full((channels, len(bets.sizes)), -np.inf),
        run=np.zeros(channels),
        since=np.full(channels, period, dtype=np.int64),
        shift=np.zeros(channels),
        looks=np.zeros(channels),
    )


def _kept(digests: IntArray) -> IntArray:
    return digests[-_LOOKS_KEPT:]


def _all_differ(digests: IntArray) -> np.ndarray:
    told = [len(np.unique(column[column != 0])) == np.count_nonzero(column) for column in digests.T]
    return np.array(told, dtype=np.bool_)
