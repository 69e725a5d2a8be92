"""View of monitoring: every check of a model, its value beside its benchmark, and its evidence over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from finalmile.figures.course import Course
from finalmile.figures.versus import Versus
from finalmile.records import Finding, Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One subject of one check: its newest finding, its course, and since when it is as it is."""

    newest: Finding
    course: Course
    incident: Incident | None = None

    @property
    def state(self) -> str:
        """``breached``, ``warning``, ``not judged`` or ``fine``."""
        if self.newest.breached:
            return "breached"
        if self.newest.value is None:
            return "not judged"
        return "warning" if self.newest.severity != "info" else "fine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Everything the page of monitoring shows.

    Parameters
    ----------
    rows
        Worst first.
    source
        Where the looks come from, where they are not the project's own.
    fine
        Subjects that are fine and left out of ``rows``.
    versions
        Comparisons of two versions, the one begun last first.
    """

    model: str
    version: str | None = None
    as_of: date | datetime | None = None
    rows: tuple[Checked, ...] = ()
    incidents: tuple[Incident, ...] = ()
    source: str = ""
    fine: int = 0
    versions: tuple[Versus, ...] = ()


_STATES = ("breached", "warning", "not judged", "fine")


def watched(
    model: str,
    findings: Sequence[Finding],
    *,
    version: str | None = None,
    incidents: Sequence[Incident] = (),
    source: str = "",
    most: int = 200,
) -> Watched:
    """The view of findings of many looks, oldest first; ``most`` rows, the worst."""
    by: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        by.setdefault((finding.check, finding.subject), []).append(finding)
    latest = {check: max(str(one.at) for one in findings if one.check == check) for check in {c for c, _ in by}}
    opened = {(one.check, one.subject): one for one in incidents if one.state != "resolved"}
    rows = [
        Checked(newest=told[-1], course=_course(told), incident=opened.get(key))
        for key, told in by.items()
        if str(told[-1].at) == latest[key[0]] or key in opened
    ]
    rows.sort(key=lambda row: (_STATES.index(row.state), row.newest.check, row.newest.subject))
    newest = max((one.at for one in findings), key=str, default=None)
    return Watched(
        model=model,
        version=version,
        as_of=newest,
        rows=tuple(rows[:most]),
        incidents=tuple(incidents),
        source=source,
        fine=max(len(rows) - most, 0),
    )


def _course(told: Sequence[Finding]) -> Course:
    evidence = [one.log_evidence for one in told]
    if any(value is not None for value in evidence):
        limit = next((one.threshold for one in reversed(told) if one.threshold is not None), None)
        return Course(values=tuple(evidence), limit=limit, name="log evidence")
    return Course(values=tuple(one.value for one in told), limit=told[-1].benchmark, name=told[-1].unit or "value")
