"""The approximations of textbooks to (r, Q), for normal demand."""

from __future__ import annotations

import math
from collections.abc import Callable

from finalmile.inventory.costs_given import positive
from finalmile.inventory.distributions import Normal
from finalmile.inventory.eoq import economic_order_quantity, quantity_with_backorders
from finalmile.inventory.newsvendor import critical_ratio
from finalmile.inventory.reorder_quantity.cost import (
    Costs,
    ReorderQuantity,
    best_reorder_point,
    expected_cost,
    first_from,
)


def _told(demand: Normal, point: float, quantity: float, *, demand_rate: float, costs: Costs) -> ReorderQuantity:
    cost = expected_cost(demand, point, order_quantity=quantity, demand_rate=demand_rate, costs=costs)
    return ReorderQuantity(reorder_point=point, order_quantity=quantity, cost_rate=cost)


def eoq_with_safety_stock(lead_time_demand: Normal, *, demand_rate: float, costs: Costs) -> ReorderQuantity:
    """The economic quantity, and a reorder point at the critical ratio: simple, and holds too much.

    Each of its two halves ignores the other: a large quantity already protects most of a cycle.
    """
    positive(demand_rate=demand_rate, fixed_cost=costs.fixed_cost)
    lot = economic_order_quantity(fixed_cost=costs.fixed_cost, holding_cost=costs.holding_cost, demand_rate=demand_rate)
    ratio = critical_ratio(holding_cost=costs.holding_cost, stockout_cost=costs.stockout_cost)
    point = lead_time_demand.quantile(ratio)
    return _told(lead_time_demand, point, lot.order_quantity, demand_rate=demand_rate, costs=costs)


def eoq_with_backorders(lead_time_demand: Normal, *, demand_rate: float, costs: Costs) -> ReorderQuantity:
    """The economic quantity with backorders, and the cheapest reorder point for it: at most 1/8 above the best.

    References
    ----------
    Zheng (1992), On properties of stochastic inventory systems. Management Science 38(1).
    """
    positive(demand_rate=demand_rate, fixed_cost=costs.fixed_cost)
    lot = quantity_with_backorders(
        fixed_cost=costs.fixed_cost,
        holding_cost=costs.holding_cost,
        stockout_cost=costs.stockout_cost,
        demand_rate=demand_rate,
    )
    point = best_reorder_point(lead_time_demand, order_quantity=lot.order_quantity, costs=costs)
    return _told(lead_time_demand, point, lot.order_quantity, demand_rate=demand_rate, costs=costs)


def loss_function(lead_time_demand: Normal, *, demand_rate: float, costs: Costs) -> ReorderQuantity:
    r"""Quantity and point in turn, from the loss and the second loss, until neither moves.

    .. math:: n(r) = \frac{h Q}{h + p}, \qquad Q = \sqrt{\frac{2 (K d + (h + p)\, n_2(r))}{h}}

    Good where a cycle ends with little stock, as it leaves out the losses at ``r + Q``.

    References
    ----------
    Snyder and Shen (2019), *Fundamentals of Supply Chain Theory*, section 5.1.
    """
    positive(demand_rate=demand_rate, fixed_cost=costs.fixed_cost)
    both, ordering = costs.holding_cost + costs.stockout_cost, costs.fixed_cost * demand_rate

    def point(quantity: float) -> float:
        target = costs.holding_cost * quantity / both
        return _where_loss_is(lead_time_demand, target)

    def quantity(at: float) -> float:
        return math.sqrt(2 * (ordering + both * lead_time_demand.second_loss(at)) / costs.holding_cost)

    best = _settled(lambda last: quantity(point(last)), start=math.sqrt(2 * ordering / costs.holding_cost))
    return _told(lead_time_demand, point(best), best, demand_rate=demand_rate, costs=costs)


def hadley_whitin(lead_time_demand: Normal, *, demand_rate: float, costs: Costs) -> ReorderQuantity:
    r"""Quantity and point in turn where a unit short costs money *once*, however long it waits.

    .. math:: Q = \sqrt{\frac{2 d (K + p\, n(r))}{h}}, \qquad 1 - F(r) = \frac{Q h}{p d}, \qquad
        C = h \left(r - \mu_L + \frac{Q}{2}\right) + \frac{K d}{Q} + \frac{p\, d\, n(r)}{Q}

    ``costs.stockout_cost`` is per unit here, not per unit and time.

    Raises
    ------
    ValueError
        If a shortage is so cheap that it would pay to be always out of stock.

    References
    ----------
    Hadley and Whitin (1963), *Analysis of Inventory Systems*, section 4.2; Nahmias, *Production and Operations
    Analysis*, chapter 5.
    """
    positive(demand_rate=demand_rate, fixed_cost=costs.fixed_cost)
    hold, short = costs.holding_cost, costs.stockout_cost

    def point(quantity: float) -> float:
        tail = quantity * hold / (short * demand_rate)
        if tail >= 1:
            raise ValueError(
                f"stockout_cost is {short:g} per unit: with orders of {quantity:.6g} it would pay to be always out of "
                f"stock. It must be above {quantity * hold / demand_rate:.6g}"
            )
        return lead_time_demand.quantile(1 - tail)

    def quantity(at: float) -> float:
        return math.sqrt(2 * demand_rate * (costs.fixed_cost + short * lead_time_demand.loss(at)) / hold)

    best = _settled(lambda last: quantity(point(last)), start=math.sqrt(2 * demand_rate * costs.fixed_cost / hold))
    at = point(best)
    kept = hold * (at - lead_time_demand.mean + best / 2)
    paid = (costs.fixed_cost + short * lead_time_demand.loss(at)) * demand_rate / best
    return ReorderQuantity(reorder_point=at, order_quantity=best, cost_rate=kept + paid)


def _settled(step: Callable[[float], float], *, start: float) -> float:
    last = start
    for _ in range(10_000):
        following = step(last)
        if abs(following - last) <= 1e-12 * following:
            return following
        last = following
    return last


def _where_loss_is(demand: Normal, target: float) -> float:
    """The level at which so many units are short; the loss falls with the level."""
    low, high = demand.mean - target - 1, demand.mean + 40 * demand.sd
    return first_from(lambda at: demand.loss(at) <= target, low=low, high=high, step=0.0)
