"""How much to order, and to hold, where the supplier fails for a while now and then."""

from __future__ import annotations

import math
from collections.abc import Callable

from finalmile.inventory.costs_given import not_negative, positive
from finalmile.inventory.eoq import Lot
from finalmile.inventory.newsvendor import BaseStock, critical_ratio


def quantity_with_disruptions_cost(
    quantity: float,
    *,
    fixed_cost: float,
    holding_cost: float,
    stockout_cost: float,
    demand_rate: float,
    disruption_rate: float,
    recovery_rate: float,
) -> float:
    r"""Cost per unit of time of ordering ``quantity`` whenever the shelf is empty and the supplier works.

    .. math:: C(Q) = \frac{K + h Q^2 / (2 d) + p d \psi / \mu}{Q / d + \psi / \mu}, \qquad
        \psi = \frac{\lambda}{\lambda + \mu} \left(1 - e^{-(\lambda + \mu) Q / d}\right)

    Times until a disruption and until it ends are exponential with rates :math:`\lambda` and :math:`\mu`; what is asked
    for with an empty shelf is lost at :math:`p` a unit. Parameters as :func:`quantity_with_disruptions`.

    References
    ----------
    Parlar and Berkin (1991), Future supply uncertainty in EOQ models. Naval Research Logistics 38; corrected by Berk
    and Arreola-Risa (1994), Note on "Future supply uncertainty in EOQ models". Naval Research Logistics 41.

    Examples
    --------
    A supplier that hardly ever fails: the plain cost of 8 orders of 500, 77.05.

    >>> round(quantity_with_disruptions_cost(500.0, fixed_cost=8.0, holding_cost=0.225, stockout_cost=5.0,
    ...     demand_rate=1300.0, disruption_rate=1e-9, recovery_rate=12.0), 2)
    77.05
    """
    positive(quantity=quantity, demand_rate=demand_rate, disruption_rate=disruption_rate, recovery_rate=recovery_rate)
    not_negative(fixed_cost=fixed_cost, holding_cost=holding_cost, stockout_cost=stockout_cost)
    both = disruption_rate + recovery_rate
    down = disruption_rate / both * -math.expm1(-both * quantity / demand_rate) / recovery_rate
    paid = fixed_cost + holding_cost * quantity**2 / (2 * demand_rate) + stockout_cost * demand_rate * down
    return paid / (quantity / demand_rate + down)


def quantity_with_disruptions(
    *,
    fixed_cost: float,
    holding_cost: float,
    stockout_cost: float,
    demand_rate: float,
    disruption_rate: float,
    recovery_rate: float,
    approximate: bool = False,
) -> Lot:
    r"""The economic quantity from a supplier that fails now and then: larger, as an order also bridges failures.

    Parameters
    ----------
    fixed_cost
        Money per order.
    holding_cost
        Money per unit and unit of time.
    stockout_cost
        Money per unit of demand that is lost.
    demand_rate
        Units per unit of time.
    disruption_rate, recovery_rate
        One over the mean time that the supplier works, and that it does not.
    approximate
        Take a cycle for long enough for the supplier to forget how it began; the closed form then is

        .. math:: Q = \frac{\sqrt{(\psi d h)^2 + 2 h \mu (K d \mu + d^2 p \psi)} - \psi d h}{h \mu}, \qquad
            \psi = \frac{\lambda}{\lambda + \mu}

        and the cost is told as :math:`h Q`.

    References
    ----------
    Snyder (2014), A tight approximation for an EOQ model with supply disruptions. International Journal of
    Production Economics 155.

    Examples
    --------
    >>> told = quantity_with_disruptions(fixed_cost=8.0, holding_cost=0.225, stockout_cost=5.0, demand_rate=1300.0,
    ...     disruption_rate=1.5, recovery_rate=14.0)
    >>> round(told.order_quantity, 1), round(told.cost_rate, 2)
    (772.8, 173.95)
    """
    positive(fixed_cost=fixed_cost, holding_cost=holding_cost, stockout_cost=stockout_cost, demand_rate=demand_rate)
    positive(disruption_rate=disruption_rate, recovery_rate=recovery_rate)

    def cost(quantity: float) -> float:
        return quantity_with_disruptions_cost(
            quantity, fixed_cost=fixed_cost, holding_cost=holding_cost, stockout_cost=stockout_cost,
            demand_rate=demand_rate, disruption_rate=disruption_rate, recovery_rate=recovery_rate,
        )  # fmt: skip

    down = disruption_rate / (disruption_rate + recovery_rate) * demand_rate * holding_cost
    ordering = fixed_cost * demand_rate * recovery_rate + demand_rate * stockout_cost * down / holding_cost
    root = math.sqrt(down**2 + 2 * holding_cost * recovery_rate * ordering)
    quantity = (root - down) / (holding_cost * recovery_rate)
    if approximate:
        return Lot(order_quantity=quantity, cost_rate=holding_cost * quantity)
    best = _lowest(cost, high=4 * quantity)
    return Lot(order_quantity=best, cost_rate=cost(best))


