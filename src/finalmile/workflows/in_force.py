"""In force: where several versions forecast from one cutoff, whose word counts for what came after it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from finalmile.frames import Forecast
from finalmile.records import Json
from finalmile.workflows.known import end_of
from finalmile.workflows.shop import Issued, Shop

LOOK_BACK = 100
"""Periods that a forecast is looked for before and after a cutoff."""

_SETTLED = "in force"


def version_in_force(shop: Shop, model: str, cutoff: int) -> int | None:
    """Number of the version whose forecast from a cutoff counts; ``None`` where none was logged.

    That is the version that was live when the decision at the cutoff was over, by the trail of deployments: a version
    that was promoted and rolled back again on the same day does not count, though it may have spoken last. The
    decision is over once the period after the cutoff was judged; before that, once a later cutoff was forecast or,
    for a forecast that was made in time, once the period after the cutoff is past; and until then it is what is live
    now. Versions without a forecast from the cutoff are passed over.
    """
    told = shop.forecasts.issues(model, cutoff)
    if len(told) < 2:
        return next(iter(told), None)
    settled = shop.ledger.run_done(_SETTLED, _key(shop, model, cutoff))
    if settled is not None:
        return int(str(settled["version"]))
    return _live_last(shop, model, told, until=_over_at(shop, model, cutoff, told))


def settled(shop: Shop, model: str, cutoff: int, version: int) -> dict[tuple[str, str], Json]:
    """What is to be remembered once a look is kept: whose forecast was judged, so that no later deployment changes it.

    Nothing where only one version forecast from the cutoff.
    """
    if len(shop.forecasts.issues(model, cutoff)) < 2:
        return {}
    return {(_SETTLED, _key(shop, model, cutoff)): {"version": version}}


def forecast_in_force(shop: Shop, model: str, cutoff: int) -> Forecast | None:
    """The forecast from exactly this cutoff that counts, windows included."""
    number = version_in_force(shop, model, cutoff)
    return None if number is None else shop.forecasts.told(model, cutoff, version=number)


def issued_in_force(shop: Shop, model: str, period: int) -> Issued | None:
    """The newest forecasts of one period that count, from the hundred cutoffs before it; ``None`` without any."""
    for cutoff in range(period - 1, period - 1 - LOOK_BACK, -1):
        number = version_in_force(shop, model, cutoff)
        if number is not None:
            return shop.forecasts.issued(model, period, cutoff=cutoff, version=number)
    return None


def _live_last(shop: Shop, model: str, told: Mapping[int, datetime], *, until: datetime | None) -> int:
    trail = [
        int(str(row.body["live"]))
        for row in shop.ledger.audit_rows()
        if row.verb == "deploy" and row.subject == model and (until is None or row.at < until)
    ]
    spoke_last = max(told, key=lambda number: (told[number], number))
    return next((number for number in reversed(trail) if number in told), spoke_last)


def _over_at(shop: Shop, model: str, cutoff: int, told: Mapping[int, datetime]) -> datetime | None:
    """When the decision at a cutoff was over; ``None`` where it may still change."""
    ends: list[datetime] = []
    past = end_of(cutoff + 1, shop.frequency)
    if min(told.values()) < past < shop.clock.now():
        ends.append(past)
    for later in range(cutoff + 1, min(cutoff + LOOK_BACK, shop.known.newest) + 1):
        issues = shop.forecasts.issues(model, later)
        if issues:
            ends.append(min(issues.values()))
            break
    return min(ends, default=None)


def _key(shop: Shop, model: str, cutoff: int) -> str:
    return f"{model} {shop.day(cutoff)}"
