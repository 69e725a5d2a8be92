"""Monitor: hold what came true against what was forecast, keep the evidence, open and close incidents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import orjson

from finalmile.alerting.incidents import IncidentSettings, fold
from finalmile.errors import FinalMileError, MissingInputError
from finalmile.frames import FloatArray, OneStep, Panel
from finalmile.monitoring.checks.loss import LossCheck
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.loss.state import LossLook, LossReference, LossState
from finalmile.ports import Notifier
from finalmile.records import Alert, Finding, Incident, Version
from finalmile.workflows import ready_made
from finalmile.workflows.arms import rows_in
from finalmile.workflows.in_force import issued_in_force, settle
from finalmile.workflows.shop import Issued, Shop
from finalmile.workflows.terms import last_price
from finalmile.workflows.train import load_version

CALENDAR = ("holiday", "event", "promo")
"""Covariates that make a day of the whole fleet easy or hard to forecast; holidays are those of the country set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a look, or several that had waited, brought.

    Parameters
    ----------
    findings
        Of the newest look.
    incidents
        Changed by it.
    looks
        Periods judged.
    """

    findings: tuple[Finding, ...] = ()
    incidents: tuple[Incident, ...] = ()
    looks: int = 0


def monitor(shop: Shop, model: str, cutoff: int) -> Watched:
    """Judge every period up to the cutoff that has not been judged yet, by the forecasts made before it.

    Each version has evidence of its own, which starts from its reference. A period without forecasts is left out; one
    without actuals is a finding. Judging the same period again changes nothing.
    """
    periods = _unjudged(shop, model, cutoff)
    if not periods:
        return Watched()
    panel = shop.known.panel(cutoff, periods=max(periods[-1] - periods[0] + 1, 1))
    watched = Watched()
    for period in periods:
        told = issued_in_force(shop, model, period)
        if told is not None:
            settle(shop, model, told.cutoff, told.version)
            watched = _look(shop, model, panel, told, period, before=watched)
        shop.ledger.save_state(_judged_key(model), str(period).encode())
    deliver(shop)
    return watched


def deliver(shop: Shop) -> None:
    """Hand every waiting alert to the receivers; what a receiver refuses waits for the next time."""
    for outbox_id, alert in shop.ledger.pending_alerts():
        took = [_told(notifier, alert) for notifier in shop.notifiers]
        if all(took):
            shop.ledger.alert_delivered(outbox_id, at=shop.clock.now())


def _told(notifier: Notifier, alert: Alert) -> bool:
    """Whether a receiver took an alert; one that is down keeps no other from hearing of it."""
    try:
        notifier.notify([alert])
    except (FinalMileError, OSError):
        return False
    return True


def check_of(shop: Shop) -> LossCheck:
    """The loss check with this project's settings."""
    rules = shop.config.monitor
    return LossCheck(
        arl=rules.arl,
        warning_arl=rules.warning_arl,
        fleet_tolerance=rules.fleet_tolerance,
        product_tolerance=rules.product_tolerance,
        fdr=rules.fdr,
        patience=shop.periods(rules.patience_days),
    )


def _look(shop: Shop, model: str, panel: Panel, told: Issued, period: int, *, before: Watched) -> Watched:
    version = shop.ledger.version(model, told.version)
    check = check_of(shop)
    state = _state(shop, version, check)
    if state is None:
        findings = [_unwatched(shop, version, period)]
    else:
        if _last_judged_version(shop, model) != version.number:
            state = check.resume(state, last=period - 1)
        names = _calendar_names(shop, version)
        state, findings = check.update(state, _loss_look(panel, told, period, names=names))
    changed = fold(
        findings,
        shop.ledger.incidents(model=model),
        model=model,
        at=shop.day(period),
        settings=IncidentSettings(clean_looks=shop.config.monitor.clean_looks),
    )
    for incident, alert in changed:
        shop.ledger.put_incident(incident, alert=alert, actor=shop.actor)
    shop.ledger.add_findings(findings, model=model, run=f"{version} {shop.day(period)}")
    if state is not None:
        shop.ledger.save_state(_state_key(version), state.to_bytes())
    shop.ledger.save_state(_version_key(model), str(version.number).encode())
    fresh = {incident.incident_id: incident for incident, _ in changed}
    kept = [incident for incident in before.incidents if incident.incident_id not in fresh]
    return replace(before, findings=tuple(findings), incidents=(*kept, *fresh.values()), looks=before.looks + 1)


