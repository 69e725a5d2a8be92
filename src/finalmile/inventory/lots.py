"""How much to order at a time, for every item at once."""

from __future__ import annotations

import numpy as np

from finalmile.inventory.position import Position
from finalmile.simulation import UnitsArray


def lots(at: Position, demand_per_period: UnitsArray, *, holding_rate_per_period: float) -> UnitsArray:
    r"""Units of a lot: the economic order quantity, but at least what is asked for between two reviews and one unit.

    .. math:: Q = \sqrt{2 K d / (i\,c)}

    Where the cost of an order or of a unit is unknown or zero, a lot is what is asked for between two reviews. Whole
    units, rounded up; NaN without a forecast.

    Parameters
    ----------
    demand_per_period : array of shape (n,)
        Expected units per period.
    holding_rate_per_period
        ``i``: share of a unit's cost that holding it for a period costs.

    References
    ----------
    Harris (1913), "How many parts to make at once", *Factory, The Magazine of Management* 10(2).

    Examples
    --------
    >>> from finalmile.inventory.position import position
    >>> at = position(np.array(["a"], dtype=object), on_hand=np.zeros(1), lead_periods=np.array([1]),
    ...               unit_cost=np.array([2.0]), order_cost=np.array([5.0]))
    >>> lots(at, np.array([4.0]), holding_rate_per_period=0.05)   # sqrt(2 x 5 x 4 / 0.1)
    array([20.])
    """
    priced = (at.order_cost > 0) & (at.unit_cost > 0) & np.isfinite(at.unit_cost) & np.isfinite(at.order_cost)
    holding = np.where(priced, at.unit_cost, 1.0) * holding_rate_per_period
    economic = np.where(priced, np.sqrt(2 * np.where(priced, at.order_cost, 0.0) * demand_per_period / holding), 0.0)
    between = demand_per_period * at.review_periods
    return np.maximum(np.ceil(np.maximum(economic, between) - 1e-9), 1.0)
