"""Incidents of losses with the sentence that says why, from the day they open until they are over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from finalmile.alerting.incidents import Update
from finalmile.records import Incident
from finalmile.workflows.receipts import day_of
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.guard import halt, said
from finalmile.workflows.why import explain

CHECKS = ("loss", "bias", "fva")
"""Checks whose incidents are about losses, which can be explained."""

AGAIN_AFTER_DAYS = (7, 28)
"""Ages of an open incident at which its cause is sought anew: of the first few looks a part of the range that is small
seldom stands out."""

MOST = 2
"""Spans that are explained in one look: more of them have the same causes."""


def explained(shop: Shop, changed: Sequence[Update], *, at: date | datetime) -> tuple[list[Update], dict[str, bytes]]:
    """The same incidents, each with the sentence that says why, and the sentences to be kept; nothing is written.

    A sentence is sought when an incident opens, and kept until it is over: what opens again has causes of its own.
    Where none is found the incident says why, and it is sought again at the next look that breaches; incidents that
    open now come first. What was found is sought anew after a week and after four, while the incident is open.
    """
    kept = {one.incident_id: _kept(shop, one) for one, _ in changed}
    fresh = [one for one, _ in changed if one.check in CHECKS and kept[one.incident_id] is None and one.opened_at == at]
    again = [one for one, _ in changed if kept[one.incident_id] == "" and _breaches(one)]
    anew = [one for one, _ in changed if kept[one.incident_id] and _breaches(one) and _age(one, at) in AGAIN_AFTER_DAYS]
    found = _of_spans(shop, [*fresh, *again, *anew])
    told: list[Update] = []
    for update in changed:
        name = update[0].incident_id
        sentence, missing = found.get(name, ("", ""))
        told.append(_with(update, sentence or kept[name] or missing))
    over = {_key(one.incident_id): b"" for one, _ in changed if one.state == "resolved" and kept[one.incident_id]}
    fresh_ones = {_key(name): sentence.encode() for name, (sentence, _) in found.items() if sentence or not kept[name]}
    return told, {**fresh_ones, **over}


def _of_spans(shop: Shop, incidents: Sequence[Incident]) -> dict[str, tuple[str, str]]:
    """What is found of each incident; those that began together are explained together."""
    found: dict[object, tuple[str, str]] = {}
    told: dict[str, tuple[str, str]] = {}
    for one in incidents:
        span = one.finding.since or one.opened_at
        if span not in found and len(found) < MOST:
            found[span] = _found(shop, one)
        if span in found:
            told[one.incident_id] = found[span]
    return told


def _with(update: Update, words: str) -> Update:
    incident, alert = update
    if not words or words in incident.finding.why:
        return update
    finding = replace(incident.finding, why=f"{incident.finding.why} {words}")
    told = None if alert is None else replace(alert, summary=f"{alert.summary} {words}")
    return replace(incident, finding=finding), told


def _found(shop: Shop, incident: Incident) -> tuple[str, str]:
    """The sentence that says why, else why there is none."""
    try:
        sentence = explain(shop, incident).sentence
    except Exception as fault:
        halt(fault)
        return "", f"Why is not known yet ({said(fault)}); it is sought again at the next look."
    return (
        sentence,
        "" if sentence else "Why is not known yet: nothing stands out; it is sought again at the next look.",
    )


def _age(incident: Incident, at: date | datetime) -> int:
    """Days since it opened."""
    return (day_of(at) - day_of(incident.opened_at)).days


def _breaches(incident: Incident) -> bool:
    return incident.state != "resolved" and incident.clean_looks == 0


def _kept(shop: Shop, incident: Incident) -> str | None:
    """The sentence that was found, empty where it was sought in vain, ``None`` where it was not sought."""
    blob = shop.ledger.load_state(_key(incident.incident_id))
    return None if blob is None else blob.decode("utf-8", "replace")


def _key(incident_id: str) -> str:
    return f"why/{incident_id}"
