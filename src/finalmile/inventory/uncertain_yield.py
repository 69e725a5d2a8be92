"""How much to order where what arrives is another quantity than was ordered."""

from __future__ import annotations

import math

from finalmile.inventory.costs_given import not_negative, positive
from finalmile.inventory.distributions import Distribution, complementary_loss
from finalmile.inventory.eoq import Lot
from finalmile.inventory.newsvendor import BaseStock, critical_ratio


def quantity_with_additive_yield_cost(
    quantity: float, *, fixed_cost: float, holding_cost: float, demand_rate: float, yield_mean: float, yield_sd: float
) -> float:
    r"""Cost per unit of time where an order of ``Q`` brings ``Q + Y``.

    .. math:: C(Q) = \frac{2 K d + h \sigma_Y^2}{2 (Q + \mu_Y)} + \frac{h (Q + \mu_Y)}{2}

    Raises
    ------
    ValueError
        If nothing arrives on average: ``quantity + yield_mean`` must be above 0.

    Examples
    --------
    >>> quantity_with_additive_yield_cost(9.0, fixed_cost=8.0, holding_cost=1.0, demand_rate=4.0, yield_mean=-1.0,
    ...     yield_sd=0.0)   # 8 arrive: 4 for ordering, 4 for holding
    8.0
    """
    not_negative(fixed_cost=fixed_cost, demand_rate=demand_rate, yield_sd=yield_sd)
    arrives = quantity + yield_mean
    positive(holding_cost=holding_cost, arriving_on_average=arrives)
    return (2 * fixed_cost * demand_rate + holding_cost * yield_sd**2) / (2 * arrives) + holding_cost * arrives / 2


def quantity_with_additive_yield(
    *, fixed_cost: float, holding_cost: float, demand_rate: float, yield_mean: float, yield_sd: float
) -> Lot:
    r"""The economic quantity where every order brings ``Y`` units more (or, below 0, less) than was ordered.

    .. math:: Q^* = \sqrt{2 K d / h + \sigma_Y^2} - \mu_Y

    Parameters
    ----------
    fixed_cost, holding_cost, demand_rate
        As :func:`~finalmile.inventory.eoq.economic_order_quantity`.
    yield_mean, yield_sd
        Of ``Y``, units; it does not depend on what is ordered.

    References
    ----------
    Yano and Lee (1995), Lot sizing with random yields: a review. Operations Research 43(2).

    Examples
    --------
    >>> told = quantity_with_additive_yield(fixed_cost=8.0, holding_cost=1.0, demand_rate=4.0, yield_mean=-1.0,
    ...     yield_sd=6.0)   # sqrt(64 + 36) + 1
    >>> told.order_quantity, told.cost_rate
    (11.0, 10.0)
    """
    positive(holding_cost=holding_cost)
    not_negative(fixed_cost=fixed_cost, demand_rate=demand_rate, yield_sd=yield_sd)
    arrives = math.sqrt(2 * fixed_cost * demand_rate / holding_cost + yield_sd**2)
    return Lot(order_quantity=arrives - yield_mean, cost_rate=holding_cost * arrives)


def quantity_with_multiplicative_yield_cost(
    quantity: float, *, fixed_cost: float, holding_cost: float, demand_rate: float, yield_mean: float, yield_sd: float
) -> float:
    r"""Cost per unit of time where an order of ``Q`` brings ``Q Z``.

    .. math:: C(Q) = \frac{K d}{Q \mu_Z} + \frac{h Q (\mu_Z^2 + \sigma_Z^2)}{2 \mu_Z}

    Examples
    --------
    >>> quantity_with_multiplicative_yield_cost(16.0, fixed_cost=8.0, holding_cost=1.0, demand_rate=4.0,
    ...     yield_mean=0.5, yield_sd=0.0)   # 8 arrive
    8.0
    """
    positive(quantity=quantity, holding_cost=holding_cost, yield_mean=yield_mean)
    not_negative(fixed_cost=fixed_cost, demand_rate=demand_rate, yield_sd=yield_sd)
    spread = (yield_mean**2 + yield_sd**2) / yield_mean
    return fixed_cost * demand_rate / (quantity * yield_mean) + holding_cost * quantity * spread / 2


