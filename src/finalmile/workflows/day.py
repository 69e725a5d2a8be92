"""One business day at a cutoff: judge what came true, answer to it, retrain when due, forecast what comes."""

from __future__ import annotations

from dataclasses import dataclass

from finalmile.frames import Forecast
from finalmile.records import Certificate, Finding, Incident, Step, Version
from finalmile.workflows.forecast import forecast
from finalmile.workflows.monitor import monitor
from finalmile.workflows.renew import retrain_when_due
from finalmile.workflows.respond import respond
from finalmile.workflows.shop import Shop, live_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What one business day found and did, at the end of a period."""

    period: int
    live: Version
    forecast: Forecast
    findings: tuple[Finding, ...] = ()
    incidents: tuple[Incident, ...] = ()
    steps: tuple[Step, ...] = ()
    trained: tuple[Certificate, ...] = ()
    looks: int = 0


def business_day(shop: Shop, model: str, cutoff: int, *, retrain_every: int | None = None, brief: bool = False) -> Day:
    """Everything that is decided at a cutoff except orders.

    Running it again for the same cutoff repeats nothing that was already recorded.

    Parameters
    ----------
    retrain_every
        Periods after which the live version is replaced by one that also learned from what came since; never by
        default.
    brief
        Forecast only the next period: nothing is ordered at this cutoff.
    """
    watch = monitor(shop, model, cutoff)
    still_open = {one.incident_id: one for one in shop.ledger.incidents(model=model, open_only=True)}
    changed = {one.incident_id: one for one in watch.incidents}
    answered = respond(shop, model, tuple({**changed, **still_open}.values()), cutoff=cutoff)
    trained = retrain_when_due(shop, model, cutoff, every=retrain_every)
    told = forecast(shop, model, cutoff=cutoff, brief=brief)
    return Day(
        period=cutoff,
        live=live_version(shop, model),
        forecast=told,
        findings=watch.findings,
        incidents=answered.incidents,
        steps=answered.steps,
        trained=trained,
        looks=watch.looks,
    )
