"""Impact: what ordering by the forecasts that were logged was worth, against a baseline on the same demand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from finalmile.errors import MissingInputError
from finalmile.workflows.account import Replayed, account
from finalmile.workflows.in_force import forecast_in_force
from finalmile.workflows.past_known import PastKnown
from finalmile.workflows.plan import lined_up
from finalmile.workflows.replay import Comparison, Played
from finalmile.workflows.shop import Shop


def impact(shop: Shop, past: PastKnown, model: str, *, start: date, end: date, assumptions: Sequence[str]) -> Replayed:
    """Both ways of ordering over a span, ours told only what was logged at the time.

    Days without a logged forecast order nothing in either arm.

    Raises
    ------
    MissingInputError
        If no forecast was logged in the span.
    """
    frequency = past.frequency
    first, last = frequency.index_of(start), frequency.index_of(end)
    told = {cutoff: forecast_in_force(shop, model, cutoff) for cutoff in range(first - 1, last)}
    logged = {cutoff: forecast for cutoff, forecast in told.items() if forecast is not None}
    if not logged:
        raise MissingInputError(
            f"no forecast of {model!r} was logged between {start} and {end}, so its impact cannot be told. "
            f"Judge the past by playing it again: finalmile replay {start} {end}"
        )
    opened = min(logged)
    table = Comparison(shop, past, model, first=opened + 1, last=last, demand=None)
    newest = logged[opened]
    for cutoff in range(opened, last):
        newest = logged.get(cutoff, newest)
        if cutoff in logged:
            table.decide(lined_up(newest, past.panel(cutoff, periods=1).ids), cutoff)
        table.trade(cutoff + 1, told=newest)
    played = Played(
        ids=table.ids, first=opened + 1, last=last, days=(), ours=table.ours, baseline=table.baseline,
        orders=(), economics=table.economics(), corrected=past.corrected_after(last),
    )  # fmt: skip
    return account(
        played,
        model=model,
        frequency=frequency,
        policy=shop.config.plan.policy,
        against=shop.config.plan.baseline,
        assumptions=assumptions,
    )
