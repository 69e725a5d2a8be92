"""What a look found becomes incidents with their causes, to be kept with everything else that it brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from finalmile.alerting.incidents import IncidentSettings, Update, fold
from finalmile.records import Finding
from finalmile.workflows.explained import explained
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.guard import could_not, halt, said

SILENT_DAYS, SILENT_LOOKS = 28.0, 4
"""Days, and at least so many periods, after which an incident that no data speak of any more is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """Incidents that findings opened or changed, sentences that say why, and what could not be done."""

    changed: tuple[Update, ...] = ()
    states: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    findings: tuple[Finding, ...] = ()


def folded(shop: Shop, model: str, findings: Sequence[Finding], *, at: date | datetime, whole: bool = True) -> Folded:
    """Incidents that findings of one look opened or changed, each with the alert that is due; nothing is written.

    Parameters
    ----------
    whole
        Whether the findings are all that their checks have to say, so that silence about an incident means something.
    """
    try:
        known = shop.ledger.incidents(model=model)
        changed = fold(findings, known, model=model, at=at, settings=rules_of(shop, whole=whole))
    except Exception as fault:
        halt(fault)
        why = f"What this look found could not become incidents ({said(fault)}); read its findings themselves."
        return Folded(findings=(could_not("incidents", why, at=at),))
    told, states = explained(shop, changed, at=at)
    return Folded(changed=tuple(told), states=states)


def rules_of(shop: Shop, *, whole: bool) -> IncidentSettings:
    """How incidents open and end in this project; silence ends none where a look is not ``whole``."""
    silent = max(SILENT_DAYS, SILENT_LOOKS * shop.frequency.days) if whole else None
    return IncidentSettings(clean_looks=shop.config.monitor.clean_looks, silent_days=silent)
