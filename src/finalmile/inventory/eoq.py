"""The economic order quantity: how much to order at once where demand is steady and known."""

from __future__ import annotations

import math
from dataclasses import dataclass

from finalmile.inventory.costs_given import not_negative, positive


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """An order quantity, what it costs per unit of time, and the share of demand that waits."""

    order_quantity: float
    cost_rate: float
    stockout_fraction: float = 0.0


def order_quantity_cost(quantity: float, *, fixed_cost: float, holding_cost: float, demand_rate: float) -> float:
    """Ordering and holding cost per unit of time of ordering ``quantity`` each time: ``K d / Q + h Q / 2``.

    Examples
    --------
    >>> round(order_quantity_cost(500.0, fixed_cost=8.0, holding_cost=0.225, demand_rate=1300.0), 2)
    77.05
    """
    positive(quantity=quantity)
    not_negative(fixed_cost=fixed_cost, holding_cost=holding_cost, demand_rate=demand_rate)
    return fixed_cost * demand_rate / quantity + holding_cost * quantity / 2


def economic_order_quantity(*, fixed_cost: float, holding_cost: float, demand_rate: float) -> Lot:
    r"""The quantity at which ordering costs as much as holding.

    .. math:: Q^* = \sqrt{2 K d / h}, \qquad C^* = \sqrt{2 K d h}

    Flat around its optimum: twice the quantity costs a quarter more. Wrong where demand swings (see
    :func:`~finalmile.inventory.lot_sizing.wagner_whitin`) or goods spoil before they sell.

    Parameters
    ----------
    fixed_cost
        Money per order, whatever is in it.
    holding_cost
        Money per unit and unit of time.
    demand_rate
        Units per the same unit of time. With no demand, or orders that cost nothing, the quantity is 0.

    References
    ----------
    Harris (1913), How many parts to make at once.

    Examples
    --------
    >>> economic_order_quantity(fixed_cost=8.0, holding_cost=1.0, demand_rate=4.0)
    Lot(order_quantity=8.0, cost_rate=8.0, stockout_fraction=0.0)
    """
    positive(holding_cost=holding_cost)
    not_negative(fixed_cost=fixed_cost, demand_rate=demand_rate)
    root = math.sqrt(2 * fixed_cost * demand_rate * holding_cost)
    return Lot(order_quantity=root / holding_cost, cost_rate=root)


def quantity_with_backorders(
    *, fixed_cost: float, holding_cost: float, stockout_cost: float, demand_rate: float
) -> Lot:
    r"""The economic quantity where customers wait at a cost per unit and unit of time.

    .. math:: Q^* = \sqrt{\frac{2 K d (h + p)}{h p}}, \qquad x^* = \frac{h}{h + p}, \qquad
        C^* = \sqrt{2 K d \frac{h p}{h + p}}

    ``stockout_fraction`` is the share :math:`x^*` of demand that waits. Wrong where customers leave.

    Examples
    --------
    >>> lot = quantity_with_backorders(fixed_cost=8.0, holding_cost=1.0, stockout_cost=1.0, demand_rate=4.0)
    >>> round(lot.order_quantity, 4), lot.stockout_fraction   # 8 x sqrt(2)
    (11.3137, 0.5)
    """
    positive(holding_cost=holding_cost, stockout_cost=stockout_cost)
    share = holding_cost / (holding_cost + stockout_cost)
    lot = economic_order_quantity(fixed_cost=fixed_cost, holding_cost=stockout_cost * share, demand_rate=demand_rate)
    return Lot(order_quantity=lot.order_quantity, cost_rate=lot.cost_rate, stockout_fraction=share)


def economic_production_quantity(
    *, fixed_cost: float, holding_cost: float, demand_rate: float, production_rate: float
) -> Lot:
    r"""The economic quantity that arrives gradually while it is sold.

    .. math:: Q^* = \sqrt{\frac{2 K d}{h (1 - d / \mu)}}

    Examples
    --------
    >>> lot = economic_production_quantity(fixed_cost=8.0, holding_cost=4.0, demand_rate=3.0, production_rate=4.0)
    >>> round(lot.order_quantity, 4)   # sqrt(48 / 1)
    6.9282
    """
    positive(production_rate=production_rate, holding_cost=holding_cost)
    if production_rate <= demand_rate:
        raise ValueError(f"production_rate is {production_rate}; it must be above the demand rate, {demand_rate}")
    slowed = holding_cost * (1 - demand_rate / production_rate)
    return economic_order_quantity(fixed_cost=fixed_cost, holding_cost=slowed, demand_rate=demand_rate)
