"""Order what costs least over simulated futures, lost sales and the pipeline included."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.frames import BoolArray, IntArray, NameArray
from finalmile.inventory.constraints import orderable
from finalmile.inventory.demand import Demand, PathDemand, sum_ahead
from finalmile.inventory.position import Position, holding_rates, protection_windows
from finalmile.inventory.proposal import DemandKind, Proposal, policies
from finalmile.inventory.steps import Step
from finalmile.simulation import UnitsArray

_STEPS = 25
_RISES = 3


@policies.add("look_ahead")
@dataclass(frozen=True, kw_only=True)
class LookAhead:
    r"""Order by expected holding and shortage cost over sample paths, from the stock and pipeline there really are.

    Every path rolls today's shelf and open orders through the lead time with lost sales. On what is left at arrival,
    :math:`Z`, the *myopic* order covers its own cycle at the critical ratio:

    .. math:: q_0 = \max\left(0,\; Q_{p/(p+h)}(D_{\text{cycle}} - Z)\right)

    and then smaller orders are tried, each rolled through ``look_ahead`` further cycles in which later orders are
    myopic too; the cheapest wins. Smaller, because a unit that is not sold meets a second cycle that is probably
    weak as well (a level error is common to a path) while placed orders cannot be taken back.

    Choose it where the cost of a unit short and a unit left is known and sales not served are lost. In shops small
    enough to work out exactly (Poisson demand of 2, a unit short five times as dear, lead times of one and two
    periods), it costs 0.3 and 0.4 % more than the optimum, which knows that later orders see more; the best
    order-up-to level costs 1.7 and 4.2 % more. Where a service level is promised instead, choose ``order_up_to``.

    Parameters
    ----------
    shortage_cost
        Money per unit of demand lost; ``None`` takes each item's price less its cost.
    holding_cost
        Money per unit left at the end of a period; ``None`` takes ``holding_rate_per_period`` of each item's cost.
    holding_rate_per_period
        Share of a unit's cost that holding it for a period costs; ``None`` takes each item's own.
    look_ahead
        Order cycles weighed after the one the order arrives for. 0 is the myopic order: right when the world ends
        with that cycle, as at a season's end.

    References
    ----------
    Zipkin (2008), "Old and new methods for lost-sales inventory systems", *Operations Research* 56(5): myopic and
    look-ahead policies.

    Examples
    --------
    One week of lead time, demand always 4, one on the shelf: what arrives serves the week after next.

    >>> from finalmile.inventory.position import position
    >>> at = position(np.array(["a"], dtype=object), on_hand=np.array([1.0]), lead_periods=np.array([1]))
    >>> sure = PathDemand(paths=np.full((1, 10, 4), 4.0), mean=np.full((1, 4), 4.0))
    >>> LookAhead(holding_cost=0.2, shortage_cost=1.0)(at, sure).quantity
    array([4.])
    """

    shortage_cost: float | None = None
    holding_cost: float | None = None
    holding_rate_per_period: float | None = None
    look_ahead: int = 2

    def __post_init__(self) -> None:
        for name in ("shortage_cost", "holding_cost", "holding_rate_per_period", "look_ahead"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} is {value}; it must not be negative")

    @property
    def needs(self) -> DemandKind:
        """Sample paths."""
        return "paths"

    @property
    def levels(self) -> tuple[float, ...]:
        """None."""
        return ()

    def horizon(self, at: Position, /) -> int:
        """Lead time and every cycle weighed, of the item that needs most."""
        return int((at.lead_periods + at.review_periods * (1 + self.look_ahead)).max(initial=1))

    def __call__(self, at: Position, demand: Demand, /) -> Proposal:
        """The cheapest orders; an item whose paths are NaN is left out as ``"no_forecast"``."""
        if not isinstance(demand, PathDemand):
            raise TypeError(f"look_ahead reads PathDemand, not {type(demand).__name__}")
        _check_horizon(demand, self.horizon(at))
        holding, shortage = self._costs(at)
        wanted, left = np.zeros(at.n), np.zeros(at.n)
        tried, costs = (np.full((at.n, _STEPS + 1), np.nan) for _ in range(2))
        for lead, review in sorted(set(zip(at.lead_periods.tolist(), at.review_periods.tolist(), strict=True))):
            rows = np.flatnonzero((at.lead_periods == lead) & (at.review_periods == review))
            game = _Game(
                demand=np.nan_to_num(demand.paths[rows]),
                due=_columns(at.schedule()[rows], demand.paths.shape[2]),
                on_hand=at.on_hand[rows],
                holding=holding[rows],
                shortage=shortage[rows],
                lead=lead,
                review=review,
                cycles=1 + self.look_ahead,
            )
            wanted[rows], tried[rows], costs[rows], left[rows] = game.best()
        weighed = {
            name: column
            for k in range(_STEPS + 1)
            for name, column in ((f"tried_{k}", tried[:, k]), (f"cost_{k}", costs[:, k]))
            if not np.isnan(column).all()
        }
        money = {"cost_of_one_left": holding, "cost_of_one_short": shortage}
        details = {"myopic": tried[:, 0], "expected_left_at_arrival": left, **money, **weighed}
        return self._proposal(at, demand, wanted=wanted, details=details)

    def _costs(self, at: Position) -> tuple[UnitsArray, UnitsArray]:
        shortage = at.unit_price - at.unit_cost if self.shortage_cost is None else np.full(at.n, self.shortage_cost)
        rate = holding_rates(at, given=self.holding_rate_per_period)
        holding = at.unit_cost * rate if self.holding_cost is None else np.full(at.n, self.holding_cost)
        unknown = np.isnan(shortage) | np.isnan(holding)
        if unknown.any():
            raise MissingInputError(
                f"unit_cost or unit_price unknown for {int(unknown.sum())} of {at.n} items "
                f"({at.ids[int(unknown.argmax())]!r} first), and look_ahead orders by money; add them to items, or set "
                "holding_cost and shortage_cost of the policy"
            )
        return np.maximum(holding, 0.0), np.maximum(shortage, 0.0)

    def _proposal(
        self, at: Position, demand: PathDemand, *, wanted: UnitsArray, details: dict[str, UnitsArray]
    ) -> Proposal:
        window = protection_windows(at)[:, 0]
        known: BoolArray = ~np.isnan(demand.paths.max(axis=(1, 2), initial=-np.inf))
        raw = np.where(known, wanted, np.nan)
        quantity, bound = orderable(at, raw)
        methods: NameArray = np.full(at.n, "paths", dtype=object)
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return Proposal(
            policy="look_ahead",
            settings={**given, **_told_of_leads(at)},
            window=window,
            level=at.held + raw,
            expected=sum_ahead(demand.mean, window),
            raw=raw,
            quantity=quantity,
            bound=bound,
            methods=methods,
            details=details,
            steps=(Step(name="wanted", formula="cheapest()", values=raw),),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Game:
    """Items of one lead and review time on their paths; ``demand`` is (m, s, h), ``due`` (m, h), the rest (m,)."""

    demand: UnitsArray
    due: UnitsArray
    on_hand: UnitsArray
    holding: UnitsArray
    shortage: UnitsArray
    lead: int
    review: int
    cycles: int

    def best(self) -> tuple[UnitsArray, UnitsArray, UnitsArray, UnitsArray]:
        """Cheapest order, what was tried from the myopic order down, its costs, and expected leftover at arrival."""
        left = self._left_at_arrival()
        myopic = self._myopic(left, cycle=0)
        best, lowest = myopic.copy(), self._cost(left, myopic)
        all_tried, all_costs = (np.full((len(myopic), _STEPS + 1), np.nan) for _ in range(2))
        all_tried[:, 0], all_costs[:, 0] = myopic, lowest
        last, rises = lowest.copy(), np.zeros(len(myopic), dtype=np.int64)
        step = np.maximum(1.0, np.floor(myopic / _STEPS))
        for k in range(1, _STEPS + 1 if self.cycles > 1 else 1):
            rows = np.flatnonzero((rises < _RISES) & (myopic - (k - 1) * step > 0))
            if not len(rows):
                break
            tried = np.maximum(myopic[rows] - k * step[rows], 0.0)
            cost = self._take(rows)._cost(left[rows], tried)
            rises[rows] = np.where(cost > last[rows], rises[rows] + 1, 0)
            last[rows] = cost
            all_tried[rows, k], all_costs[rows, k] = tried, cost
            better = cost < lowest[rows] - 1e-9
            best[rows[better]], lowest[rows[better]] = tried[better], cost[better]
        return best, all_tried, all_costs, left.mean(axis=1)

    def _take(self, rows: IntArray) -> _Game:
        return _Game(
            demand=self.demand[rows],
            due=self.due[rows],
            on_hand=self.on_hand[rows],
            holding=self.holding[rows],
            shortage=self.shortage[rows],
            lead=self.lead,
            review=self.review,
            cycles=self.cycles,
        )

    def _left_at_arrival(self) -> UnitsArray:
        left = np.repeat(self.on_hand[:, None], self.demand.shape[1], axis=1)
        for t in range(self.lead):
            left = np.maximum(left + self.due[:, t, None] - self.demand[:, :, t], 0.0)
        return left

    def _myopic(self, left: UnitsArray, *, cycle: int) -> UnitsArray:
        """Smallest order that serves its cycle on the critical share of paths."""
        start = self.lead + cycle * self.review
        stop = start + self.review
        short = self.demand[:, :, start:stop].sum(axis=2) - self.due[:, start:stop].sum(axis=1)[:, None] - left
        ratio = self.shortage / np.where(self.shortage + self.holding > 0, self.shortage + self.holding, 1.0)
        return np.maximum(_quantile(short, ratio), 0.0)

    def _cost(self, left: UnitsArray, quantity: UnitsArray) -> UnitsArray:
        cost = np.zeros(len(quantity))
        for cycle in range(self.cycles):
            order = quantity if cycle == 0 else self._myopic(left, cycle=cycle)
            left = left + order[:, None]
            for t in range(self.lead + cycle * self.review, self.lead + (cycle + 1) * self.review):
                after = left + self.due[:, t, None] - self.demand[:, :, t]
                left = np.maximum(after, 0.0)
                cost += self.holding * left.mean(axis=1) + self.shortage * np.maximum(-after, 0.0).mean(axis=1)
        return cost


def _quantile(values: UnitsArray, ratio: UnitsArray) -> UnitsArray:
    """Smallest value of each row that at least its ratio of the values do not exceed."""
    size = values.shape[1]
    rank: IntArray = np.clip(np.ceil(ratio * size - 1e-9), 1, size).astype(np.int64) - 1
    ordered = np.partition(values, np.unique(rank), axis=1)
    return np.take_along_axis(ordered, rank[:, None], axis=1)[:, 0]


def _told_of_leads(at: Position) -> dict[str, str]:
    """What a line says where lead times vary: paths are rolled through one length."""
    vary = at.lead_times is not None and bool(at.lead_times.vary.any())
    return {"lead_times": "taken as certain, the mean rounded up"} if vary else {}


def _columns(due: UnitsArray, width: int) -> UnitsArray:
    wide = np.zeros((len(due), width))
    kept = min(width, due.shape[1])
    wide[:, :kept] = due[:, :kept]
    return wide


def _check_horizon(demand: PathDemand, needed: int) -> None:
    there = demand.paths.shape[2]
    if there < needed:
        raise MissingInputError(
            f"look_ahead needs {needed} periods of paths and got {there}; forecast at least {needed} periods "
            "(horizon_days of the model), or set a smaller look_ahead"
        )
