"""How suppliers deliver: lead times, on time, in full, learned from what came and from what is still awaited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt

import numpy as np

from finalmile.frames import BoolArray
from finalmile.records import Estimate
from finalmile.simulation import UnitsArray

LEVELS = (0.5, 0.9, 0.98)
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How one order line was delivered, as far as it is known.

    Parameters
    ----------
    ordered_at, due
        Days; ``due`` is ``None`` where nothing was promised.
    arrived
        Day on which its last units came; ``None`` while some are awaited.
    seen_until
        Last day of which anything is known.
    ordered, received
        Units; ``ordered`` is ``None`` where nobody told it.
    closed
        No more will come.
    """

    supplier: str
    ordered_at: date
    due: date | None
    arrived: date | None
    seen_until: date
    ordered: float | None
    received: float
    closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """What is known of a supplier.

    Parameters
    ----------
    n, awaited
        Lines that arrived, and lines that did not yet.
    lead_time_days
        Quantiles in days by level, with awaited lines counted as longer than they wait already; ``None`` where the
        level lies beyond all that arrived.
    mean_days
        Mean of the lines that arrived; too short where many are awaited.
    on_time, in_full
        Shares in [0, 1] with Wilson intervals, of the lines for which it is decided.
    """

    supplier: str
    n: int
    awaited: int
    lead_time_days: Mapping[float, float | None]
    mean_days: float | None
    on_time: Estimate
    in_full: Estimate


def lead_time_samples(deliveries: Sequence[Delivery]) -> dict[str, UnitsArray]:
    """Days from order to arrival of every line that arrived, by supplier, shortest first.

    Suppliers of whom nothing arrived are left out; so are arrivals before the order, which are slips of the pen.

    Examples
    --------
    >>> line = Delivery(supplier="Acme", ordered_at=date(2024, 5, 1), due=None, arrived=date(2024, 5, 8),
    ...                 seen_until=date(2024, 6, 1), ordered=5, received=5)
    >>> lead_time_samples([line])
    {'Acme': array([7.])}
    """
    days: dict[str, list[float]] = {}
    for one in deliveries:
        if one.arrived is not None and one.arrived >= one.ordered_at:
            days.setdefault(one.supplier, []).append(float((one.arrived - one.ordered_at).days))
    return {supplier: np.sort(np.array(days[supplier])) for supplier in sorted(days)}


def scorecards(deliveries: Sequence[Delivery]) -> list[Scorecard]:
    """One card per supplier, by name; an empty list where nothing was ordered."""
    mine: dict[str, list[Delivery]] = {}
    for one in deliveries:
        mine.setdefault(one.supplier, []).append(one)
    return [_card(supplier, mine[supplier]) for supplier in sorted(mine)]


def censored_quantile(days: UnitsArray, awaited: BoolArray, *, level: float) -> float | None:
    r"""Quantile of lead time by Kaplan and Meier, where some lines are still awaited.

    .. math:: \hat S(t) = \prod_{t_i \le t} (1 - d_i / n_i), \qquad \min\{t : 1 - \hat S(t) \ge \text{level}\}

    Leaving awaited lines out would make a supplier look faster the more it owes.

    Parameters
    ----------
    days : array of shape (n,)
        Days to arrival, or days waited so far.
    awaited : array of shape (n,), bool
        True where the line did not arrive yet.

    Returns
    -------
    float or None
        ``None`` where too little arrived to tell, and for no lines.

    References
    ----------
    Kaplan and Meier (1958), *Nonparametric estimation from incomplete observations*, JASA 53.

    Examples
    --------
    Two of four arrived, after 3 and 5 days, and two wait for 4 and 9: S is 3/4 after 3 days, 3/8 after 5.

    >>> days, awaited = np.array([3.0, 5.0, 4.0, 9.0]), np.array([False, False, True, True])
    >>> censored_quantile(days, awaited, level=0.5), censored_quantile(days, awaited, level=0.9)
    (5.0, None)
    """
    left = 1.0
    for day in np.unique(days[~awaited]):
        at_risk, came = int((days >= day).sum()), int(((days == day) & ~awaited).sum())
        left *= 1.0 - came / at_risk
        if 1.0 - left >= level - 1e-12:
            return float(day)
    return None


def share(hits: int, n: int) -> Estimate:
    """Share with the interval of Wilson (1927) at 95 %; no value of nothing.

    Examples
    --------
    >>> round(share(9, 10).low, 3), round(share(9, 10).high, 3)
    (0.596, 0.982)
    """
    if n == 0:
        return Estimate(value=None, why="no line of which it is decided yet")
    p, z2 = hits / n, _Z95**2
    centre, wide = p + z2 / (2 * n), _Z95 * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    low, high = (centre - wide) / (1 + z2 / n), (centre + wide) / (1 + z2 / n)
    return Estimate(value=p, low=max(low, 0.0), high=min(high, 1.0), n_blocks=n)


def on_time(one: Delivery) -> bool | None:
    """Whether all of a line came by its day; ``None`` where nothing was promised or the day is not over."""
    if one.due is None:
        return None
    if one.arrived is not None:
        return one.arrived <= one.due
    return False if one.seen_until > one.due else None


def in_full(one: Delivery) -> bool | None:
    """Whether as many units came as were ordered; ``None`` while more may come, or where nobody told how many."""
    if one.ordered is None:
        return None
    if one.received >= one.ordered:
        return True
    return False if one.closed else None


def _card(supplier: str, lines: Sequence[Delivery]) -> Scorecard:
    usable = [one for one in lines if (one.arrived or one.seen_until) >= one.ordered_at]
    open_or_came = [one for one in usable if one.arrived is not None or not one.closed]
    days = np.array([float(((one.arrived or one.seen_until) - one.ordered_at).days) for one in open_or_came])
    awaited = np.array([one.arrived is None for one in open_or_came], dtype=np.bool_)
    came = days[~awaited]
    return Scorecard(
        supplier=supplier,
        n=len(came),
        awaited=int(awaited.sum()),
        lead_time_days={level: censored_quantile(days, awaited, level=level) for level in LEVELS},
        mean_days=float(came.mean()) if len(came) else None,
        on_time=_share([on_time(one) for one in usable]),
        in_full=_share([in_full(one) for one in usable]),
    )


def _share(judged: Sequence[bool | None]) -> Estimate:
    decided = [one for one in judged if one is not None]
    return share(sum(decided), len(decided))
