"""Order products of one supplier together, each as often as its costs say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.frames import BoolArray, Cumulative, IntArray
from finalmile.inventory.chances import check_chance
from finalmile.inventory.constraints import orderable
from finalmile.inventory.demand import Demand
from finalmile.inventory.joint_replenishment import joint_cycles
from finalmile.inventory.lots import check_holding_rate
from finalmile.inventory.position import Position, holding_rates, planned_window, protection_windows
from finalmile.inventory.proposal import DemandKind, Proposal, policies
from finalmile.inventory.protection import demand_asked, levels_with, mean_window
from finalmile.inventory.safety_stock import implied_cost_ratio
from finalmile.inventory.steps import Step
from finalmile.simulation import UnitsArray

_MULTIPLE = (
    "max(round_down(0.5 + sqrt(0.25 + 2 * order_cost"
    " / (cost_of_one_held * demand_per_period * base_cycle * base_cycle))), 1)"
)
_WANTED = "if(on_hand + on_order < supplier_ordered * join_point, level - on_hand - on_order, 0)"


@policies.add("joint_replenishment")
@dataclass(frozen=True, kw_only=True)
class JointReplenishment:
    r"""When one product of a supplier is below what is promised, order all that would be before its next order.

    .. math:: s_i = F^{-1}_{R+L}(\alpha), \qquad c_i = s_i + T d_i, \qquad S_i = s_i + m_i T d_i

    ``T`` is the supplier's base cycle and :math:`m_i` every how many of them a product is ordered, where ordering and
    holding cost least together (:func:`~finalmile.inventory.joint_replenishment.joint_cycles`). The supplier gets an
    order when a product that has room for one is below its :math:`s_i`; those below their :math:`c_i` join it, and each
    is ordered up to its :math:`S_i`. Choose it where an order costs something whatever is in it: a delivery, a
    container, a form.

    Parameters
    ----------
    cycle_service
        Probability that an order cycle ends without a stock-out, in (0, 1). This is not the fill rate.
    shared_order_cost
        Money per order of a supplier, whatever is in it; ``None`` takes ``order_cost`` of each supplier in the
        settings. Each line costs the item's ``order_cost`` beside it.
    holding_rate_per_period
        Share of a unit's cost that holding it for a period costs; ``None`` takes each item's own.

    Notes
    -----
    No cycle is shorter than a review. An item without a supplier is ordered alone; one without a cost or demand has a
    multiple of 1 and weighs nothing.

    References
    ----------
    Silver (1976), A simple method of determining order quantities in joint replenishments under deterministic demand.
    Management Science 22(12). Balintfy (1964), On a basic class of multi-item inventory problems. Management Science
    10(2): can-order points.

    Examples
    --------
    Tea is below its point of 12 and coffee is not, but would be before the next order:

    >>> from finalmile.inventory.position import position
    >>> at = position(np.array(["tea", "coffee"], dtype=object), on_hand=np.array([3.0, 15.0]),
    ...               lead_periods=np.array([2, 2]), unit_cost=np.ones(2), order_cost=np.ones(2),
    ...               holding_rate=np.full(2, 0.1), supplier=np.array(["acme", "acme"], dtype=object))
    >>> told = Cumulative(windows=np.array([[3], [3]]), mean=np.full((2, 1), 6, dtype=np.float32), levels=(0.98,),
    ...                   values=np.full((2, 1, 1), 12, dtype=np.float32), methods=np.full(2, "cqr", dtype=object))
    >>> JointReplenishment(shared_order_cost=5.0)(at, told).quantity
    array([21.,  9.])
    >>> JointReplenishment(shared_order_cost=0.0)(at, told).quantity   # the cycle is shorter, coffee waits
    array([16.,  4.])
    """

    cycle_service: float = 0.98
    shared_order_cost: float | None = None
    holding_rate_per_period: float | None = None

    def __post_init__(self) -> None:
        check_chance("cycle_service", self.cycle_service)
        if self.shared_order_cost is not None and not 0 <= self.shared_order_cost < float("inf"):
            raise ValueError(f"shared_order_cost is {self.shared_order_cost}; it must be 0 or more")
        check_holding_rate(self.holding_rate_per_period)

    @property
    def needs(self) -> DemandKind:
        """Quantiles over windows."""
        return "cumulative"

    @property
    def levels(self) -> tuple[float, ...]:
        """The cycle service level, and those that a distribution is read from where lead times vary."""
        return levels_with(self.cycle_service)

    def horizon(self, at: Position, /) -> int:
        """The longest review and lead time."""
        return int(protection_windows(at).max(initial=1))

    def __call__(self, at: Position, demand: Demand, /) -> Proposal:
        """Order what is below its point, and what joins; an item without a quantile is left as ``"no_forecast"``."""
        if not isinstance(demand, Cumulative):
            raise TypeError(f"joint_replenishment reads Cumulative demand, not {type(demand).__name__}")
        asked = demand_asked(at, demand, cycle_service=self.cycle_service)
        point, each = np.ceil(asked.quantile - 1e-6), asked.expected / mean_window(at)
        held = at.unit_cost * holding_rates(at, given=self.holding_rate_per_period)
        priced: BoolArray = (held > 0) & np.isfinite(held) & (each > 0)
        alike = suppliers(at)
        base, multiple = self._cycles(at, alike, priced=priced, held=held, demand=each)
        cycle: UnitsArray = np.maximum(base, at.review_periods)
        join, level = point + cycle * each, np.ceil(point + multiple * cycle * each - 1e-6)
        possible, _ = orderable(at, level - at.held)
        ordered = np.bincount(alike, weights=(at.held < point) & (possible > 0))[alike] > 0
        raw = np.where(ordered & (at.held < join), level - at.held, 0.0) + 0.0 * point
        quantity, bound = orderable(at, raw)
        by_costs = np.where(priced, multiple, np.nan)
        return Proposal(
            policy="joint_replenishment",
            settings={"cycle_service": self.cycle_service},
            window=planned_window(at),
            level=level,
            expected=asked.expected,
            raw=raw,
            quantity=quantity,
            bound=bound,
            methods=demand.methods,
            details={
                **asked.details,
                "mean_window": mean_window(at),
                "unit_cost": at.unit_cost,
                "order_cost": np.nan_to_num(at.order_cost),
                "shared_order_cost": self._shared(at),
                "holding_rate_per_period": holding_rates(at, given=self.holding_rate_per_period),
                "base_cycle": cycle,
                "supplier_ordered": ordered.astype(np.float64),
                "cost_ratio": np.full(at.n, implied_cost_ratio(self.cycle_service)),
            },
            steps=(
                *asked.steps,
                Step(name="reorder_point", formula="round_up(demand_quantile - 0.000001)", values=point),
                Step(name="demand_per_period", formula="expected_demand / mean_window", values=each),
                Step(name="cost_of_one_held", formula="unit_cost * holding_rate_per_period", values=held),
                Step(name="multiple", formula=_MULTIPLE, values=by_costs),
                Step(name="multiple", formula="1", values=np.where(priced, np.nan, 1.0)),
                Step(name="join_point", formula="reorder_point + base_cycle * demand_per_period", values=join),
                Step(
                    name="level",
                    formula="round_up(reorder_point + multiple * base_cycle * demand_per_period - 0.000001)",
                    values=level,
                ),
                Step(name="wanted", formula=_WANTED, values=raw),
            ),
        )

    def _shared(self, at: Position) -> UnitsArray:
        if self.shared_order_cost is None:
            return at.shared_order_cost
        return np.full(at.n, self.shared_order_cost, dtype=np.float64)

    def _cycles(
        self, at: Position, alike: IntArray, *, priced: BoolArray, held: UnitsArray, demand: UnitsArray
    ) -> tuple[UnitsArray, UnitsArray]:
        """Base cycle of each item's supplier, at least a review, and the item's multiple of it; both of shape (n,)."""
        count = int(alike.max(initial=-1)) + 1
        shared = np.zeros(count)
        np.maximum.at(shared, alike, self._shared(at))
        rows = np.flatnonzero(priced)
        own, rate = np.nan_to_num(at.order_cost), np.where(priced, held * demand, 1.0)
        time, _ = joint_cycles(alike[rows], shared_fixed_cost=shared, individual_fixed_cost=own[rows], held=rate[rows])
        base: UnitsArray = np.maximum(np.round(time[alike], 6), at.review_periods)
        wanted = 2 * own / (rate * base**2)
        multiple = np.where(priced, np.maximum(np.floor(0.5 + np.sqrt(0.25 + wanted)), 1.0), 1.0)
        return base, multiple


def suppliers(at: Position) -> IntArray:
    """Number of each item's supplier, from 0; items without one have a number of their own."""
    known = [isinstance(name, str) and name != "" for name in at.supplier]
    names = np.array([f"s{at.supplier[k]}" if one else f"i{k}" for k, one in enumerate(known)], dtype=object)
    _, alike = np.unique(names.astype(str), return_inverse=True)
    return alike.ravel().astype(np.int64)
