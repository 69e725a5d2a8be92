"""When to order and how much, where demand of the coming periods is known and swings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finalmile.inventory.costs_given import not_negative
from finalmile.simulation import UnitsArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LotSchedule:
    """What to order at the start of each period, and what ordering and holding cost in all."""

    order_quantities: tuple[float, ...]
    cost: float


def wagner_whitin(demand: Sequence[float], *, fixed_cost: float, holding_cost: float) -> LotSchedule:
    r"""The cheapest schedule: dynamic programming over the periods in which to order.

    .. math:: \theta_t = \min_{t < u \le T + 1} K + h \sum_{i=t}^{u-1} (i - t) d_i + \theta_u

    Demand must be met on time and nothing is random, so hold safety stock beside it. Work grows with the square of
    the number of periods. No order is placed for periods without demand; of equally cheap schedules, the one that
    orders for fewer periods at a time.

    Parameters
    ----------
    demand
        Units of each period, 0 or more.
    fixed_cost
        Money per order.
    holding_cost
        Money per unit carried from a period to the next.

    References
    ----------
    Wagner and Whitin (1958), Dynamic version of the economic lot size model. Management Science 5(1).

    Examples
    --------
    >>> wagner_whitin([90, 120, 80, 70], fixed_cost=500, holding_cost=2)
    LotSchedule(order_quantities=(210.0, 0.0, 150.0, 0.0), cost=1380.0)
    """
    _checked(demand, fixed_cost, holding_cost)
    length = len(demand)
    least, until = [0.0] * (length + 1), list(range(1, length + 2))
    for t in range(length - 1, -1, -1):
        if demand[t] == 0:
            least[t] = least[t + 1]
            continue
        least[t] = math.inf
        held = 0.0
        for u in range(t + 1, length + 1):
            held += holding_cost * (u - 1 - t) * demand[u - 1]
            if fixed_cost + held >= least[t]:
                break
            if fixed_cost + held + least[u] < least[t]:
                least[t], until[t] = fixed_cost + held + least[u], u
    return _schedule(demand, until, fixed_cost, holding_cost)


def silver_meal(demand: Sequence[float], *, fixed_cost: float, holding_cost: float) -> LotSchedule:
    """Order for as many periods as make the mean cost per period fall; stop at its first rise.

    Needs only the next few periods, so a forecast that changes further out changes nothing now. Not always the
    cheapest, and weak where many periods have no demand; parameters as :func:`wagner_whitin`.

    References
    ----------
    Silver and Meal (1973), A heuristic for selecting lot size quantities. Production and Inventory Management 14.

    Examples
    --------
    Two periods cost (10 + 5) / 2 each, three (10 + 5 + 20) / 3.

    >>> silver_meal([5, 5, 10], fixed_cost=10, holding_cost=1)
    LotSchedule(order_quantities=(10.0, 0.0, 10.0), cost=25.0)
    """
    _checked(demand, fixed_cost, holding_cost)
    until, t = list(range(1, len(demand) + 2)), 0
    while t < len(demand):
        if demand[t]:
            until[t] = _while_falling(demand, t, fixed_cost, holding_cost)
        t = until[t]
    return _schedule(demand, until, fixed_cost, holding_cost)


def carried(ahead: UnitsArray) -> UnitsArray:
    """Units times periods carried where an order covers 0, 1, 2, ... periods more, for many items.

    Parameters
    ----------
    ahead : array of shape (n, c)
        Units of each period after the one that is ordered for in any case.

    Returns
    -------
    array of shape (n, c + 1)

    Examples
    --------
    >>> carried(np.array([[5.0, 10.0]]))
    array([[ 0.,  5., 25.]])
    """
    count: int = ahead.shape[1]
    units: UnitsArray = np.zeros((len(ahead), count + 1), dtype=np.float64)
    np.cumsum(ahead * np.arange(1.0, count + 1.0), axis=1, out=units[:, 1:])
    return units


def mean_costs(ahead: UnitsArray, *, fixed_cost: UnitsArray, holding_cost: UnitsArray) -> UnitsArray:
    """Mean cost of a period where an order now covers 0, 1, 2, ... periods more, up to its first rise, for many items.

    What :func:`silver_meal` weighs at its first order; the least is its choice, of several alike the last.

    Parameters
    ----------
    ahead : array of shape (n, c)
        As in :func:`carried`.
    fixed_cost, holding_cost : arrays of shape (n,)
        Money per order, and per unit carried from a period to the next.

    Returns
    -------
    array of shape (n, c + 1)
        NaN behind the first rise.

    Examples
    --------
    >>> mean_costs(np.array([[5.0, 10.0, 1.0]]), fixed_cost=np.array([10.0]), holding_cost=np.array([1.0])).round(2)
    array([[10.  ,  7.5 , 11.67,   nan]])
    """
    count: int = ahead.shape[1]
    mean = (fixed_cost[:, None] + holding_cost[:, None] * carried(ahead)) / np.arange(1.0, count + 2.0)
    rose: UnitsArray = np.cumsum(mean[:, 1:] > mean[:, :-1], axis=1, dtype=np.float64)
    mean[:, 2:][rose[:, :-1] > 0] = np.nan
    return mean


def costs_of_rest(ahead: UnitsArray, *, fixed_cost: UnitsArray, holding_cost: UnitsArray) -> UnitsArray:
    """Least cost of the periods that an order now leaves, where it covers 0, 1, 2, ... periods more, for many items.

    What :func:`wagner_whitin` finds for each end of a row, (n, c + 1); parameters as in :func:`mean_costs`. The least
    of fixed cost, holding cost of what is :func:`carried`, and this, is the cost of its schedule.

    Examples
    --------
    Five are needed a period from now and ten after that: two more orders, one for the ten, or none.

    >>> costs_of_rest(np.array([[5.0, 10.0]]), fixed_cost=np.array([10.0]), holding_cost=np.array([1.0]))
    array([[20., 10.,  0.]])
    """
    count: int = ahead.shape[1]
    rest: UnitsArray = np.zeros((len(ahead), count + 1), dtype=np.float64)
    for start in range(count - 1, -1, -1):
        held = holding_cost[:, None] * carried(ahead[:, start + 1 :])
        paid = fixed_cost + (held + rest[:, start + 1 :]).min(axis=1)
        rest[:, start] = np.where(ahead[:, start] > 0, paid, rest[:, start + 1])
    return rest


def _while_falling(demand: Sequence[float], t: int, fixed_cost: float, holding_cost: float) -> int:
    total = mean = fixed_cost
    for u in range(t + 1, len(demand)):
        total += holding_cost * (u - t) * demand[u]
        if total / (u + 1 - t) > mean:
            return u
        mean = total / (u + 1 - t)
    return len(demand)


def _schedule(demand: Sequence[float], until: Sequence[int], fixed_cost: float, holding_cost: float) -> LotSchedule:
    """Order at ``t`` for the periods before ``until[t]``; nothing where they want nothing."""
    quantities, cost, t = [0.0] * len(demand), 0.0, 0
    while t < len(demand):
        end = until[t]
        quantities[t] = float(sum(demand[t:end]))
        kept = math.fsum((i - t) * demand[i] for i in range(t, end))
        cost += (fixed_cost if quantities[t] else 0.0) + holding_cost * kept
        t = end
    return LotSchedule(order_quantities=tuple(quantities), cost=cost)


def _checked(demand: Sequence[float], fixed_cost: float, holding_cost: float) -> None:
    not_negative(fixed_cost=fixed_cost, holding_cost=holding_cost)
    not_negative(**{f"demand of period {t + 1}": units for t, units in enumerate(demand)})
