"""Monitor: look at every period that came true, keep the evidence, open and close incidents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial

from finalmile.alerting.incidents import IncidentSettings, fold
from finalmile.errors import FinalMileError
from finalmile.frames import Panel
from finalmile.ports import Notifier
from finalmile.records import Alert, Finding, Incident
from finalmile.workflows.explained import explained
from finalmile.workflows.in_force import issued_in_force, settle
from finalmile.workflows.shop import Issued, Shop
from finalmile.workflows.watching.guard import guarded
from finalmile.workflows.watching.judged import judged_until, judged_version, note_period, note_version
from finalmile.workflows.watching.looks import LOOKS, look
from finalmile.workflows.watching.seen import Seen

BEFORE_DAYS = 56
"""Days before the first period that is judged which looks may look back on."""


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
    without actuals is a finding. A check that fails is a finding of its own and stops no other. Judging the same
    period again changes nothing.
    """
    periods = _unjudged(shop, model, cutoff)
    if not periods:
        return Watched()
    span = max(periods[-1] - periods[0] + 1, 1) + shop.periods(BEFORE_DAYS)
    panel = shop.known.panel(cutoff, periods=span)
    watched = Watched()
    for period in periods:
        told = issued_in_force(shop, model, period)
        if told is not None:
            settle(shop, model, told.cutoff, told.version)
            watched = _look(shop, model, panel, told, period, before=watched)
        note_period(shop, model, period)
    deliver(shop)
    return watched


def deliver(shop: Shop) -> None:
    """Hand every waiting alert to the receivers; what a receiver refuses waits for the next time."""
    for outbox_id, alert in shop.ledger.pending_alerts():
        took = [_told(notifier, alert) for notifier in shop.notifiers]
        if all(took):
            shop.ledger.alert_delivered(outbox_id, at=shop.clock.now())


def folded(shop: Shop, model: str, findings: Iterable[Finding], *, at: date | datetime) -> tuple[Incident, ...]:
    """Incidents that findings of one look opened or changed, each kept with the alert that is due."""
    rules = IncidentSettings(clean_looks=shop.config.monitor.clean_looks)
    changed = fold(findings, shop.ledger.incidents(model=model), model=model, at=at, settings=rules)
    told = explained(shop, changed, at=at)
    for incident, alert in told:
        shop.ledger.put_incident(incident, alert=alert, actor=shop.actor)
    return tuple(incident for incident, _ in told)


def joined(one: Watched, other: Watched) -> Watched:
    """Two looks as one."""
    fresh = {incident.incident_id: incident for incident in (*one.incidents, *other.incidents)}
    return replace(one, findings=(*one.findings, *other.findings), incidents=tuple(fresh.values()))


def _told(notifier: Notifier, alert: Alert) -> bool:
    """Whether a receiver took an alert; one that is down keeps no other from hearing of it."""
    try:
        notifier.notify([alert])
    except (FinalMileError, OSError):
        return False
    return True


def _look(shop: Shop, model: str, panel: Panel, told: Issued, period: int, *, before: Watched) -> Watched:
    version = shop.ledger.version(model, told.version)
    returned = judged_version(shop, model) != version.number
    seen = Seen(period=period, panel=panel, told=told, version=version, returned=returned)
    skip = shop.config.monitor.skip
    all_told = [guarded(name, partial(look, name), shop, model, seen) for name in LOOKS if name not in skip]
    findings = tuple(finding for told in all_told for finding in told.findings if finding.check not in skip)
    changed = folded(shop, model, findings, at=shop.day(period))
    shop.ledger.add_findings(findings, model=model, run=f"{version} {shop.day(period)}")
    for key, blob in {key: blob for told in all_told for key, blob in told.states.items()}.items():
        shop.ledger.save_state(key, blob)
    note_version(shop, version)
    fresh = {incident.incident_id: incident for incident in changed}
    kept = [incident for incident in before.incidents if incident.incident_id not in fresh]
    return replace(before, findings=findings, incidents=(*kept, *fresh.values()), looks=before.looks + 1)


def _unjudged(shop: Shop, model: str, cutoff: int) -> Sequence[int]:
    """Periods after the last one judged; from the first promotion on where none was."""
    until = judged_until(shop, model)
    if until is not None:
        return range(until + 1, cutoff + 1)
    versions = shop.ledger.versions(model)
    if not versions or shop.ledger.deployment(model) is None:
        return ()
    first = min(shop.frequency.index_of(version.cutoff) for version in versions) + 1
    return range(first, cutoff + 1)
