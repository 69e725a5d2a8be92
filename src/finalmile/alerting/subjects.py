"""One look, sorted by check and subject, and the incident that is known of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from finalmile.records import Finding, Incident, Severity

ORDER: dict[Severity, int] = {"info": 0, "warning": 1, "critical": 2}
_MEMBER = "product "
_GROUP = "products"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What one look says about one check and subject: the finding that speaks for it, and members that breach."""

    worst: Finding
    members: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether it has data and nothing is wrong."""
        return self.worst.value is not None and not self.worst.breached and self.worst.severity == "info"


def grouped(findings: Iterable[Finding]) -> dict[tuple[str, str], Subject]:
    """Findings of a look by check and subject; those of single products are together."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        subject = _GROUP if finding.subject.startswith(_MEMBER) else finding.subject
        groups.setdefault((finding.check, subject), []).append(finding)
    return {key: _seen(key[1], members) for key, members in groups.items()}


def _seen(subject: str, findings: list[Finding]) -> Subject:
    """The finding that speaks for a group: its own summary where it has one, else the worst of its members."""
    members = tuple(f.subject.removeprefix(_MEMBER) for f in findings if f.breached and f.subject != subject)
    summary = [f for f in findings if f.subject == subject]
    worst = max(summary or findings, key=lambda f: (f.breached, ORDER[f.severity], f.log_evidence or 0.0))
    return Subject(worst=worst, members=tuple(sorted(members)))


def newest(incidents: Sequence[Incident], model: str) -> dict[tuple[str, str], Incident]:
    """For each check and subject the incident that is open, else the one resolved last."""
    known: dict[tuple[str, str], Incident] = {}
    for incident in incidents:
        key = (incident.check, incident.subject)
        if incident.model == model and (key not in known or _rank(incident) > _rank(known[key])):
            known[key] = incident
    return known


def _rank(incident: Incident) -> tuple[bool, datetime]:
    return incident.state != "resolved", _instant(incident.updated_at)


def elapsed(earlier: date | datetime, later: date | datetime) -> timedelta:
    """Time between two stamps; a date counts as its midnight, an aware instant as UTC.

    Examples
    --------
    >>> elapsed(date(2024, 3, 1), datetime(2024, 3, 2, 12))
    datetime.timedelta(days=1, seconds=43200)
    """
    return _instant(later) - _instant(earlier)


def _instant(stamp: date | datetime) -> datetime:
    if not isinstance(stamp, datetime):
        return datetime(stamp.year, stamp.month, stamp.day)
    return stamp if stamp.tzinfo is None else stamp.astimezone(UTC).replace(tzinfo=None)
