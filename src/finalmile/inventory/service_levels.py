"""Cycle service and fill rate of a stock, from one to the other and back: two figures that share a name, "98 %"."""

from __future__ import annotations

import math
from dataclasses import dataclass

from finalmile.inventory.chances import check_chance
from finalmile.inventory.costs_given import positive
from finalmile.inventory.distributions import Distribution, complementary_loss


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseStockService:
    """What a base stock gives when every unit sold is ordered again at once.

    Parameters
    ----------
    ready_rate
        Chance that something is on the shelf; with demand of single units, the fill rate.
    prob_no_backorder
        Chance that nobody waits.
    expected_backorders, expected_on_hand
        Units, on average over time.
    """

    ready_rate: float
    prob_no_backorder: float
    expected_backorders: float
    expected_on_hand: float


def base_stock_service(lead_time_demand: Distribution, level: float) -> BaseStockService:
    """Service of a base stock ``level`` against demand over the lead time.

    References
    ----------
    Zipkin (2000), *Foundations of Inventory Management*, chapter 6.

    Examples
    --------
    >>> from finalmile.inventory.distributions import Pmf
    >>> base_stock_service(Pmf.of({0: 0.5, 4: 0.5}), 4.0)
    BaseStockService(ready_rate=0.5, prob_no_backorder=1.0, expected_backorders=0.0, expected_on_hand=2.0)
    """
    below = math.ceil(level) - 1 if lead_time_demand.whole else level
    return BaseStockService(
        ready_rate=lead_time_demand.cdf(below),
        prob_no_backorder=lead_time_demand.cdf(level),
        expected_backorders=lead_time_demand.loss(level),
        expected_on_hand=complementary_loss(lead_time_demand, level),
    )


def fill_rate(lead_time_demand: Distribution, reorder_point: float, *, order_quantity: float) -> float:
    r"""Share of units served from the shelf under ``(r, Q)``, continuous review and backorders.

    .. math:: \beta = 1 - \frac{n(r) - n(r + Q)}{Q}

    The second loss counts: without it (:func:`fill_rate_one_term`) small quantities look worse than they are. Lumpy
    demand undershoots ``r`` before the order goes out, which this leaves out: see :func:`mean_undershoot`.

    References
    ----------
    Axsäter (2015), *Inventory Control*, section 5.3; Zipkin (2000), chapter 6.

    Examples
    --------
    >>> from finalmile.inventory.distributions import Normal
    >>> round(fill_rate(Normal(400.0, 60.0), 420.0, order_quantity=500.0), 4)
    0.9695
    """
    positive(order_quantity=order_quantity)
    short = lead_time_demand.loss(reorder_point) - lead_time_demand.loss(reorder_point + order_quantity)
    return min(max(1 - short / order_quantity, 0.0), 1.0)


def fill_rate_one_term(lead_time_demand: Distribution, reorder_point: float, *, order_quantity: float) -> float:
    """Textbooks' ``1 - n(r) / Q``: never above the fill rate, and below 0 where ``Q`` is small."""
    positive(order_quantity=order_quantity)
    return 1 - lead_time_demand.loss(reorder_point) / order_quantity


def reorder_point_for_fill_rate(lead_time_demand: Distribution, *, fill_rate: float, order_quantity: float) -> float:
    """The lowest reorder point with this fill rate; a whole number where demand is.

    The cycle service it implies is ``lead_time_demand.cdf`` of it: 98 % of units needs 87 % of cycles at a quantity of
    200 and 56 % at 1,000 (mean 400, sd 60). With large quantities it lies below the mean: safety stock is negative.

    Raises
    ------
    ValueError
        If ``fill_rate`` is not in (0, 1) or ``order_quantity`` not above 0.

    Examples
    --------
    >>> from finalmile.inventory.distributions import Normal
    >>> round(reorder_point_for_fill_rate(Normal(400.0, 60.0), fill_rate=0.98, order_quantity=200.0), 2)
    466.87
    """
    check_chance("fill_rate", fill_rate)
    low, high = _bracket(lead_time_demand, fill_rate, order_quantity)
    step = 1.0 if lead_time_demand.whole else 1e-12 * max(abs(low), abs(high), 1.0)
    while high - low > step:
        middle = (low + high) / 2
        if lead_time_demand.whole:
            middle = float(math.floor(middle))
        enough = _fills(lead_time_demand, middle, order_quantity=order_quantity) >= fill_rate
        low, high = (low, middle) if enough else (middle, high)
    return high


def cycle_service_for_fill_rate(lead_time_demand: Distribution, *, fill_rate: float, order_quantity: float) -> float:
    """The cycle service that a fill rate implies under ``(r, Q)``.

    Examples
    --------
    >>> from finalmile.inventory.distributions import Normal
    >>> round(cycle_service_for_fill_rate(Normal(400.0, 60.0), fill_rate=0.98, order_quantity=200.0), 3)
    0.867
    """
    point = reorder_point_for_fill_rate(lead_time_demand, fill_rate=fill_rate, order_quantity=order_quantity)
    return lead_time_demand.cdf(point)


def fill_rate_for_cycle_service(
    lead_time_demand: Distribution, *, cycle_service: float, order_quantity: float
) -> float:
    """The fill rate that a cycle service gives under ``(r, Q)``.

    Examples
    --------
    >>> from finalmile.inventory.distributions import Normal
    >>> round(fill_rate_for_cycle_service(Normal(400.0, 60.0), cycle_service=0.5, order_quantity=100.0), 4)
    0.7725
    """
    return fill_rate(lead_time_demand, lead_time_demand.quantile(cycle_service), order_quantity=order_quantity)


def mean_undershoot(mean: float, variance: float) -> float:
    r"""How far stock is on average below the reorder point when a review finds it there.

    .. math:: E[U] \approx \frac{\sigma^2 + \mu^2}{2 \mu}

    of demand between two reviews; add it to the demand over the lead time under ``(s, S)`` and ``(R, s, S)``. An
    approximation from renewal theory, good where an order covers some reviews. With no demand, 0.

    References
    ----------
    Tijms and Groenevelt (1984), Simple approximations for the reorder point in periodic and continuous review (s, S)
    inventory systems with service level constraints.

    Examples
    --------
    >>> mean_undershoot(4.0, 16.0)
    4.0
    """
    return (variance + mean**2) / (2 * mean) if mean > 0 else 0.0


_fills = fill_rate


def _bracket(demand: Distribution, target: float, quantity: float) -> tuple[float, float]:
    """A point with too low a fill rate and one with enough of it, both whole."""
    width = max(quantity, abs(demand.mean), 1.0)
    low, high = math.floor(demand.mean - quantity - width), math.ceil(demand.mean + width)
    while _fills(demand, low, order_quantity=quantity) >= target:
        low = math.floor(low - width)
        width *= 2
    while _fills(demand, high, order_quantity=quantity) < target:
        high = math.ceil(high + width)
        width *= 2
    return float(low), float(high)
