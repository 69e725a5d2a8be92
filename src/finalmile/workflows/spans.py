"""Spans that can be replayed."""

from __future__ import annotations

from datetime import date

from finalmile.errors import MissingInputError
from finalmile.workflows.past_known import PastKnown
from finalmile.workflows.shop import Shop


def check_start(shop: Shop, past: PastKnown, *, start: date, end: date) -> None:
    """Complain of a start too early for the first version to be judged before it, with the earliest that works.

    The first version of a replay is judged on the days of ``certify.holdout_days`` before the start, and learns from
    what was sold before those.

    Raises
    ------
    MissingInputError
        With the earliest start, or, where the sales are too short for any, how many more days there have to be.
    """
    held = shop.periods(shop.config.certify.holdout_days)
    earliest = past.whole.first + held + 1
    if past.frequency.index_of(start) >= earliest:
        return
    first, last = shop.day(past.whole.first), past.whole.cutoff
    why = (
        f"a replay from {start} starts too early: sales begin on {first}, and its first version is judged on the "
        f"{held} periods before the start (certify.holdout_days). "
    )
    if earliest > last:
        raise MissingInputError(f"{why}Sales end before any start would work; ingest {earliest - last} periods more")
    day = shop.day(earliest)
    until = day if past.frequency.index_of(end) < earliest else end
    raise MissingInputError(f"{why}The earliest start that works is {day}: finalmile replay {day} {until}")