def _loss_look(panel: Panel, told: Issued, period: int, *, names: Sequence[str]) -> LossLook:
    column = period - panel.first
    rows = rows_in(panel.ids, told.ids)
    actual = np.where(rows >= 0, panel.demand()[rows, column], np.nan)
    price = np.where(rows >= 0, last_price(panel)[rows], np.nan)
    return LossLook(
        period=period,
        ids=told.ids,
        actual=actual,
        forecast=told.mean,
        value_per_unit=None if np.isnan(price).all() else price,
        calendar=_calendar(panel, names, columns=slice(column, column + 1))[0] if names else None,
    )


def _calendar(panel: Panel, names: Sequence[str], *, columns: slice) -> Doubles:
    """Share of the series on which each covariate is on in each period, 0 where nothing is known of it; shape (T, k).

    Shares, whatever the covariate counts in: a value beyond all that were learned from says no more than "on".
    """
    wide = [panel.covariates[name][:, columns] if name in panel.covariates else None for name in names]
    length = len(range(*columns.indices(panel.length)))
    return np.column_stack([np.zeros(length) if one is None else _share_on(one) for one in wide])


def _share_on(values: FloatArray) -> Doubles:
    known = np.isfinite(values)
    share: Doubles = (known & (values != 0)).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return share


def _state(shop: Shop, version: Version, check: LossCheck) -> LossState | None:
    blob = shop.ledger.load_state(_state_key(version))
    if blob is not None:
        return LossState.from_bytes(blob)
    reference = load_version(shop, version).reference()
    panel = shop.known.panel(shop.frequency.index_of(version.cutoff))
    names = [name for name in CALENDAR if name in panel.covariates]
    try:
        state = check.start(_loss_reference(panel, reference, names=names))
    except MissingInputError:
        return None
    shop.ledger.save_state(_calendar_key(version), orjson.dumps(names))
    return state


def _calendar_names(shop: Shop, version: Version) -> Sequence[str]:
    """Covariates that a version's evidence knows: those that were there when it began."""
    blob = shop.ledger.load_state(_calendar_key(version))
    names: list[str] = [] if blob is None else orjson.loads(blob)
    return names


def _loss_reference(panel: Panel, told: OneStep, *, names: Sequence[str]) -> LossReference:
    rows = rows_in(panel.ids, told.ids)
    start = max(told.first, panel.first)
    length = min(told.first + told.mean.shape[1] - 1, panel.cutoff) - start + 1
    actual: FloatArray = panel.demand()[rows, start - panel.first : start - panel.first + length].copy()
    actual[rows < 0] = np.nan
    columns = slice(start - panel.first, start - panel.first + length)
    return LossReference(
        ids=told.ids,
        frequency=panel.frequency,
        first=start,
        actual=actual,
        forecast=told.mean[:, start - told.first : start - told.first + length],
        calendar=_calendar(panel, names, columns=columns) if names else None,
    )


def _unjudged(shop: Shop, model: str, cutoff: int) -> Sequence[int]:
    """Periods after the last one judged; from the first promotion on where none was."""
    blob = shop.ledger.load_state(_judged_key(model))
    if blob is not None:
        return range(int(blob) + 1, cutoff + 1)
    versions = shop.ledger.versions(model)
    if not versions or shop.ledger.deployment(model) is None:
        return ()
    first = min(shop.frequency.index_of(version.cutoff) for version in versions) + 1
    return range(first, cutoff + 1)


def _unwatched(shop: Shop, version: Version, period: int) -> Finding:
    return Finding(
        check="loss",
        subject="fleet",
        at=shop.day(period),
        value=None,
        benchmark=None,
        severity="warning",
        why=f"{version} cannot be judged: fewer than 20 periods of forecasts it had not learned from have come true.",
    )


def _last_judged_version(shop: Shop, model: str) -> int | None:
    blob = shop.ledger.load_state(_version_key(model))
    return None if blob is None else int(blob)


def _version_key(model: str) -> str:
    return f"judged version/{model}"


def _judged_key(model: str) -> str:
    return f"judged/{model}"


def _calendar_key(version: Version) -> str:
    return f"calendar of {_state_key(version)}"


def _state_key(version: Version) -> str:
    """Evidence belongs to a version; that of ready-made forecasts to their source, which brings a version a day."""
    return f"loss/{version.model}/{version.kind}" if version.kind == ready_made.KIND else f"loss/{version}"
