"""Estimated loss: how well the newest forecast will do, before anything of it has come true."""

from __future__ import annotations

from finalmile.monitoring.checks.estimated_loss import EstimatedLossCheck
from finalmile.monitoring.loss.estimated import EstimatedState, SpreadReference
from finalmile.workflows.shop import Issued, Shop
from finalmile.workflows.watching.kept import begun
from finalmile.workflows.watching.references import Before, before
from finalmile.workflows.watching.seen import Seen, Told, state_key

NAME = "estimated_loss"


def watch(shop: Shop, model: str, seen: Seen) -> Told | None:
    """Learn from what came true, then estimate the period after it where that was forecast already."""
    check, key = EstimatedLossCheck(), state_key(NAME, seen.version)
    found = begun(
        shop,
        key,
        check=NAME,
        seen=seen,
        read=EstimatedState.from_bytes,
        start=lambda: check.start(_reference(before(shop, seen))),
    )
    if found.state is None:
        return Told(findings=found.findings)
    state = check.update(found.state, seen.period, actual=seen.actual, forecast=seen.told.mean, spread=None)
    ahead = _ahead(shop, model, seen)
    findings = () if ahead is None else (check.estimate(state, ahead.mean, None, period=seen.period),)
    return Told(findings=(*found.findings, *findings), states={key: state.to_bytes()})


def _ahead(shop: Shop, model: str, seen: Seen) -> Issued | None:
    """The newest forecast of the next period that there is."""
    for cutoff in (seen.period, seen.told.cutoff):
        if seen.version.number in shop.forecasts.issues(model, cutoff):
            return shop.forecasts.issued(model, seen.period + 1, cutoff=cutoff, version=seen.version.number)
    return None


def _reference(told: Before) -> SpreadReference:
    loss = told.loss
    return SpreadReference(frequency=loss.frequency, first=loss.first, actual=loss.actual, forecast=loss.forecast)
