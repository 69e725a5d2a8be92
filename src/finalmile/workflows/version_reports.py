"""What is told of versions: trained, certified, live, and all there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from finalmile.records import Certificate, Deployment, Json, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A new version."""

    version: Version
    series: int
    notes: tuple[str, ...] = ()
    breached: bool = False

    def lines(self) -> list[str]:
        """What was trained, on what, and what to do next."""
        version = self.version
        return [
            f"{version} is trained: {version.kind} on {self.series:,} series up to {version.cutoff}.",
            *self.notes,
            f"Next: finalmile certify {version.model}",
        ]

    def to_dict(self) -> Json:
        """Version, series, notes."""
        return {"version": asdict(self.version), "series": self.series, "notes": list(self.notes)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """A certificate; breached where it did not pass."""

    certificate: Certificate

    @property
    def breached(self) -> bool:
        """Whether the version failed."""
        return not self.certificate.passed

    def lines(self) -> list[str]:
        """The verdict, and the figures behind it."""
        told = self.certificate
        verdict = "passed" if told.passed else "did not pass: " + "; ".join(told.reasons)
        return [
            f"{told.model}@{told.number} {verdict}.",
            f"Judged on {told.holdout_from} to {told.holdout_to}, which its recipe had not seen.",
            *(
                f"  {name:12} {_figure(value)}  (baseline {_figure(told.baseline.get(name))})"
                for name, value in told.metrics.items()
            ),
            *(f"  coverage at {name}: {_figure(value)}" for name, value in told.coverage.items()),
            *([f"Next: finalmile promote {told.model}"] if told.passed else []),
        ]

    def to_dict(self) -> Json:
        """The certificate."""
        return asdict(self.certificate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What is live now, or would be."""

    model: str
    live: int | None
    before: int | None
    dry_run: bool = False
    order_changes: int | None = None
    breached: bool = False

    def lines(self) -> list[str]:
        """Which version answers."""
        verb = "would go live" if self.dry_run else "is live"
        was = "" if self.before is None or self.before == self.live else f"; before: {self.model}@{self.before}"
        changes = [] if self.order_changes is None else [f"{self.order_changes:,} order lines would change."]
        return [f"{self.model}@{self.live} {verb}{was}.", *changes]

    def to_dict(self) -> Json:
        """Model, live and former version."""
        return asdict(self)

    @classmethod
    def of(cls, deployment: Deployment) -> Deployed:
        """From the ledger's record."""
        return cls(model=deployment.model, live=deployment.live, before=deployment.previous)


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Versions of every model."""

    rows: tuple[Mapping[str, Any], ...]
    breached: bool = False

    def lines(self) -> list[str]:
        """One line a version."""
        if not self.rows:
            return ["No version yet. Run: finalmile train demand"]
        return [
            f"{'*' if row['live'] else ' '} {row['model']}@{row['number']:<3} {row['kind']:16} {row['state']:11} "
            f"up to {row['cutoff']}  wape {_figure(row['wape'])}  fva {_figure(row['fva'])}"
            for row in self.rows
        ]

    def to_dict(self) -> Json:
        """Rows under ``versions``."""
        return {"versions": [dict(row) for row in self.rows]}


def _figure(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "-" if value is None else str(value)
