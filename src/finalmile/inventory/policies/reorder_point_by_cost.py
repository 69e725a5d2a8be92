"""Order lots when stock falls to a point, both where they cost least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from finalmile.frames import Cumulative
from finalmile.inventory.constraints import orderable
from finalmile.inventory.demand import Demand
from finalmile.inventory.lots import check_holding_rate
from finalmile.inventory.position import Position, planned_window, protection_windows
from finalmile.inventory.proposal import DemandKind, Proposal, policies
from finalmile.inventory.protection import LAW_LEVELS, law_of
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

_LOT = (
    "max(round_half_even(sqrt(2 * order_cost * demand_per_review * (cost_of_one_held + cost_of_one_short)"
    " / (cost_of_one_held * cost_of_one_short)) / {unit}), 1) * {unit}"
)


@policies.add("reorder_point_by_cost")
@dataclass(frozen=True, kw_only=True)
class ReorderPointByCost:
    r"""The (r, Q) of least cost: what orders, stock and shortage cost together, by Federgruen and Zheng.

    .. math:: C(r, Q) = \frac{K d + \sum_{y=r+1}^{r+Q} G(y)}{Q}, \qquad G(y) = h\, E[(y - D)^+] + p\, E[(D - y)^+]

    with ``D`` the demand over review and lead time, and costs and demand ``d`` per review. As many whole lots are
    ordered as lift the position above ``r``. Choose it where the supplier wants the same quantity each time;
    ``min_max_by_cost`` may order any quantity, and costs less.

    Parameters
    ----------
    method
        ``"exact"``, or ``"approximate"``: the economic quantity with backorders, and the best point for it, which costs
        at most an eighth more.
    shortage_cost
        Money per unit owed at a review, each time again; ``None`` takes each item's price less its cost.
    holding_rate_per_period
        Share of a unit's cost that holding it for a period costs; ``None`` takes each item's own.

    Notes
    -----
    Demand as in ``min_max_by_cost``, and as there no point is below 0 and an item that costs more than it brings is not
    stocked. A review orders at most once, so where a lot is less than a review's demand ordering costs less than
    ``K d / Q``. Lots are rounded up to packs and minima as every order is, and not weighed anew for that.

    References
    ----------
    Federgruen and Zheng (1992), An efficient algorithm for computing an optimal (r, Q) policy in continuous review
    stochastic inventory systems. Operations Research 40(4). Zheng (1992), On properties of stochastic inventory
    systems. Management Science 38(1).

    Examples
    --------
    >>> from finalmile.inventory.position import position
    >>> at = position(np.array(["a"], dtype=object), on_hand=np.array([3.0]), lead_periods=np.array([1]),
    ...               unit_cost=np.array([1.0]), unit_price=np.array([2.0]), order_cost=np.array([4.0]),
    ...               holding_rate=np.array([0.1]))
    >>> told = Cumulative(windows=np.array([[2]]), mean=np.array([[10.0]], dtype=np.float32), levels=LAW_LEVELS,
    ...                   values=np.array([[[10, 13, 14, 16, 17, 18]]], dtype=np.float32),
    ...                   methods=np.array(["cqr"], dtype=object))
    >>> wanted = ReorderPointByCost()(at, told)
    >>> wanted.details["reorder_point"], wanted.details["tried_0"], wanted.quantity   # the lot is the first tried
    (array([9.]), array([23.]), array([23.]))
    """

    method: Literal["exact", "approximate"] = "exact"
    shortage_cost: float | None = None
    holding_rate_per_period: float | None = None

    def __post_init__(self) -> None:
        if self.method not in ("exact", "approximate"):
            raise ValueError(f"method is {self.method!r}; it must be exact or approximate")
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
        """Order lots of what is at its point or below; nothing of what brings nothing or that nobody asks for.

        Raises
        ------
        MissingInputError
            If a price or cost that is needed is unknown.
        """
        if not isinstance(demand, Cumulative):
            raise TypeError(f"reorder_point_by_cost reads Cumulative demand, not {type(demand).__name__}")
        law = law_of(at, demand)
        given = review_costs(
            at,
            law,
            policy="reorder_point_by_cost",
            shortage_cost=self.shortage_cost,
            holding_rate=self.holding_rate_per_period,
        )
        point, tried, costs = cheapest_lots(given, approximate=self.method == "approximate")
        known = 0.0 * law.mean
        point, lot = point + given.unit + known, np.where(tried[:, 0] > 0, tried[:, 0], 1.0) + known
        missing = np.maximum(point - at.held, 0.0)
        raw = np.ceil(missing / lot - 1e-9) * lot + 0.0
        quantity, bound = orderable(at, raw)
        bound = given.bound(bound, most=tried[:, 0] + known)
        return Proposal(
            policy="reorder_point_by_cost",
            settings=self._settings(),
            window=planned_window(at),
            level=np.where(raw > 0, at.held + raw, point),
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
                Step(name="lot", formula=self._formula(given), values=lot),
                Step(name="missing", formula="max(0, reorder_point - on_hand - on_order)", values=missing),
                Step(name="wanted", formula="round_up(missing / lot - 0.000000001) * lot", values=raw),
            ),
        )

    def _formula(self, given: ReviewCosts) -> str:
        if self.method == "exact":
            return "cheapest()"
        return _LOT.format(unit="counted_in" if (given.unit > 1).any() else "1")

    def _settings(self) -> Json:
        money: Json = {} if self.shortage_cost is None else {"shortage_cost": self.shortage_cost}
        return {"lot_by": self.method, **money}


def cheapest_lots(given: ReviewCosts, *, approximate: bool) -> tuple[UnitsArray, UnitsArray, UnitsArray]:
    """Reorder point, (n,); lots tried, the one taken first, (n, 5); what each costs a review at its best point, (n, 5).

    Where an order cannot pay, or losing all that is asked for costs less, nothing is ordered: point and lot are 0.
    """
    from finalmile.inventory.reorder_quantity.loops import cost_of_lots, many_lots

    rows = np.flatnonzero(given.usable)
    point = -given.unit.copy()
    tried, costs = (np.full((len(point), ALTERNATIVES), np.nan) for _ in range(2))
    tried[:, 0] = costs[:, 0] = 0.0
    counted = given.counted()[rows]
    mean, _, _, order, held, short = counted.T
    wanted = np.zeros(len(rows))
    if approximate:
        wanted = np.maximum(np.rint(np.sqrt(2 * order * mean * (held + short) / (held * short))), 1.0)
    found = np.zeros((len(rows), 2))
    many_lots(counted, wanted, found)
    lots = with_alternatives(found[:, 1])
    costing = np.zeros_like(lots)
    cost_of_lots(counted, np.nan_to_num(lots, nan=1.0), costing)
    paid = np.asarray(np.round(np.where(np.isnan(lots), np.nan, costing), 9), dtype=np.float64)
    lost, lots, paid = or_none(lots, paid, lost=given.lost[rows])
    point[rows] = np.where(lost, -1.0, found[:, 0]) * given.unit[rows]
    tried[rows], costs[rows] = lots * given.unit[rows, None], paid
    return point, tried, costs
