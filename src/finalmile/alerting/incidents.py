"""From findings to incidents: one per thing that went wrong, told once, closed when it is over."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from finalmile.alerting.subjects import ORDER, Subject, elapsed, grouped, newest
from finalmile.records import Alert, Finding, Incident

_FLEET = "fleet"
SILENT = "looks without data"
"""Unit of a finding that ends an alarm because nothing is known of its subject any more; its incident is closed."""

Update = tuple[Incident, Alert | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentSettings:
    """When people are told, and when an incident is over.

    Parameters
    ----------
    repeat_days
        An open incident is told again after so many days.
    clean_looks
        So many looks in a row, with data and without a breach, resolve an incident.
    reopen_days
        A breach within so many days of recovery reopens the incident rather than opening another.
    silent_days
        An incident that no data spoke of for so many days, while its check had data of other subjects, is closed: the
        product is delisted, the column gone. That of the fleet is not. ``None`` where findings are not all that a
        check has to say.
    runbook
        Where to read what to do; goes into every alert.
    """

    repeat_days: float = 7.0
    clean_looks: int = 3
    reopen_days: float = 14.0
    silent_days: float | None = None
    runbook: str = ""

    def __post_init__(self) -> None:
        silent = 1.0 if self.silent_days is None else self.silent_days
        if self.clean_looks < 1 or min(self.repeat_days, silent) <= 0 or self.reopen_days < 0:
            raise ValueError(
                "clean_looks must be at least 1, repeat_days and silent_days above 0 and reopen_days at least 0"
            )


def fold(
    findings: Iterable[Finding],
    incidents: Sequence[Incident],
    *,
    model: str,
    at: date | datetime,
    settings: IncidentSettings | None = None,
) -> list[Update]:
    """Incidents that a look opens, changes, resolves or reopens, each with the alert that is due.

    One incident per model, check and subject; findings of single products (``"product ..."``) make one incident of
    the subject ``"products"``. Nobody is told twice of the same thing before the repeat interval is over, unless it
    became more severe. A look without data, and one that only warns, neither resolves nor reopens anything; what no
    data speak of for ``silent_days`` is closed, and says so. The same look folded again changes nothing.

    Parameters
    ----------
    findings
        All findings of the look, breached or not: those that are fine are what recovery is counted by.
    incidents
        Incidents that are open, and those resolved lately, which may reopen.
    at
        When the look was, in the same kind of stamp as that of earlier looks.

    Examples
    --------
    >>> day = date(2024, 3, 1)
    >>> bad = Finding(check="loss", subject="fleet", at=day, value=0.9, benchmark=0.6, breached=True,
    ...               severity="critical", why="Errors grew by half.")
    >>> [(incident, alert)] = fold([bad], [], model="demand", at=day)
    >>> incident.state, alert.severity
    ('open', 'critical')
    >>> fold([bad], [incident], model="demand", at=date(2024, 3, 2))[0][1] is None
    True
    """
    rules = settings or IncidentSettings()
    known, groups = newest(incidents, model), grouped(findings)
    updates: list[Update] = []
    for (check, subject), seen in sorted(groups.items()):
        incident = known.get((check, subject))
        if seen.worst.breached:
            updates += _breach(seen, incident, subject=subject, model=model, at=at, rules=rules)
        elif incident is not None and incident.state != "resolved":
            updates += _no_breach(seen, incident, at=at, rules=rules)
    silent = (incident for key, incident in sorted(known.items()) if _silent(key, incident, groups, at=at, rules=rules))
    return [*updates, *(_closed(one, f"no data of it since {one.updated_at}", at=at, rules=rules) for one in silent)]


def acted(incident: Incident, what: str) -> Incident:
    """The incident after something was done about it; ``updated_at`` stays that of the newest look.

    Examples
    --------
    >>> finding = Finding(check="loss", subject="fleet", at=date(2024, 3, 1), value=0.9, benchmark=0.6)
    >>> before = Incident(incident_id="ab", model="d", check="loss", subject="fleet", severity="critical", state="open",
    ...                   opened_at=date(2024, 3, 1), updated_at=date(2024, 3, 1), finding=finding)
    >>> after = acted(before, "Rolled back to version 1")
    >>> after.state, after.actions
    ('mitigating', ('Rolled back to version 1',))
    """
    return replace(incident, state="mitigating", actions=(*incident.actions, what))


def incident_id(*, model: str, check: str, subject: str, opened_at: date | datetime) -> str:
    """Twelve letters and digits that the same incident always gets.

    Examples
    --------
    >>> incident_id(model="demand", check="loss", subject="fleet", opened_at=date(2024, 3, 1))
    '7569aa4c09f0'
    """
    text = "\x1f".join((model, check, subject, opened_at.isoformat()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _breach(
    seen: Subject, incident: Incident | None, *, subject: str, model: str, at: date | datetime, rules: IncidentSettings
) -> list[Update]:
    finding = replace(seen.worst, subject=subject)
    if incident is not None and incident.state == "resolved" and _forgotten(incident, at, rules):
        incident = None
    if incident is None:
        opened = Incident(
            incident_id=incident_id(model=model, check=finding.check, subject=subject, opened_at=at),
            model=model,
            check=finding.check,
            subject=subject,
            severity=finding.severity,
            state="open",
            opened_at=at,
            updated_at=at,
            finding=finding,
            subjects=seen.members,
            alerted_at=at,
        )
        return [(opened, _alert(opened, "opened", rules))]
    if elapsed(incident.updated_at, at) == timedelta(0):
        return []
    reopened, worse = incident.state == "resolved", ORDER[finding.severity] > ORDER[incident.severity]
    told = incident.alerted_at or incident.opened_at
    due = reopened or worse or elapsed(told, at) >= timedelta(days=rules.repeat_days)
    changed = replace(
        incident,
        severity=finding.severity if reopened else max(finding.severity, incident.severity, key=ORDER.__getitem__),
        state="open" if reopened or incident.state == "monitoring" else incident.state,
        updated_at=at,
        finding=finding,
        subjects=tuple(sorted({*incident.subjects, *seen.members})),
        clean_looks=0,
        alerted_at=at if due else incident.alerted_at,
    )
    word = "reopened" if reopened else "became worse" if worse else "is still open"
    return [(changed, _alert(changed, word, rules) if due else None)]


def _forgotten(incident: Incident, at: date | datetime, rules: IncidentSettings) -> bool:
    return elapsed(incident.updated_at, at) > timedelta(days=rules.reopen_days)


def _no_breach(seen: Subject, incident: Incident, *, at: date | datetime, rules: IncidentSettings) -> list[Update]:
    if not seen.clean or elapsed(incident.updated_at, at) == timedelta(0):
        return []
    if seen.worst.unit == SILENT:
        return [_closed(incident, seen.worst.why, at=at, rules=rules)]
    clean = incident.clean_looks + 1
    if clean < rules.clean_looks:
        return [(replace(incident, state="monitoring", clean_looks=clean, updated_at=at), None)]
    over = replace(incident, state="resolved", clean_looks=clean, updated_at=at, alerted_at=at)
    return [(over, replace(_alert(over, "resolved", rules), severity="info"))]


def _silent(
    key: tuple[str, str],
    incident: Incident,
    groups: Mapping[tuple[str, str], Subject],
    *,
    at: date | datetime,
    rules: IncidentSettings,
) -> bool:
    """Whether nothing is known of an incident's subject any more, though its check knows of others."""
    if rules.silent_days is None or incident.state == "resolved" or incident.subject == _FLEET:
        return False
    if elapsed(incident.updated_at, at) < timedelta(days=rules.silent_days):
        return False
    seen = groups.get(key)
    known = any(check == incident.check and one.worst.value is not None for (check, _), one in groups.items())
    return known and (seen is None or (seen.worst.value is None and not seen.worst.breached))


def _closed(incident: Incident, why: str, *, at: date | datetime, rules: IncidentSettings) -> Update:
    """The incident, closed because nothing is known of its subject any more."""
    actions = (*incident.actions, f"closed on {at}: {why.rstrip('.')}")
    over = replace(incident, state="resolved", updated_at=at, alerted_at=at, actions=actions)
    return over, replace(_alert(over, "closed", rules), severity="info")


def _alert(incident: Incident, word: str, rules: IncidentSettings) -> Alert:
    labels = {"model": incident.model, "check": incident.check, "subject": incident.subject, "state": incident.state}
    money = incident.finding.money_at_risk
    if money is not None:
        labels["money_at_risk_per_day"] = f"{money:.2f}"
    return Alert(
        name=incident.incident_id,
        severity=incident.severity,
        summary=f"{incident.check} of {incident.subject} of {incident.model} {word}: {incident.explain()}",
        labels=labels,
        runbook=rules.runbook,
    )
