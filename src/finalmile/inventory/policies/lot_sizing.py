"""Order for as many cycles ahead as ordering and holding make cheapest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from finalmile.frames import BoolArray, Cumulative, IntArray
from finalmile.inventory.chances import check_chance
from finalmile.inventory.constraints import orderable
from finalmile.inventory.demand import Demand
from finalmile.inventory.demand_ahead import means_ahead
from finalmile.inventory.lot_sizing import carried, costs_of_rest, mean_costs
from finalmile.inventory.lots import check_holding_rate
from finalmile.inventory.position import Position, holding_rates, planned_window, protection_windows
from finalmile.inventory.proposal import DemandKind, Proposal, policies
from finalmile.inventory.protection import demand_asked, levels_with
from finalmile.inventory.review_costs import tried_columns
from finalmile.inventory.safety_stock import implied_cost_ratio
from finalmile.inventory.steps import Step
from finalmile.simulation import UnitsArray

_WANTED = "if(on_hand + on_order < reorder_point, level - on_hand - on_order, 0)"


@policies.add("lot_sizing")
@dataclass(frozen=True, kw_only=True)
class LotSizing:
    r"""When on hand plus on order is below what is promised, order for the coming cycles too, as many as pay.

    .. math:: s = F^{-1}_{R+L}(\alpha), \qquad S_k = s + \sum_{j \le k} e_j

    with :math:`e_j` the expected demand of the ``j``-th cycle after those that ``s`` covers. A unit of it is held ``j``
    cycles longer than if it were ordered in time. Choose it where demand ahead swings, with seasons or promotions, and
    an order costs something by itself: ``min_max`` takes demand as level.

    Parameters
    ----------
    cycle_service
        Probability that an order cycle ends without a stock-out, in (0, 1). This is not the fill rate.
    method
        ``"silver_meal"``: add cycles while the mean cost of a cycle falls, of two that cost the same the fewer,
        :math:`(K + h \sum_{j \le k} j e_j) / (k + 1)`; what is far ahead changes nothing. ``"wagner_whitin"``: the
        first order of the schedule that is cheapest over all cycles weighed.
    look_ahead
        Cycles weighed beyond the one that is needed now, 1 to 52, and so the most that are ordered ahead. Expected
        demand is that of the forecast's single periods; beyond its horizon, as in its last season.
    holding_rate_per_period
        Share of a unit's cost that holding it for a period costs; ``None`` takes each item's own.

    References
    ----------
    Silver and Meal (1973), A heuristic for selecting lot size quantities. Production and Inventory Management 14.
    Wagner and Whitin (1958), Dynamic version of the economic lot size model. Management Science 5(1).

    Examples
    --------
    An order costs 10, a unit carried to the next cycle 1. Five are needed now and five a cycle later, then ten:
    two cycles cost (10 + 5) / 2 each, three (10 + 5 + 20) / 3.

    >>> from finalmile.inventory.position import position
    >>> at = position(np.array(["a"], dtype=object), on_hand=np.zeros(1), lead_periods=np.array([0]),
    ...               unit_cost=np.ones(1), order_cost=np.array([10.0]), holding_rate=np.ones(1))
    >>> told = Cumulative(windows=np.array([[1, 2, 3]]), mean=np.array([[5.0, 10.0, 20.0]], dtype=np.float32),
    ...                   levels=(0.98,), values=np.array([[[5], [10], [20]]], dtype=np.float32),
    ...                   methods=np.array(["cqr"], dtype=object))
    >>> wanted = LotSizing(look_ahead=2)(at, told)
    >>> wanted.quantity, wanted.details["cost_1"], wanted.details["cost_2"].round(2)
    (array([10.]), array([7.5]), array([11.67]))
    """

    cycle_service: float = 0.98
    method: Literal["silver_meal", "wagner_whitin"] = "silver_meal"
    look_ahead: int = 12
    holding_rate_per_period: float | None = None

    def __post_init__(self) -> None:
        check_chance("cycle_service", self.cycle_service)
        if self.method not in ("silver_meal", "wagner_whitin"):
            raise ValueError(f"method is {self.method!r}; it must be silver_meal or wagner_whitin")
        if self.look_ahead not in range(1, 53):
            raise ValueError(f"look_ahead is {self.look_ahead!r}; it must be a whole number from 1 to 52")
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
        """The longest review and lead time, and every cycle weighed."""
        return int(max(protection_windows(at).max(initial=1), self.ahead(at).max(initial=1)))

    def ahead(self, at: Position, /) -> IntArray:
        """The planned window, and what it is with one, two, ... cycles more, shape (n, look_ahead + 1)."""
        return planned_window(at)[:, None] + at.review_periods[:, None] * np.arange(int(self.look_ahead) + 1)

    def __call__(self, at: Position, demand: Demand, /) -> Proposal:
        """Order the lots of what is below its point; an item without a quantile is left out as ``"no_forecast"``."""
        if not isinstance(demand, Cumulative):
            raise TypeError(f"lot_sizing reads Cumulative demand, not {type(demand).__name__}")
        asked = demand_asked(at, demand, cycle_service=self.cycle_service)
        point = np.ceil(asked.quantile - 1e-6)
        weighed = self._weighed(at, self._demand_of_cycles(at, demand), from_point=point)
        level = np.ceil(weighed.cheapest() - 1e-6)
        raw = np.where(point > at.held, level - at.held, 0.0) + 0.0 * point
        quantity, bound = orderable(at, raw)
        return Proposal(
            policy="lot_sizing",
            settings={"cycle_service": self.cycle_service, "lots_by": self.method},
            window=planned_window(at),
            level=level,
            expected=asked.expected,
            raw=raw,
            quantity=quantity,
            bound=bound,
            methods=demand.methods,
            details={
                **asked.details,
                "unit_cost": at.unit_cost,
                "order_cost": at.order_cost,
                "holding_rate_per_period": holding_rates(at, given=self.holding_rate_per_period),
                **weighed.details(),
                "cost_ratio": np.full(at.n, implied_cost_ratio(self.cycle_service)),
            },
            steps=(
                *asked.steps,
                Step(name="reorder_point", formula="round_up(demand_quantile - 0.000001)", values=point),
                *weighed.steps(),
                Step(name="level", formula="round_up(cheapest() - 0.000001)", values=level),
                Step(name="wanted", formula=_WANTED, values=raw),
            ),
        )

    def _demand_of_cycles(self, at: Position, demand: Cumulative) -> UnitsArray:
        """Expected demand of each cycle after those that the order must cover, shape (n, look_ahead)."""
        reached = means_ahead(demand, self.ahead(at))
        return np.asarray(np.round(np.maximum(np.diff(reached, axis=1), 0.0), 6), dtype=np.float64)

    def _weighed(self, at: Position, ahead: UnitsArray, *, from_point: UnitsArray) -> _Weighed:
        held = at.unit_cost * holding_rates(at, given=self.holding_rate_per_period) * at.review_periods
        priced = (at.order_cost > 0) & np.isfinite(at.order_cost) & (held > 0) & np.isfinite(held)
        fixed, each = np.where(priced, at.order_cost, 0.0), np.where(priced, held, 0.0)
        ahead = np.where(priced[:, None], ahead, 0.0)
        rest = None
        if self.method == "silver_meal":
            costs = mean_costs(ahead, fixed_cost=fixed, holding_cost=each)
        else:
            rest = costs_of_rest(ahead, fixed_cost=fixed, holding_cost=each)
            costs = fixed[:, None] + each[:, None] * carried(ahead) + rest
        costs = costs + 0.0 * from_point[:, None]
        costs[~priced, 1:] = np.nan
        return _Weighed(ahead=ahead, point=from_point, held=held, priced=priced, costs=costs, rest=rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weighed:
    """Levels that cover 0, 1, 2, ... cycles of ``ahead`` (n, c) more, and what each costs; NaN where not weighed."""

    ahead: UnitsArray
    point: UnitsArray
    held: UnitsArray
    priced: BoolArray
    costs: UnitsArray
    rest: UnitsArray | None

    @property
    def tried(self) -> UnitsArray:
        return self._where_weighed(self.point[:, None] + np.cumsum(np.pad(self.ahead, ((0, 0), (1, 0))), axis=1))

    @property
    def best(self) -> IntArray:
        """Cycles more that the order covers."""
        best, lowest = np.zeros(len(self.costs), dtype=np.int64), self.costs[:, 0]
        for k, cost in enumerate(self.costs.T):
            less = cost < lowest - 1e-9
            best, lowest = np.where(less, k, best), np.where(less, cost, lowest)
        return best

    def cheapest(self) -> UnitsArray:
        """The first level that no later one undercuts by more than 0.000000001."""
        return np.take_along_axis(self.tried, self.best[:, None], axis=1)[:, 0]

    def details(self) -> dict[str, UnitsArray]:
        """Each cycle's demand, what was tried and taken, and by Wagner-Whitin what the cycles left cost at least."""
        ahead = self._where_weighed(np.pad(self.ahead, ((0, 0), (1, 0))))
        rest = [] if self.rest is None else [*np.where(self.priced[:, None], self._where_weighed(self.rest), np.nan).T]
        return {
            **{f"demand_of_cycle_{k}": column for k, column in enumerate(ahead.T) if k},
            **{f"cost_of_rest_{k}": column for k, column in enumerate(rest)},
            **tried_columns(self.tried, self.costs),
            "cycles_ahead": self.best.astype(np.float64),
        }

    def steps(self) -> Iterator[Step]:
        """How each level that was tried, and what it costs, comes about."""
        held = "unit_cost * holding_rate_per_period * review_periods"
        tried, sums, costs = self.tried, self._where_weighed(carried(self.ahead)), self.costs
        yield Step(name="cost_of_one_held", formula=held, values=self.held)
        yield Step(name="tried_0", formula="reorder_point", values=tried[:, 0])
        yield Step(name="cost_0", formula="0", values=np.where(self.priced, np.nan, costs[:, 0]))
        yield Step(name="cost_0", formula=self._cost(0), values=np.where(self.priced, costs[:, 0], np.nan))
        for k in range(1, tried.shape[1]):
            more = f"{k} * demand_of_cycle_{k}"
            yield Step(name=f"tried_{k}", formula=f"tried_{k - 1} + demand_of_cycle_{k}", values=tried[:, k])
            formula = more if k == 1 else f"carried_{k - 1} + {more}"
            yield Step(name=f"carried_{k}", formula=formula, values=sums[:, k])
            yield Step(name=f"cost_{k}", formula=self._cost(k), values=costs[:, k])

    def _cost(self, k: int) -> str:
        paid = f"order_cost + cost_of_one_held * carried_{k}" if k else "order_cost"
        if self.rest is not None:
            return f"{paid} + cost_of_rest_{k}"
        return f"({paid}) / {k + 1}" if k else paid

    def _where_weighed(self, values: UnitsArray) -> UnitsArray:
        return np.where(np.isnan(self.costs), np.nan, values)