def _lowest(cost: Callable[[float], float], *, high: float) -> float:
    """Where a cost that falls and then rises is least, between 0 and ``high``: by golden sections."""
    low, golden = 0.0, (math.sqrt(5) - 1) / 2
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = cost(left), cost(right)
    while high - low > 1e-9 * high:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = cost(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = cost(right)
    return (low + high) / 2


def base_stock_with_disruptions(
    demand: float, *, holding_cost: float, stockout_cost: float, disruption_prob: float, recovery_prob: float
) -> BaseStock:
    r"""Stock for a whole number of periods of steady demand, so that a failure of the supplier is bridged.

    .. math:: S^* = d (1 + n^*), \qquad n^* = \min\{n: F(n) \ge p / (p + h)\}, \qquad
        F(n) = 1 - \frac{\alpha}{\alpha + \beta} (1 - \beta)^n

    where :math:`F(n)` is the share of periods at which the supplier has failed for at most ``n`` in a row.

    Parameters
    ----------
    demand
        Units of every period.
    holding_cost, stockout_cost
        Money per unit at the end of a period: on hand, and backordered.
    disruption_prob, recovery_prob
        Chance, from one period to the next, that a supplier who works fails, and that one who failed works again.

    References
    ----------
    Tomlin (2006), On the value of mitigation and contingency strategies for managing supply chain disruption risks.
    Management Science 52(5).

    Examples
    --------
    >>> told = base_stock_with_disruptions(2000.0, holding_cost=0.25, stockout_cost=3.0, disruption_prob=0.04,
    ...     recovery_prob=0.25)
    >>> told.base_stock_level, round(told.cost, 2)
    (8000.0, 2737.07)
    """
    not_negative(demand=demand)
    ratio = critical_ratio(holding_cost=holding_cost, stockout_cost=stockout_cost)
    failed = _share_failed(disruption_prob, recovery_prob)
    periods = 0
    while 1 - failed * (1 - recovery_prob) ** periods < ratio - 1e-12:
        periods += 1
    cost = base_stock_with_disruptions_cost(
        demand * (1 + periods), demand, holding_cost=holding_cost, stockout_cost=stockout_cost,
        disruption_prob=disruption_prob, recovery_prob=recovery_prob,
    )  # fmt: skip
    return BaseStock(base_stock_level=demand * (1 + periods), cost=cost)


def base_stock_with_disruptions_cost(
    level: float,
    demand: float,
    *,
    holding_cost: float,
    stockout_cost: float,
    disruption_prob: float,
    recovery_prob: float,
) -> float:
    r"""Cost per period of a stock of ``level``; the rest as :func:`base_stock_with_disruptions`.

    .. math:: g(S) = \sum_{n \ge 0} \pi_n \left(h [S - (n + 1) d]^+ + p [(n + 1) d - S]^+\right), \quad
        \pi_0 = \frac{\beta}{\alpha + \beta}, \quad
        \pi_n = \frac{\alpha \beta}{\alpha + \beta} (1 - \beta)^{n - 1}

    summed in closed form from the first period in which all is short.

    Examples
    --------
    A supplier that works every other period: one unit is left, then one is short.

    >>> base_stock_with_disruptions_cost(3.0, 2.0, holding_cost=1.0, stockout_cost=1.0, disruption_prob=1.0,
    ...     recovery_prob=1.0)
    1.0
    """
    not_negative(level=level, demand=demand, holding_cost=holding_cost, stockout_cost=stockout_cost)
    failed = _share_failed(disruption_prob, recovery_prob)
    if not demand:
        return holding_cost * level
    last = math.floor(level / demand)  # the first whole number of periods without supply after which all is short
    chances = [1 - failed, *(failed * recovery_prob * (1 - recovery_prob) ** (n - 1) for n in range(1, last + 1))]
    told = 0.0
    for n, chance in enumerate(chances):
        left = level - (n + 1) * demand
        told += chance * (holding_cost * max(left, 0.0) + stockout_cost * max(-left, 0.0))
    tail = failed * (1 - recovery_prob) ** last
    beyond = (last + 2) * demand - level + demand * (1 - recovery_prob) / recovery_prob
    return told + stockout_cost * tail * beyond


def _share_failed(disruption_prob: float, recovery_prob: float) -> float:
    for name, value in (("disruption_prob", disruption_prob), ("recovery_prob", recovery_prob)):
        if not 0 < value <= 1:
            raise ValueError(f"{name} is {value}; it must be above 0 and at most 1")
    return disruption_prob / (disruption_prob + recovery_prob)
