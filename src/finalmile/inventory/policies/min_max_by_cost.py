"""Order up to a most when stock falls to a least, both where they cost least."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.frames import Cumulative
from finalmile.inventory.constraints import orderable
from finalmile.inventory.demand import Demand
from finalmile.inventory.lots import check_holding_rate
from finalmile.inventory.min_max_levels import exact_for_all
from finalmile.inventory.position import Position, planned_window, protection_windows
from finalmile.inventory.proposal import DemandKind, Proposal, policies
from finalmile.inventory.protection import LAW_LEVELS, DemandLaw, law_of
from finalmile.inventory.review_costs import (
    ALTERNATIVES,
    ReviewCosts,
    check_shortage_cost,
    or_none,
    review_costs,
    tried_columns,
    with_alternatives,
)
from finalmile.inventory.steps import Step
from finalmile.records import Json
from finalmile.simulation import UnitsArray

_WANTED = "if(on_hand + on_order < reorder_point, level - on_hand - on_order, 0)"


@policies.add("min_max_by_cost")
@dataclass(frozen=True, kw_only=True)
class MinMaxByCost:
    r"""The (s, S) of least cost: what orders, stock and shortage cost together, by Zheng and Federgruen.

    .. math:: c(s, S) = \frac{K + \sum_{j=0}^{S-s-1} m(j)\, G(S - j)}{\sum_{j=0}^{S-s-1} m(j)}, \qquad
        G(y) = h\, E[(y - D)^+] + p\, E[(D - y)^+]

    with ``D`` the demand over review and lead time, ``m(j)`` the reviews that a position stays ``j`` below ``S``, and
    costs per review. No other rule costs less where what is short waits. Choose it where an order costs something and
    a unit short has a price; where a service is promised choose ``min_max``, where sales not served are lost
    ``look_ahead`` or ``by_simulation``.

    Stock and orders never fall below 0, so ``s`` is 0 where the formula would wait until units are owed, and ``S`` the
    cheapest beside it. An item of which losing all that is asked for costs less than that is not stocked
    (``bound: not_stocked``).

    Parameters
    ----------
    shortage_cost
        Money per unit owed at a review, each time again; ``None`` takes each item's price less its cost.
    holding_rate_per_period
        Share of a unit's cost that holding it for a period costs; ``None`` takes each item's own.

    Notes
    -----
    Demand of a review is negative binomial with the forecast's mean, and such that over review and lead time as much
    is short as the forecast's quantiles say. More than a thousand units of a review, or of an economic lot, are
    counted in thousandths of it. Without numba (``finalmile[fast]``) thousands of items take minutes.

    References
    ----------
    Zheng and Federgruen (1991), Finding optimal (s, S) policies is about as simple as evaluating a single policy.
    Operations Research 39(4).

    Examples
    --------
    >>> from finalmile.inventory.position import position
    >>> at = position(np.array(["a"], dtype=object), on_hand=np.array([3.0]), lead_periods=np.array([1]),
    ...               unit_cost=np.array([1.0]), unit_price=np.array([2.0]), order_cost=np.array([4.0]),
    ...               holding_rate=np.array([0.1]))
    >>> told = Cumulative(windows=np.array([[2]]), mean=np.array([[10.0]], dtype=np.float32), levels=LAW_LEVELS,
    ...                   values=np.array([[[10, 13, 14, 16, 17, 18]]], dtype=np.float32),
    ...                   methods=np.array(["cqr"], dtype=object))
    >>> wanted = MinMaxByCost()(at, told)
    >>> wanted.details["reorder_point"], wanted.level, wanted.quantity
    (array([9.]), array([28.]), array([25.]))
    """

    shortage_cost: float | None = None
    holding_rate_per_period: float | None = None

    def __post_init__(self) -> None:
        check_holding_rate(self.holding_rate_per_period)
        check_shortage_cost(self.shortage_cost)

    @property
    def needs(self) -> DemandKind:
        """Quantiles over windows."""
        return "cumulative"

    @property
    def levels(self) -> tuple[float, ...]:
        """Those that a distribution is read from."""
        return LAW_LEVELS

    def horizon(self, at: Position, /) -> int:
        """The longest review and lead time."""
        return int(protection_windows(at).max(initial=1))

    def __call__(self, at: Position, demand: Demand, /) -> Proposal:
        """Order up to the most what is below its least; nothing of what brings nothing or that nobody asks for.

        Raises
        ------
        MissingInputError
            If a price or cost that is needed is unknown.
        """
        if not isinstance(demand, Cumulative):
            raise TypeError(f"min_max_by_cost reads Cumulative demand, not {type(demand).__name__}")
        law = law_of(at, demand)
        given = review_costs(
            at,
            law,
            policy="min_max_by_cost",
            shortage_cost=self.shortage_cost,
            holding_rate=self.holding_rate_per_period,
        )
        low, tried, costs = cheapest_levels(given)
        return self._proposal(at, demand, law, given, low=low, tried=tried, costs=costs)

    def _proposal(
        self,
        at: Position,
        demand: Cumulative,
        law: DemandLaw,
        given: ReviewCosts,
        *,
        low: UnitsArray,
        tried: UnitsArray,
        costs: UnitsArray,
    ) -> Proposal:
        known = 0.0 * law.mean
        point, level = low + given.unit + known, tried[:, 0] + known
        raw = np.where(at.held < point, level - at.held, 0.0) + known
        quantity, bound = orderable(at, raw)
        bound = given.bound(bound, most=level)
        settings: Json = {} if self.shortage_cost is None else {"shortage_cost": self.shortage_cost}
        return Proposal(
            policy="min_max_by_cost",
            settings=settings,
            window=planned_window(at),
            level=level,
            expected=law.mean,
            raw=raw,
            quantity=quantity,
            bound=bound,
            methods=demand.methods,
            details={
                **given.details(at, holding_rate=self.holding_rate_per_period),
                "reorder_point": point,
                "covered_at_reorder_point": law.cdf(np.maximum(np.nan_to_num(point) - 1, 0.0)) + known,
                **tried_columns(tried + known[:, None], costs + known[:, None]),
            },
            steps=(
                *given.steps(self.shortage_cost),
                Step(name="level", formula="cheapest()", values=level),
                Step(name="wanted", formula=_WANTED, values=raw),
            ),
        )


def cheapest_levels(given: ReviewCosts) -> tuple[UnitsArray, UnitsArray, UnitsArray]:
    """Reorder level, (n,); order-up-to levels tried, the best first, (n, 5); and what each costs a review, (n, 5).

    Where an order cannot pay, or losing all that is asked for costs less, nothing is ordered: level and most are 0.
    """
    from finalmile.inventory.min_max_loops import tried_levels

    rows = np.flatnonzero(given.usable)
    low = -given.unit.copy()
    tried, costs = (np.full((len(low), ALTERNATIVES), np.nan) for _ in range(2))
    tried[:, 0] = costs[:, 0] = 0.0
    counted = given.counted()[rows]
    found = _levels(counted)
    highs = found[:, :1] + with_alternatives(found[:, 1] - found[:, 0])
    costing = np.zeros_like(highs)
    tried_levels(counted, found[:, 0], np.where(np.isnan(highs), found[:, 1:2], highs), costing)
    paid = np.asarray(np.round(np.where(np.isnan(highs), np.nan, costing), 9), dtype=np.float64)
    lost, highs, paid = or_none(highs, paid, lost=given.lost[rows])
    low[rows] = np.where(lost, -1.0, found[:, 0]) * given.unit[rows]
    tried[rows], costs[rows] = highs * given.unit[rows, None], paid
    return low, tried, costs


def _levels(counted: UnitsArray) -> UnitsArray:
    """Reorder and order-up-to level and their cost, (n, 3), of items as counted; no reorder level below 0."""
    from finalmile.inventory.min_max_loops import cheapest_most

    mean, variance, covered, order, held, short = counted.T
    found = exact_for_all(
        mean, variance, lead_periods=covered - 1, fixed_cost=order, holding_cost=held, stockout_cost=short
    )
    owed = np.flatnonzero(found[:, 0] < 0)
    most = np.zeros((len(owed), 2))
    cheapest_most(counted[owed], np.zeros(len(owed)), most)
    found[owed, 0], found[owed, 1:] = 0.0, most
    return found
