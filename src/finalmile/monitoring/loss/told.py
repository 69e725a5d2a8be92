"""Findings of the loss check: figures beside their benchmark, and a sentence that a planner understands."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from finalmile.frames import IntArray, NameArray
from finalmile.metrics.scored import Floats
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.loss.members import rows_of
from finalmile.monitoring.loss.state import LossState
from finalmile.records import Finding, Severity

CHECK = "loss"
_PLAIN = 5.0  # log evidence of a shift or of larger errors from which that is what a product's finding tells
_FARTHEST = 27.6  # logarithm of a trillion: garbage in the data gives a figure, not an overflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Log evidence that alarms and that warns."""

    alarm: float
    warning: float


def fleet_loss(state: LossState, *, thresholds: Thresholds) -> Finding:
    """Absolute error of the whole fleet against what the reference leads one to expect of these days."""
    log_e = float(state.fleet.evidence(np.array([[0]]))[0])
    alarm = int(state.fleet_alarm[0])
    since = alarm if alarm >= 0 else int(state.fleet.since[0])
    days = _stretch(state, since)
    effect = _ratio(float(state.fleet.effect()[0]))
    value = float(days[:, 1].sum() / max(days[:, 2].sum(), state.scale.units)) if len(days) else None
    money = _money(days, effect, state)
    when = state.frequency.start_of(since)
    if alarm >= 0:
        why = f"Since {when} forecasts miss by {_percent(effect)} more than these days should, over all products."
    elif log_e >= thresholds.warning:
        why = f"Forecast errors over all products may have grown since {when}, by {_percent(effect)}; it may be chance."
    else:
        why = "Forecast errors over all products are what they were before the version went live."
    return Finding(
        check=CHECK,
        subject="fleet",
        at=state.frequency.start_of(state.last),
        value=value,
        benchmark=_before(value, effect),
        effect=effect,
        unit="WAPE",
        log_evidence=_finite(log_e),
        threshold=thresholds.alarm,
        n=len(days),
        since=when,
        breached=alarm >= 0,
        severity=_severity(log_e, breached=alarm >= 0, thresholds=thresholds),
        money_at_risk=money if alarm >= 0 else None,
        why=why,
    )


def fleet_bias(state: LossState, *, thresholds: Thresholds) -> Finding:
    """Forecast over sold of the whole fleet, beyond what the reference had."""
    log_e = float(state.fleet.evidence(np.array([[1, 2]]))[0])
    alarm = int(state.fleet_alarm[1])
    high, low = state.fleet.evidence(np.array([[1], [2]])).tolist()
    channel = state.bias_channel if alarm >= 0 else 1 if high >= low else 2
    since = alarm if alarm >= 0 else int(state.fleet.since[channel])
    days = _stretch(state, since)
    effect = _ratio(float(state.fleet.sign[channel] * state.fleet.effect()[channel]))
    sold = float(days[:, 2].sum())
    value = float((days[:, 3].sum() - sold) / sold) if sold > 0 else None
    when = state.frequency.start_of(since)
    side = "above" if effect > 0 else "below"
    if alarm >= 0:
        why = f"Since {when} forecasts of all products together are {_percent(abs(effect))} too far {side} sales."
    elif log_e >= thresholds.warning:
        off = _percent(abs(effect))
        why = f"Forecasts of all products together may be {off} too far {side} sales since {when}; it may be chance."
    else:
        why = "Forecasts of all products together stand to sales as they did before the version went live."
    return Finding(
        check="bias",
        subject="fleet",
        at=state.frequency.start_of(state.last),
        value=value,
        benchmark=None if value is None else (1.0 + value) / (1.0 + effect) - 1.0,
        effect=effect,
        unit="forecast minus actual over actual",
        log_evidence=_finite(log_e),
        threshold=thresholds.alarm,
        n=len(days),
        since=when,
        breached=alarm >= 0,
        severity=_severity(log_e, breached=alarm >= 0, thresholds=thresholds),
        why=why,
    )