def quantity_with_multiplicative_yield(
    *, fixed_cost: float, holding_cost: float, demand_rate: float, yield_mean: float, yield_sd: float
) -> Lot:
    r"""The economic quantity where a share ``Z`` of what was ordered arrives in good order.

    .. math:: Q^* = \sqrt{\frac{2 K d}{h (\mu_Z^2 + \sigma_Z^2)}}

    Parameters
    ----------
    yield_mean, yield_sd
        Of the share ``Z``; the mean above 0. The rest as :func:`quantity_with_additive_yield`.

    Examples
    --------
    >>> told = quantity_with_multiplicative_yield(fixed_cost=8.0, holding_cost=1.0, demand_rate=4.0, yield_mean=0.8,
    ...     yield_sd=0.6)
    >>> round(told.order_quantity, 6), round(told.cost_rate, 6)   # sqrt(64 / 1), 8 / 0.8
    (8.0, 10.0)
    """
    positive(holding_cost=holding_cost, yield_mean=yield_mean)
    not_negative(fixed_cost=fixed_cost, demand_rate=demand_rate, yield_sd=yield_sd)
    square = yield_mean**2 + yield_sd**2
    quantity = math.sqrt(2 * fixed_cost * demand_rate / (holding_cost * square))
    return Lot(order_quantity=quantity, cost_rate=holding_cost * quantity * square / yield_mean)


def base_stock_with_additive_yield(
    demand: float, yielded: Distribution, *, holding_cost: float, stockout_cost: float
) -> BaseStock:
    r"""The cheapest stock to order for one span of known demand, where ``S + Y`` arrives.

    .. math:: S^* = d - F_Y^{-1}\left(\frac{h}{h + p}\right)

    Parameters
    ----------
    demand
        Units.
    yielded
        Distribution of ``Y``, for example ``Normal(-20.0, 5.0)`` or ``Uniform(-50.0, 0.0)``.

    Examples
    --------
    Even costs: order so that demand is met on average.

    >>> from finalmile.inventory.distributions import Uniform
    >>> base_stock_with_additive_yield(100.0, Uniform(-20.0, 0.0), holding_cost=1.0, stockout_cost=1.0)
    BaseStock(base_stock_level=110.0, cost=5.0)
    """
    not_negative(demand=demand)
    ratio = 1 - critical_ratio(holding_cost=holding_cost, stockout_cost=stockout_cost)
    level = demand - yielded.quantile(ratio)
    return BaseStock(
        base_stock_level=level,
        cost=base_stock_with_additive_yield_cost(
            level, demand, yielded, holding_cost=holding_cost, stockout_cost=stockout_cost
        ),
    )


def base_stock_with_additive_yield_cost(
    level: float, demand: float, yielded: Distribution, *, holding_cost: float, stockout_cost: float
) -> float:
    r"""Expected cost of ordering ``level`` where ``level + Y`` arrives.

    .. math:: h\,E[(S + Y - d)^+] + p\,E[(d - S - Y)^+]

    Examples
    --------
    Between 80 and 100 arrive of 100 ordered, and 90 are asked for: 2.5 are left on average, and 2.5 short.

    >>> from finalmile.inventory.distributions import Uniform
    >>> base_stock_with_additive_yield_cost(100.0, 90.0, Uniform(-20.0, 0.0), holding_cost=1.0, stockout_cost=3.0)
    10.0
    """
    not_negative(holding_cost=holding_cost, stockout_cost=stockout_cost)
    left, short = yielded.loss(demand - level), complementary_loss(yielded, demand - level)
    return holding_cost * left + stockout_cost * short
