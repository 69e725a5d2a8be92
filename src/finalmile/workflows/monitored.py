"""What looking brings, for people, programs, pages and build servers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path

from finalmile.records import Finding, Incident, Json
from finalmile.wording import number_of

_ORDER = {"critical": 0, "warning": 1, "info": 2}
_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitored:
    """Findings of the newest look and the incidents that are open.

    Parameters
    ----------
    gated
        Whether a finding that is breached, or a check that failed, counts as a breach before it is an incident; see
        :meth:`gate`.
    """

    findings: tuple[Finding, ...]
    incidents: tuple[Incident, ...]
    looks: int
    note: str = ""
    model: str = ""
    gated: bool = False

    @property
    def breached(self) -> bool:
        """Whether an incident is open; gated, whether any finding is breached too."""
        found = self.gated and any(one.breached or one.subject == "check" for one in self.findings)
        return found or any(incident.state != "resolved" for incident in self.incidents)

    def only(self, checks: Collection[str], /) -> Monitored:
        """The same of these checks alone."""
        return replace(
            self,
            findings=tuple(finding for finding in self.findings if finding.check in checks),
            incidents=tuple(incident for incident in self.incidents if incident.check in checks),
        )

    def gate(self, *, at: date | datetime) -> Monitored:
        """The same for a gate, which passes nothing unseen: that no finding has a figure is a check that failed."""
        if any(one.value is not None for one in self.findings):
            return replace(self, gated=True)
        why = "Nothing was judged, so nothing passes: see that forecasts and the sales of their days are there."
        unseen = Finding(
            check="monitor", subject="check", at=at, value=None, benchmark=None, severity="warning", why=why
        )
        return replace(self, gated=True, findings=(*self.findings, unseen))

    def lines(self) -> list[str]:
        """What was found, worst first; what is fine is counted."""
        found = sorted(self.findings, key=lambda finding: (not finding.breached, _ORDER[finding.severity]))
        odd = [one for one in found if one.severity != "info" or one.breached]
        fine = [one for one in found if one.severity == "info" and not one.breached]
        shown = [*odd, *fine][:_SHOWN]
        more = len(found) - len(shown)
        return [
            f"{number_of(self.looks, 'new period')} judged.{' ' + self.note if self.note else ''}",
            *(f"{finding.severity:8} {finding.check} of {finding.subject}: {finding.why}" for finding in shown),
            *([f"... and {more:,} more; all of them with --json or --html FILE"] if more else []),
            *(f"INCIDENT {incident.explain()}" for incident in self.incidents if incident.state != "resolved"),
        ]

    def to_dict(self) -> Json:
        """Findings and incidents."""
        return {
            "looks": self.looks,
            "breached": self.breached,
            "findings": [asdict(finding) for finding in self.findings],
            "incidents": [asdict(incident) for incident in self.incidents],
        }

    def to_html(self, path: Path, /) -> Path:
        """Write a page that needs nothing else; its path."""
        from finalmile.monitoring.report import render

        still = [one for one in self.incidents if one.state != "resolved"]
        verdict = " ".join(one.explain() for one in still) or "No incident is open."
        page = render(self.findings, title=f"Monitoring {self.model}".strip(), verdict=verdict)
        path.write_text(page, encoding="utf-8")
        return path

    def to_junit(self, path: Path, /) -> Path:
        """Write JUnit XML, one test for each finding; its path."""
        from finalmile.monitoring.report import junit

        path.write_text(junit(self.findings, suite=f"finalmile monitor {self.model}".strip()), encoding="utf-8")
        return path
