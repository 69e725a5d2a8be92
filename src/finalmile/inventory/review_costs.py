"""What a review brings: demand, and the money that stock, shortage and an order cost; for policies that weigh them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.frames import BoolArray, NameArray
from finalmile.inventory.period_demand import matched
from finalmile.inventory.position import Position, holding_rates
from finalmile.inventory.protection import DemandLaw, mean_window
from finalmile.inventory.steps import Step
from finalmile.simulation import UnitsArray

MOST_COUNTED = 1_000
"""Most units of a review, or of an economic lot with backorders, that are counted singly, not in equal parts."""

MATCHED_AT = 0.95
"""Highest quantile that demand is matched at: further out a forecast rests on a few windows that were as high."""

_LESS_AND_MORE = ((0.85, -1.0), (0.7, -2.0), (1.2, 1.0), (1.5, 2.0))
"""Shares of what was found that a line tells the cost of too, and how far away they are at least."""

NOT_STOCKED = "not_stocked"
"""What binds an item of which losing all that is asked for costs less than any stock."""

_HARDLY_ANY = 1e-9

ALTERNATIVES = 1 + len(_LESS_AND_MORE)
"""Quantities that a line tells the cost of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCosts:
    """Demand and money of ``n`` items from one review to the next.

    Parameters
    ----------
    demand, variance : arrays of shape (n,)
        Units, and squared units, of one review; negative binomial.
    covered : array of shape (n,)
        Reviews that an order must last: review and lead time over the review.
    order, held, short : arrays of shape (n,)
        Money per order, per unit on the shelf at a review, per unit owed at a review.
    unit : array of shape (n,)
        Units that are counted as one.
    usable : array of shape (n,), bool
        Whether an order can pay: something is asked for, and a unit short costs something.
    """

    demand: UnitsArray
    variance: UnitsArray
    covered: UnitsArray
    order: UnitsArray
    held: UnitsArray
    short: UnitsArray
    unit: UnitsArray
    usable: BoolArray

    def counted(self) -> UnitsArray:
        """Mean, variance, reviews covered and the three costs, in units that are counted as one; shape (n, 6)."""
        unit = self.unit
        return np.column_stack(
            [
                self.demand / unit,
                self.variance / unit**2,
                self.covered,
                self.order,
                self.held * unit,
                self.short * unit,
            ]
        )

    @property
    def lost(self) -> UnitsArray:
        """What a review costs where nothing is stocked: all that is asked for is short once, shape (n,)."""
        return np.asarray(self.short * self.demand, dtype=np.float64)

    def bound(self, told: NameArray, *, most: UnitsArray) -> NameArray:
        """What binds each quantity, items that are asked for and not stocked named; ``most`` is 0 of those."""
        return np.where((self.demand > _HARDLY_ANY) & (most == 0), NOT_STOCKED, told)

    def details(self, at: Position, *, holding_rate: float | None) -> Mapping[str, UnitsArray]:
        """The numbers behind, for a proposal."""
        return {
            "unit_price": at.unit_price,
            "unit_cost": at.unit_cost,
            "order_cost": self.order,
            "holding_rate_per_period": holding_rates(at, given=holding_rate),
            "demand_per_review": self.demand,
            "variance_per_review": self.variance,
            "reviews_covered": self.covered,
            **({"counted_in": self.unit} if (self.unit > 1).any() else {}),
        }

    def steps(self, shortage_cost: float | None) -> tuple[Step, ...]:
        """How the costs of one unit come about."""
        short = "max(unit_price - unit_cost, 0)" if shortage_cost is None else "shortage_cost"
        held = "unit_cost * holding_rate_per_period * review_periods"
        return (
            Step(name="cost_of_one_held", formula=held, values=self.held),
            Step(name="cost_of_one_short", formula=short, values=self.short),
        )


