"""Monitor: look at every period that came true, keep the evidence, open and close incidents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from finalmile.frames import Panel
from finalmile.records import Finding, Incident, Json, LookKept, Version
from finalmile.workflows.asked_once import asked_once
from finalmile.workflows.deliver import deliver
from finalmile.workflows.in_force import issued_in_force, settled
from finalmile.workflows.looked import folded
from finalmile.workflows.shop import Issued, Shop
from finalmile.workflows.watching.due import awaited, due, unforecast
from finalmile.workflows.watching.guard import could_not, guarded, halt, said
from finalmile.workflows.watching.judged import judged_until, judged_version, noted
from finalmile.workflows.watching.looks import LOOKS, look, outlived
from finalmile.workflows.watching.seen import Seen

BEFORE_DAYS = 56
"""Days before the first period that is judged which looks may look back on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a look, or several that had waited, brought.

    Parameters
    ----------
    findings
        Of the newest look, and of why later periods are not judged yet.
    incidents
        Changed by it.
    looks
        Periods judged.
    """

    findings: tuple[Finding, ...] = ()
    incidents: tuple[Incident, ...] = ()
    looks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What the looks at one period found; ``version`` is ``None`` where nothing could be judged."""

    findings: tuple[Finding, ...]
    states: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    ended: Mapping[tuple[str, str], Json] = field(default_factory=dict[tuple[str, str], Json])
    forgotten: tuple[str, ...] = ()
    version: Version | None = None


def monitor(shop: Shop, model: str, cutoff: int) -> Watched:
    """Judge every period up to the cutoff that has not been judged yet, by the forecasts made before it.

    Each version has evidence of its own, which starts from its reference. Everything that a look brings is kept in one
    transaction: one that was killed is made again, and gives what it would have given. Judging the same period again
    changes nothing.

    A period without actuals is a finding, and so is one without forecasts, one that cannot be judged because a file is
    damaged, and a check that fails; none of them stops another. Where the ledger is locked or the disk is full nothing
    counts as judged, and the next run tries again.
    """
    try:
        return _judged_all(asked_once(shop), model, cutoff)
    finally:
        deliver(shop)


def joined(one: Watched, other: Watched) -> Watched:
    """Two looks as one."""
    fresh = {incident.incident_id: incident for incident in (*one.incidents, *other.incidents)}
    return replace(one, findings=(*one.findings, *other.findings), incidents=tuple(fresh.values()))


def _judged_all(shop: Shop, model: str, cutoff: int) -> Watched:
    periods = due(shop, model, cutoff)
    if not periods:
        return Watched()
    try:
        panel = shop.known.panel(cutoff, periods=len(periods) + shop.periods(BEFORE_DAYS))
    except Exception as fault:
        halt(fault)
        why = f"Sales cannot be read ({said(fault)}). Nothing was judged; mend them and run it again."
        return Watched(findings=(could_not("monitor", why, at=shop.day(cutoff)),))
    watched, missed = Watched(), list[int]()
    for period in periods:
        waits = awaited(shop, period)
        if waits is not None:
            return _also(watched, waits)
        judged = _judged(shop, model, panel, period, missed)
        if judged is None:
            missed.append(period)
            continue
        missed = []
        watched = _kept(shop, model, period, judged, before=watched)
    return _also(watched, unforecast(shop, model, missed, final=False)) if missed else watched


def _judged(shop: Shop, model: str, panel: Panel, period: int, missed: Sequence[int]) -> _Judged | None:
    """What is found at a period; ``None`` where nothing was forecast of it, a finding where it cannot be judged."""
    try:
        told = issued_in_force(shop, model, period)
        if told is None:
            return None
        judged = _looks(shop, model, panel, told, period)
    except Exception as fault:
        halt(fault)
        why = f"{shop.day(period)} could not be judged ({said(fault)}). It is passed over; later periods are judged."
        judged = _Judged(findings=(could_not("monitor", why, at=shop.day(period)),))
    if not missed or judged_until(shop, model) is None:
        return judged
    return replace(judged, findings=(*judged.findings, unforecast(shop, model, missed, final=True)))


def _looks(shop: Shop, model: str, panel: Panel, told: Issued, period: int) -> _Judged:
    version = shop.ledger.version(model, told.version)
    returned = judged_version(shop, model) != version.number
    seen = Seen(period=period, panel=panel, told=told, version=version, returned=returned)
    skip = shop.config.monitor.skip
    looks = [guarded(name, partial(look, name), shop, model, seen) for name in LOOKS if name not in skip]
    return _Judged(
        findings=tuple(finding for one in looks for finding in one.findings if finding.check not in skip),
        states={key: blob for one in looks for key, blob in one.states.items()},
        ended=settled(shop, model, told.cutoff, told.version),
        forgotten=outlived(shop, version) if returned else (),
        version=version,
    )


def _kept(shop: Shop, model: str, period: int, judged: _Judged, *, before: Watched) -> Watched:
    """Fold what was found into incidents, and keep all of it at once."""
    day, version = shop.day(period), judged.version
    incidents = folded(shop, model, judged.findings, at=day)
    findings = (*judged.findings, *incidents.findings)
    kept = LookKept(
        run=f"{'not judged' if version is None else version} {day}",
        findings=findings,
        incidents=incidents.changed,
        states={**judged.states, **incidents.states, **noted(model, period, version)},
        ended=judged.ended,
        forgotten=judged.forgotten,
    )
    shop.ledger.keep_look(kept, model=model, at=shop.clock.now(), actor=shop.actor)
    fresh = {incident.incident_id: incident for incident, _ in incidents.changed}
    old = [incident for incident in before.incidents if incident.incident_id not in fresh]
    return Watched(findings=findings, incidents=(*old, *fresh.values()), looks=before.looks + 1)


def _also(watched: Watched, finding: Finding) -> Watched:
    return replace(watched, findings=(*watched.findings, finding))
