"""How much to order at a time, for every item at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from finalmile.inventory.position import Position, holding_rates
from finalmile.inventory.steps import Step
from finalmile.simulation import UnitsArray


def lots(at: Position, demand_per_period: UnitsArray, *, holding_rate: float | None = None) -> UnitsArray:
    r"""Units of a lot: the economic order quantity, but at least what is asked for between two reviews and one unit.

    .. math:: Q = \sqrt{2 K d / (i\,c)}

    Where the cost of an order, of a unit or of holding it is unknown or zero, a lot is what is asked for between two
    reviews. Whole units, rounded up; NaN without a forecast.

    Parameters
    ----------
    demand_per_period : array of shape (n,)
        Expected units per period.
    holding_rate
        ``i``: share of a unit's cost that holding it for a period costs; where not given, each item's own.

    References
    ----------
    Harris (1913), "How many parts to make at once", *Factory, The Magazine of Management* 10(2).

    Examples
    --------
    >>> from finalmile.inventory.position import position
    >>> at = position(np.array(["a"], dtype=object), on_hand=np.zeros(1), lead_periods=np.array([1]),
    ...               unit_cost=np.array([2.0]), order_cost=np.array([5.0]))
    >>> lots(at, np.array([4.0]), holding_rate=0.05)   # sqrt(2 x 5 x 4 / 0.1)
    array([20.])
    """
    return lot_steps(at, demand_per_period, holding_rate=holding_rate)[-1].values


def lot_steps(at: Position, demand_per_period: UnitsArray, *, holding_rate: float | None = None) -> tuple[Step, ...]:
    """How a lot comes about, in steps that name ``order_cost``, ``unit_cost`` and ``holding_rate_per_period``.

    The last step has the lots of all items, as :func:`lots` gives them.
    """
    rate = holding_rates(at, given=holding_rate)
    known = np.isfinite(at.unit_cost) & np.isfinite(at.order_cost)
    priced = known & (at.order_cost > 0) & (at.unit_cost > 0) & (rate > 0)
    holding = np.where(priced, at.unit_cost * rate, 1.0)
    economic = np.where(priced, np.sqrt(2 * np.where(priced, at.order_cost, 0.0) * demand_per_period / holding), 0.0)
    between = demand_per_period * at.review_periods
    lot = np.maximum(np.ceil(np.maximum(economic, between) - 1e-9), 1.0)
    formula = "sqrt(2 * order_cost * demand_per_period / (unit_cost * holding_rate_per_period))"
    return (
        Step(name="demand_per_period", formula="expected_demand / mean_window", values=demand_per_period),
        Step(name="economic_quantity", formula=formula, values=np.where(priced, economic, np.nan)),
        Step(name="economic_quantity", formula="0", values=np.where(priced, np.nan, 0.0)),
        Step(
            name="lot",
            formula="max(round_up(max(economic_quantity, demand_per_period * review_periods) - 0.000000001), 1)",
            values=lot,
        ),
    )


def behind_lots(at: Position, *, mean_window: UnitsArray, holding_rate: float | None) -> Mapping[str, UnitsArray]:
    """The numbers that :func:`lot_steps` start from, for the details of a proposal."""
    return {
        "mean_window": mean_window,
        "unit_cost": at.unit_cost,
        "order_cost": at.order_cost,
        "holding_rate_per_period": holding_rates(at, given=holding_rate),
    }


def check_holding_rate(given: float | None) -> None:
    """Refuse a policy's ``holding_rate_per_period`` that is not above 0."""
    if given is not None and not 0 < given < float("inf"):
        raise ValueError(f"holding_rate_per_period is {given}; it must be above 0, or left out to take each item's own")
