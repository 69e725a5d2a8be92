"""Incidents of losses with the sentence that says why, from the day they open until they are over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from finalmile.alerting.incidents import Update
from finalmile.records import Incident
from finalmile.workflows.shop import Shop
from finalmile.workflows.why import explain

CHECKS = ("loss", "bias", "fva")
"""Checks whose incidents are about losses, which can be explained."""

MOST = 2
"""Incidents of one look that are explained: more of them have the same causes."""


def explained(shop: Shop, changed: Sequence[Update], *, at: date | datetime) -> list[Update]:
    """The same incidents, each with the sentence found when it opened; new ones are explained first.

    The sentence of an incident is found once and kept. Where none can be found the incident stands as it is.
    """
    left = MOST
    told: list[Update] = []
    for incident, alert in changed:
        sentence = _kept(shop, incident)
        if sentence is None and left and incident.opened_at == at and incident.check in CHECKS:
            left -= 1
            sentence = _found(shop, incident)
            shop.ledger.save_state(_key(incident), sentence.encode())
        if sentence and sentence not in incident.finding.why:
            finding = replace(incident.finding, why=f"{incident.finding.why} {sentence}")
            incident = replace(incident, finding=finding)  # noqa: PLW2901 - the same incident, told further
            alert = None if alert is None else replace(alert, summary=f"{alert.summary} {sentence}")  # noqa: PLW2901
        told.append((incident, alert))
    return told


def _found(shop: Shop, incident: Incident) -> str:
    try:
        return explain(shop, incident).sentence
    except Exception:
        return ""


def _kept(shop: Shop, incident: Incident) -> str | None:
    blob = shop.ledger.load_state(_key(incident))
    return None if blob is None else blob.decode()


def _key(incident: Incident) -> str:
    return f"why/{incident.incident_id}"
