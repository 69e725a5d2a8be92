"""How much to order where the supplier's price falls with the quantity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from finalmile.inventory.costs_given import not_negative, positive


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscountedLot:
    """An order quantity, the price region it is in (from 0), and ordering, holding and purchase cost per time."""

    order_quantity: float
    region: int
    cost_rate: float


def all_units_discount(
    breakpoints: Sequence[float],
    unit_costs: Sequence[float],
    *,
    fixed_cost: float,
    holding_cost_rate: float,
    demand_rate: float,
) -> DiscountedLot:
    r"""Cheapest quantity where reaching a break point makes *every* unit cheaper.

    .. math:: C(Q) = c_j d + K d / Q + i c_j Q / 2 \quad \text{for } b_j \le Q < b_{j+1}

    In each region the economic quantity is moved to the region's bounds; the cheapest of them is the answer.

    Parameters
    ----------
    breakpoints
        Quantity from which each price holds: 0 first, rising.
    unit_costs
        Price of a unit in each region.
    fixed_cost
        Money per order.
    holding_cost_rate
        Cost of holding one unit of money for a unit of time, for example 0.2 a year.
    demand_rate
        Units per the same unit of time, above 0.

    References
    ----------
    Snyder and Shen (2019), *Fundamentals of Supply Chain Theory*, section 3.4.

    Examples
    --------
    >>> all_units_discount([0, 200, 500], [500, 475, 450], fixed_cost=200, holding_cost_rate=0.2, demand_rate=1000)
    DiscountedLot(order_quantity=500.0, region=2, cost_rate=472900.0)
    """
    _prices(breakpoints, unit_costs)
    positive(holding_cost_rate=holding_cost_rate, demand_rate=demand_rate, fixed_cost=fixed_cost)
    ends = [*breakpoints[1:], math.inf]

    def lot(region: int) -> DiscountedLot:
        price = unit_costs[region]
        free = math.sqrt(2 * fixed_cost * demand_rate / (holding_cost_rate * price))
        quantity = float(min(max(free, breakpoints[region]), ends[region]))
        told = price * demand_rate + fixed_cost * demand_rate / quantity + holding_cost_rate * price * quantity / 2
        return DiscountedLot(order_quantity=quantity, region=region, cost_rate=told)

    return min((lot(j) for j in range(len(unit_costs)) if _inside(lot(j), ends[j])), key=lambda one: one.cost_rate)


def incremental_discount(
    breakpoints: Sequence[float],
    unit_costs: Sequence[float],
    *,
    fixed_cost: float,
    holding_cost_rate: float,
    demand_rate: float,
) -> DiscountedLot:
    r"""Cheapest quantity where only the units *beyond* a break point are cheaper.

    .. math:: F_j = \sum_{i \le j} b_i (c_{i-1} - c_i), \quad
        Q_j = \sqrt{\frac{2 (K + F_j) d}{i c_j}}, \quad
        C(Q) = c_j d + \frac{i F_j}{2} + \frac{(K + F_j) d}{Q} + \frac{i c_j Q}{2}

    Of the quantities that lie in their own region, the cheapest; parameters as :func:`all_units_discount`.

    References
    ----------
    Snyder and Shen (2019), *Fundamentals of Supply Chain Theory*, section 3.4.

    Examples
    --------
    >>> told = incremental_discount([0, 300, 600], [100, 90, 80], fixed_cost=150, holding_cost_rate=0.25,
    ...                             demand_rate=2400)
    >>> round(told.order_quantity, 2), told.region
    (1481.89, 2)
    """
    _prices(breakpoints, unit_costs)
    positive(holding_cost_rate=holding_cost_rate, demand_rate=demand_rate, fixed_cost=fixed_cost)
    ends, paid = [*breakpoints[1:], math.inf], 0.0
    found: list[DiscountedLot] = []
    for j, price in enumerate(unit_costs):
        paid += breakpoints[j] * (unit_costs[j - 1] - price) if j else 0.0
        each = (fixed_cost + paid) * demand_rate
        quantity = math.sqrt(2 * each / (holding_cost_rate * price))
        if breakpoints[j] <= quantity <= ends[j]:
            running = price * demand_rate + holding_cost_rate * paid / 2
            cost = running + each / quantity + holding_cost_rate * price * quantity / 2
            found.append(DiscountedLot(order_quantity=quantity, region=j, cost_rate=cost))
    return min(found, key=lambda one: one.cost_rate)


def _inside(lot: DiscountedLot, end: float) -> bool:
    return lot.order_quantity < end


def _prices(breakpoints: Sequence[float], unit_costs: Sequence[float]) -> None:
    if len(breakpoints) != len(unit_costs) or not breakpoints:
        raise ValueError(f"{len(breakpoints)} break points and {len(unit_costs)} prices; each region needs one of both")
    if breakpoints[0] != 0 or any(later <= sooner for sooner, later in pairwise(breakpoints)):
        raise ValueError(f"break points are {list(breakpoints)}; they must start at 0 and rise")
    if any(later > sooner for sooner, later in pairwise(unit_costs)):
        raise ValueError(f"prices are {list(unit_costs)}; with the quantity they must fall or stay")
    not_negative(**{f"break point {one:g}": one for one in breakpoints})
    positive(**{f"price {one:g}": one for one in unit_costs})