def review_costs(
    at: Position, law: DemandLaw, *, policy: str, shortage_cost: float | None, holding_rate: float | None
) -> ReviewCosts:
    """Demand of a review and what it costs; negative binomial such that as much is short as the law says.

    As much at the stock that the costs ask for, but no further out than the 95 % quantile.

    Parameters
    ----------
    law
        Demand over review and lead time.
    shortage_cost
        Money per unit owed at a review; ``None`` takes each item's price less its cost.
    holding_rate
        Share of a unit's cost that holding it for a period costs; ``None`` takes each item's own.

    Raises
    ------
    MissingInputError
        If a cost or a price that is needed is unknown, or holding costs nothing.
    """
    held = at.unit_cost * holding_rates(at, given=holding_rate) * at.review_periods
    short = np.maximum(at.unit_price - at.unit_cost, 0.0) if shortage_cost is None else np.full(at.n, shortage_cost)
    _refuse_unpriced(at, ~(np.isfinite(short) & (held > 0) & np.isfinite(held)), policy=policy)
    order = np.where(np.isfinite(at.order_cost), np.maximum(at.order_cost, 0.0), 0.0)
    ratio = short / (short + held)
    mean, shape = matched(law, at=np.ceil(law.quantile(np.clip(ratio, 0.0, MATCHED_AT)) - 1e-6))
    covered = mean_window(at) / at.review_periods
    demand = mean / covered
    paid = np.where(short > 0, short, 1.0)
    lot = np.sqrt(2 * order * demand * (held + paid) / (held * paid))
    return ReviewCosts(
        demand=np.where(np.isfinite(law.mean), demand, np.nan),
        variance=(mean + mean**2 / shape) / covered,
        covered=covered,
        order=order,
        held=held,
        short=short,
        unit=np.maximum(np.ceil(np.maximum(demand, lot) / MOST_COUNTED), 1.0),
        usable=(mean > _HARDLY_ANY) & (short > 0),
    )


def with_alternatives(found: UnitsArray) -> UnitsArray:
    """Whole numbers, and beside each some that are less and more, shape (n, 5); NaN where there is none above 0.

    Examples
    --------
    >>> with_alternatives(np.array([100.0, 2.0]))
    array([[100.,  85.,  70., 120., 150.],
           [  2.,   1.,  nan,   3.,   4.]])
    """
    columns = [found]
    for share, away in _LESS_AND_MORE:
        part, step = np.rint(share * found), found + away
        other = np.minimum(part, step) if away < 0 else np.maximum(part, step)
        columns.append(np.where(other >= 1, other, np.nan))
    return np.stack(columns, axis=1)


def or_none(tried: UnitsArray, costs: UnitsArray, *, lost: UnitsArray) -> tuple[BoolArray, UnitsArray, UnitsArray]:
    """Where stocking nothing, which costs ``lost`` (n,), is cheaper than all that was tried; and both with it first.

    Examples
    --------
    >>> or_none(np.array([[9.0, 7.0]]), np.array([[3.0, 4.0]]), lost=np.array([2.0]))
    (array([ True]), array([[0., 9.]]), array([[2., 3.]]))
    """
    none: BoolArray = lost < costs[:, 0] - 1e-9

    def first(values: UnitsArray, given: UnitsArray) -> UnitsArray:
        moved = np.column_stack([given, values[:, :-1]])
        return np.where(none[:, None], moved, values)

    return none, first(tried, np.zeros(len(lost))), first(costs, np.round(lost, 9))


def tried_columns(levels: UnitsArray, costs: UnitsArray) -> Mapping[str, UnitsArray]:
    """What was tried, and its cost a review, by name; for ``cheapest()``."""
    return {
        name: column
        for k in range(levels.shape[1])
        for name, column in ((f"tried_{k}", levels[:, k]), (f"cost_{k}", costs[:, k]))
    }


def check_shortage_cost(given: float | None) -> None:
    """Refuse a ``shortage_cost`` that is not above 0."""
    if given is not None and not 0 < given < float("inf"):
        raise ValueError(f"shortage_cost is {given}; it must be above 0, or left out to take price less cost")


def _refuse_unpriced(at: Position, unknown: BoolArray, *, policy: str) -> None:
    if unknown.any():
        names = ", ".join(repr(str(name)) for name in at.ids[unknown][:5])
        raise MissingInputError(
            f"{policy} weighs money, and of {int(unknown.sum())} of {at.n} items ({names}) the price, the cost or the "
            "rate of holding is unknown, or holding costs nothing: give unit_price, unit_cost and "
            "holding_rate_per_year in items, or plan with min_max, which needs a service level alone"
        )
