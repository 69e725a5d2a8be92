"""Which periods are due to be judged: those that came true, once enough of them has come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from finalmile.records import Finding
from finalmile.workflows.known import end_of
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.judged import judged_until

ENOUGH = 0.75
"""Share of the rows of sales that are usual from which a period need not wait for more."""

_SEASONS, _SEASON = 4, {"hour": 168, "day": 7, "week": 1, "month": 1}


def due(shop: Shop, model: str, cutoff: int) -> Sequence[int]:
    """Periods after the last one judged; from the first promotion on where none was.

    Periods without forecasts stay due until a later one is judged.
    """
    until = judged_until(shop, model)
    if until is not None:
        return range(until + 1, cutoff + 1)
    versions = shop.ledger.versions(model)
    if not versions or shop.ledger.deployment(model) is None:
        return ()
    first = min(shop.frequency.index_of(version.cutoff) for version in versions) + 1
    return range(first, cutoff + 1)


def awaited(shop: Shop, period: int) -> Finding | None:
    """Why a period is not judged yet, where much fewer rows of sales have come than usual; ``None`` where it is due.

    Usual is the median of the same weekday (of hours: the same hour of the week) in the four weeks before, of weeks
    and months that of the four before. It waits so many days after its end as the settings say, and is judged then as
    it is.
    """
    over = end_of(period, shop.frequency) + timedelta(days=shop.config.monitor.wait_days)
    if shop.clock.now() >= over:
        return None
    step = _SEASON[shop.frequency.unit]
    rows = shop.known.rows(period - _SEASONS * step, period)
    usual, here = float(np.median(rows[:-1:step])), int(rows[-1])
    if here >= ENOUGH * usual:
        return None
    day = shop.day(period)
    return Finding(
        check="freshness",
        subject="actuals",
        at=day,
        value=None,
        benchmark=None,
        n=here,
        since=day,
        severity="warning",
        why=f"{here:,} rows of sales of {day} have come where {usual:,.0f} are usual. It is judged once the rest is "
        f"there, at {over:%Y-%m-%d %H:%M} UTC at the latest.",
    )


def unforecast(shop: Shop, model: str, periods: Sequence[int], *, final: bool) -> Finding:
    """That nothing had been forecast of periods that came true; ``final`` where a later one is judged now."""
    first, last, unit = shop.day(periods[0]), shop.day(periods[-1]), shop.frequency.unit
    of = f"{first}" if len(periods) == 1 else f"{len(periods)} {unit}s from {first} to {last}"
    then = (
        "It is passed over: forecasts of it that are registered from now on are not judged, for evidence goes forward "
        f"only. How good they were: finalmile why --model {model} --since {first} --until {last}"
        if final
        else "It is judged once there are forecasts of it, unless a later one is judged first."
    )
    return Finding(
        check="freshness",
        subject="forecasts",
        at=last,
        value=None,
        benchmark=None,
        n=len(periods),
        since=first,
        severity="warning" if final else "info",
        why=f"There is no forecast of {of}. {then}",
    )