def products(
    state: LossState, *, active: int, fdr: float, patience: int, ids: NameArray, value_per_unit: Floats | None
) -> list[Finding]:
    """How many products are listed, then one finding for each of them, the strongest evidence first."""
    rows = np.flatnonzero(state.listed >= 0)
    listed = _listed(state, rows)
    prices = _prices(state.ids[rows], ids, value_per_unit)
    order = sorted(range(len(listed)), key=lambda i: -listed[i].log_e)
    threshold = math.log(patience * max(active, 1) / fdr)
    each = [_product(state, listed[i], price=float(prices[i]), threshold=threshold) for i in order]
    money = [found.money_at_risk for found in each if found.money_at_risk is not None]
    names = ", ".join(str(state.ids[rows[i]]) for i in order[:5])
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    why = f"Errors of {names}{more} have grown beyond those of the rest." if each else "No product stands out."
    summary = Finding(
        check=CHECK,
        subject="products",
        at=state.frequency.start_of(state.last),
        value=float(len(rows)),
        benchmark=0.0,
        unit="products",
        n=active,
        since=state.frequency.start_of(int(state.listed[rows].min())) if each else None,
        breached=bool(each),
        severity="warning" if each else "info",
        money_at_risk=sum(money) if money else None,
        why=why,
    )
    return [summary, *each]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """A listed product, and what its strongest evidence is of: 0 for larger errors, 1 for high, 2 for low forecasts."""

    name: str
    kind: int
    log_e: float
    effect: float
    mae: float
    since: int
    looks: int


def _listed(state: LossState, rows: IntArray) -> list[_Listed]:
    if not len(rows):
        return []
    watch, channels = state.products, state.channels[rows]
    each = watch.evidence(channels.reshape(-1, 1)).reshape(channels.shape)
    ranks, counts = state.spread, state.counts
    scatter = np.column_stack([ranks.log_evidence, counts.log_evidence])[rows]
    wider = (each.max(axis=1) < _PLAIN) & (scatter.max(axis=1) > each.max(axis=1))
    kind = np.where(wider, 0, each.argmax(axis=1))
    source = np.where(wider, scatter.argmax(axis=1), 2)
    chosen = channels[np.arange(len(rows)), kind]
    effect = np.choose(source, [ranks.effect[rows], counts.effect[rows], watch.effect()[chosen]])
    since = np.choose(source, [ranks.since[rows], counts.since[rows], watch.since[chosen]])
    looks = np.choose(source, [ranks.looks[rows], counts.looks[rows], watch.shift_looks[chosen]])
    mae, log_e = (state.mae * state.widening)[rows], state.evidence[rows]
    return [
        _Listed(
            name=str(state.ids[row]),
            kind=int(kind[i]),
            log_e=float(log_e[i]),
            effect=float(effect[i]),
            mae=float(mae[i]),
            since=int(since[i]),
            looks=int(looks[i]),
        )
        for i, row in enumerate(rows.tolist())
    ]


def _product(state: LossState, one: _Listed, *, price: float, threshold: float) -> Finding:
    kind, effect, mae, since = one.kind, one.effect, one.mae, state.frequency.start_of(one.since)
    unit = f"units per {state.frequency.unit}"
    if kind == 0:
        value, benchmark = mae * (1.0 + effect), mae
        why = f"Since {since} forecasts miss by {value:.3g} {unit} where {mae:.3g} was normal."
    else:
        value, benchmark = effect * mae * (1.0 if kind == 1 else -1.0), 0.0
        side = "above" if kind == 1 else "below"
        why = f"Since {since} forecasts are {abs(value):.3g} {unit} {side} sales more than they used to be."
    return Finding(
        check=CHECK,
        subject=f"product {one.name}",
        at=state.frequency.start_of(state.last),
        value=value,
        benchmark=benchmark,
        effect=effect,
        unit=unit,
        log_evidence=_finite(one.log_e),
        threshold=threshold,
        n=one.looks,
        since=since,
        breached=True,
        severity="warning",
        money_at_risk=max(effect, 0.0) * mae * price / state.frequency.days if math.isfinite(price) else None,
        why=f"{why} What all products share that day is taken out.",
    )


def _stretch(state: LossState, since: int) -> Doubles:
    return state.days[state.days[:, 0] >= since]


def _money(days: Doubles, effect: float, state: LossState) -> float | None:
    priced = days[np.isfinite(days[:, 4]), 4]
    if not len(priced):
        return None
    return float(priced.mean()) * max(effect, 0.0) / (1.0 + max(effect, 0.0)) / state.frequency.days


def _prices(listed: NameArray, ids: NameArray, value_per_unit: Floats | None) -> Doubles:
    if value_per_unit is None:
        return np.full(len(listed), np.nan)
    rows: IntArray = rows_of(ids, listed)
    known = np.append(value_per_unit.astype(np.float64), np.nan)
    return known[rows]


def _severity(log_e: float, *, breached: bool, thresholds: Thresholds) -> Severity:
    if breached:
        return "critical"
    return "warning" if log_e >= thresholds.warning else "info"


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _ratio(log_ratio: float) -> float:
    """How far off, relative to what was expected; beyond a factor of 10 to the 12th either way nobody tells apart."""
    return math.expm1(min(max(log_ratio, -_FARTHEST), _FARTHEST))


def _before(value: float | None, effect: float) -> float | None:
    """What the value would have been without the effect."""
    return None if value is None else value / (1.0 + effect)
