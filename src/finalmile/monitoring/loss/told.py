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
    high = state.fleet.evidence(np.array([[1], [2]]))
    channel = 1 if high[0] >= high[1] else 2
    since = alarm if alarm >= 0 else int(state.fleet.since[channel])
    days = _stretch(state, since)
    effect = _ratio(float(state.fleet.sign[channel] * state.fleet.effect()[channel]))
    sold = float(days[:, 2].sum())
    value = float((days[:, 3].sum() - sold) / sold) if sold > 0 else None
    when = state.frequency.start_of(since)
    side = "above" if effect > 0 else "below"
    if alarm >= 0:
        why = f"Since {when} forecasts of all products together are {_percent(abs(effect))} too far {side} sales."
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
    log_e = state.evidence[rows] if len(rows) else np.zeros(0)
    prices = _prices(state.ids[rows], ids, value_per_unit)
    order = np.argsort(-log_e, kind="stable")
    each = [
        _product(
            state, int(rows[i]), log_e=float(log_e[i]), price=float(prices[i]), m=active, fdr=fdr, patience=patience
        )
        for i in order
    ]
    money = [found.money_at_risk for found in each if found.money_at_risk is not None]
    names = ", ".join(str(state.ids[rows[i]]) for i in order[:5])
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    listed = f"Errors of {names}{more} have grown beyond those of the rest." if each else "No product stands out."
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
        why=listed,
    )
    return [summary, *each]


def _product(state: LossState, row: int, *, log_e: float, price: float, m: int, fdr: float, patience: int) -> Finding:
    watch, channels = state.products, state.channels[row]
    each = watch.evidence(channels[:, None])
    wider = bool(each.max() < _PLAIN and state.spread.log_evidence[row] > each.max())
    kind = 0 if wider else int(np.argmax(each))
    effect = float(watch.recent[2 * row] if wider else watch.effect()[channels[kind]])
    began = int(state.spread.since[row] if wider else watch.since[channels[kind]])
    mae, since = float(state.mae[row] * state.widening[row]), state.frequency.start_of(began)
    unit = f"units per {state.frequency.unit}"
    if kind == 0:
        value, benchmark = mae * (1.0 + effect), mae
        why = f"Since {since} forecasts miss by {value:.3g} {unit} where {mae:.3g} was normal."
    else:
        value, benchmark = effect * mae * float(watch.sign[channels[kind]]), 0.0
        side = "above" if kind == 1 else "below"
        why = f"Since {since} forecasts are {abs(value):.3g} {unit} {side} sales more than they used to be."
    return Finding(
        check=CHECK,
        subject=f"product {state.ids[row]}",
        at=state.frequency.start_of(state.last),
        value=value,
        benchmark=benchmark,
        effect=effect,
        unit=unit,
        log_evidence=_finite(log_e),
        threshold=math.log(patience * max(m, 1) / fdr),
        n=int(watch.shift_looks[channels[kind]]),
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
