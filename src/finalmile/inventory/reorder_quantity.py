"""Reorder point and order quantity, (r, Q): exact for whole units, and the textbooks' approximations."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from finalmile.inventory.costs_given import not_negative, positive
from finalmile.inventory.distributions import Distribution, Normal
from finalmile.inventory.eoq import economic_order_quantity, quantity_with_backorders
from finalmile.inventory.newsvendor import critical_ratio, newsvendor_cost


@dataclass(frozen=True, slots=True, kw_only=True)
class ReorderQuantity:
    """Order ``order_quantity`` when the inventory position falls to ``reorder_point``; cost per unit of time."""

    reorder_point: float
    order_quantity: float
    cost_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What ordering, holding and running short cost.

    Parameters
    ----------
    fixed_cost
        Money per order.
    holding_cost, stockout_cost
        Money per unit and unit of time: on hand, and backordered.
    """

    fixed_cost: float = 0.0
    holding_cost: float
    stockout_cost: float

    def __post_init__(self) -> None:
        not_negative(fixed_cost=self.fixed_cost)
        positive(holding_cost=self.holding_cost, stockout_cost=self.stockout_cost)

    def of_stock(self, demand: Distribution, position: float) -> float:
        """Holding and backorder cost per unit of time of an inventory position."""
        return newsvendor_cost(demand, position, holding_cost=self.holding_cost, stockout_cost=self.stockout_cost)


def expected_cost(
    lead_time_demand: Distribution, reorder_point: float, *, order_quantity: float, demand_rate: float, costs: Costs
) -> float:
    r"""Cost per unit of time of ``(r, Q)`` under continuous review with backorders.

    .. math:: C = \frac{K d + \sum_{y=r+1}^{r+Q} G(y)}{Q}, \qquad C = \frac{K d + \int_r^{r+Q} G(y)\,dy}{Q}

    The sum where demand comes in whole units, the integral where not.

    Parameters
    ----------
    lead_time_demand
        Whole units, or :class:`~finalmile.inventory.distributions.Normal`.
    reorder_point, order_quantity
        Units; whole where demand is.
    demand_rate
        Units per unit of time.

    References
    ----------
    Hadley and Whitin (1963), *Analysis of Inventory Systems*, chapter 4; Zipkin (2000), chapter 6.

    Examples
    --------
    >>> from finalmile.inventory.distributions import Poisson
    >>> costs = Costs(fixed_cost=100.0, holding_cost=20.0, stockout_cost=150.0)
    >>> round(expected_cost(Poisson(3.0), 3.0, order_quantity=5.0, demand_rate=1.5, costs=costs), 4)
    107.9236
    """
    positive(order_quantity=order_quantity)
    ordering = costs.fixed_cost * demand_rate
    if isinstance(lead_time_demand, Normal):
        return (ordering + _area(lead_time_demand, reorder_point, order_quantity, costs)) / order_quantity
    if not lead_time_demand.whole or order_quantity % 1 or reorder_point % 1:
        raise ValueError(
            f"({reorder_point:g}, {order_quantity:g}) with {type(lead_time_demand).__name__} "
            "demand has no closed cost; "
            "give whole numbers and demand in whole units, or Normal demand"
        )
    positions = range(int(reorder_point) + 1, int(reorder_point + order_quantity) + 1)
    return (ordering + math.fsum(costs.of_stock(lead_time_demand, y) for y in positions)) / order_quantity


def _area(demand: Normal, point: float, quantity: float, costs: Costs) -> float:
    """Integral of the stock cost over the positions of one cycle."""
    middle = quantity * (point + quantity / 2 - demand.mean)
    short = demand.second_loss(point) - demand.second_loss(point + quantity)
    return costs.holding_cost * middle + (costs.holding_cost + costs.stockout_cost) * short


def best_reorder_point(lead_time_demand: Distribution, *, order_quantity: float, costs: Costs) -> float:
    """The cheapest reorder point for a quantity: where stock costs as much at ``r`` as at ``r + Q``.

    Examples
    --------
    >>> from finalmile.inventory.distributions import Normal
    >>> costs = Costs(holding_cost=1.0, stockout_cost=1.0)   # even costs: the cycle lies evenly around the mean
    >>> round(best_reorder_point(Normal(100.0, 10.0), order_quantity=40.0, costs=costs), 6)
    80.0
    """
    positive(order_quantity=order_quantity)
    ratio = critical_ratio(holding_cost=costs.holding_cost, stockout_cost=costs.stockout_cost)
    least = lead_time_demand.quantile(ratio)

    def rises(point: float) -> bool:
        after = costs.of_stock(lead_time_demand, point + order_quantity + whole)
        return after >= costs.of_stock(lead_time_demand, point + whole)

    whole = 1.0 if lead_time_demand.whole else 0.0
    return _first(rises, low=least - order_quantity - 1 - whole, high=least, step=whole)


def _first(holds: Callable[[float], bool], *, low: float, high: float, step: float) -> float:
    """Smallest number from which ``holds`` is true, on the grid of ``step`` from ``high`` (any number where 0)."""
    if step:
        below, above = 0, math.ceil((high - low) / step)
        while below < above:
            steps = (below + above + 1) // 2
            below, above = (steps, above) if holds(high - steps * step) else (below, steps - 1)
        return high - below * step
    while high - low > 1e-12 * max(abs(low), abs(high), 1.0):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def exact(lead_time_demand: Distribution, *, demand_rate: float, costs: Costs) -> ReorderQuantity:
    """The cheapest ``(r, Q)`` of whole units, by Federgruen and Zheng: positions are taken in by rising cost.

    Continuous review, backorders, demand of single units. Reviews once a period and lumpy demand need
    :func:`~finalmile.inventory.min_max_levels.exact`.

    References
    ----------
    Federgruen and Zheng (1992), An efficient algorithm for computing an optimal (r, Q) policy in continuous review
    stochastic inventory systems. Operations Research 40(4).

    Examples
    --------
    >>> from finalmile.inventory.distributions import Poisson
    >>> costs = Costs(fixed_cost=100.0, holding_cost=20.0, stockout_cost=150.0)
    >>> told = exact(Poisson(3.0), demand_rate=1.5, costs=costs)
    >>> told.reorder_point, told.order_quantity
    (3.0, 5.0)
    """
    positive(demand_rate=demand_rate)
    if not lead_time_demand.whole:
        raise ValueError("exact reorder quantities need demand in whole units, for example counts(mean, variance)")
    ratio = critical_ratio(holding_cost=costs.holding_cost, stockout_cost=costs.stockout_cost)
    high = lead_time_demand.quantile(ratio)
    low, quantity = high - 1, 1
    total = costs.fixed_cost * demand_rate + costs.of_stock(lead_time_demand, high)
    while True:
        down, up = (costs.of_stock(lead_time_demand, one) for one in (low, high + 1))
        if min(down, up) >= total / quantity:
            return ReorderQuantity(reorder_point=low, order_quantity=float(quantity), cost_rate=total / quantity)
        low, high = (low - 1, high) if down <= up else (low, high + 1)
        total, quantity = total + min(down, up), quantity + 1


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
    return _first(lambda at: demand.loss(at) <= target, low=low, high=high, step=0.0)
