"""Which versions there are."""

from __future__ import annotations

from finalmile.ports import Ledger
from finalmile.workflows import version_reports


def models(ledger: Ledger) -> version_reports.Models:
    """Every version with its certificate's main figures."""
    rows: list[dict[str, object]] = []
    for version in ledger.versions():
        certificate = ledger.certificate(version.model, version.number)
        deployed = ledger.deployment(version.model)
        rows.append(
            {
                "model": version.model,
                "number": version.number,
                "kind": version.kind,
                "state": version.state,
                "live": deployed is not None and deployed.live == version.number,
                "cutoff": version.cutoff,
                "created_at": version.created_at,
                "certified": None if certificate is None else certificate.passed,
                "wape": None if certificate is None else certificate.metrics.get("wape"),
                "fva": None if certificate is None else certificate.metrics.get("fva"),
            }
        )
    return version_reports.Models(rows=tuple(rows))
