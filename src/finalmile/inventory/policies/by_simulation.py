"""Order up to the level that keeps its service, or costs least, when simulated with lost sales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.frames import BoolArray, Cumulative, IntArray
from finalmile.inventory.chances import check_chance
from finalmile.inventory.constraints import orderable
from finalmile.inventory.demand import Demand
from finalmile.inventory.level_search import Goal, LevelSearch, Tried
from finalmile.inventory.lots import behind_lots, check_holding_rate, lot_steps
from finalmile.inventory.period_demand import PeriodDemand, period_demand
from finalmile.inventory.position import Position, holding_rates, planned_window, protection_windows
from finalmile.inventory.proposal import DemandKind, Proposal, policies
from finalmile.inventory.protection import LAW_LEVELS, DemandLaw, demand_law, law_of, mean_window
from finalmile.inventory.steps import Step
from finalmile.records import Json
from finalmile.simulation import Costs, UnitsArray

_USUAL = 0.98


@policies.add("by_simulation")
@dataclass(frozen=True, kw_only=True)
class BySimulation:
    r"""Try levels on simulated demand with lost sales, and order up to the least that keeps the service asked for.

    Every level of an item meets the same 208 weeks of demand and the same lead times, on its own terms: reviews, whole
    packs, minimum order, most stock, lead times that vary. Demand that is not met is lost. The chance comes from the
    item's id alone. Choose it where formulas do not hold: they owe what is short, take packs and minima as free, and
    so ask for more stock than lost sales need, or for less where much is on its way.

    Parameters
    ----------
    goal
        ``"fill_rate"`` or ``"cycle_service"``, the least level that reaches it; or ``"cost"``, the level that costs
        least by the unit short and the unit on the shelf.
    fill_rate, cycle_service
        The service to reach, in (0, 1), 0.98 where it is left out; only that of the goal may be given.
    kind
        ``"order_up_to"``: a level, at each review. ``"min_max"``: the level is the least, below which is ordered up to
        a lot above it, the economic order quantity.
    shortage_cost
        Money per unit of demand lost, where cost decides; ``None`` takes each item's price less its cost.
    holding_rate_per_period
        Share of a unit's cost that holding it for a period costs; ``None`` takes each item's own.
    periods
        Periods that are simulated, at least 100 reviews.

    Notes
    -----
    Demand of a period is negative binomial, independent of the others, with the forecast's mean; its spread is such
    that over review and lead time as much is expected to be short at the level that the formula would choose as the
    forecast's quantiles say. An item with more orders on the way than it ever needs at once is not harmed: what counts
    is the position.

    The level was chosen on the demand it is judged by, so a little less service comes than was simulated: of lumpy
    items 97.8 % where 98 % fill rate was asked.

    References
    ----------
    Fu (2002), "Optimization for simulation: theory vs. practice", *INFORMS Journal on Computing* 14(3): common random
    numbers. Bijvank and Vis (2011), "Lost-sales inventory theory: a review", *European Journal of Operational
    Research* 215(1).

    Examples
    --------
    Ten are expected until the order after this one arrives, and more than 20 in one case of fifty:

    >>> from finalmile.inventory.position import position
    >>> at = position(np.array(["a"], dtype=object), on_hand=np.array([1.0]), lead_periods=np.array([1]))
    >>> told = Cumulative(windows=np.array([[2]]), mean=np.array([[10.0]], dtype=np.float32), levels=LAW_LEVELS,
    ...                   values=np.array([[[10, 14, 16, 18, 20, 22]]], dtype=np.float32),
    ...                   methods=np.array(["cqr"], dtype=object))
    >>> wanted = BySimulation(fill_rate=0.98)(at, told)
    >>> wanted.level - wanted.quantity   # 1 on the shelf
    array([1.])
    >>> bool(wanted.details["fill_rate_0"][0] < 0.98)   # the lowest that was tried
    True
    """

    goal: Goal = "fill_rate"
    fill_rate: float | None = None
    cycle_service: float | None = None
    kind: Literal["order_up_to", "min_max"] = "order_up_to"
    shortage_cost: float | None = None
    holding_rate_per_period: float | None = None
    periods: int = 1_456

    def __post_init__(self) -> None:
        if self.goal not in ("fill_rate", "cycle_service", "cost"):
            raise ValueError(f"goal is {self.goal!r}; it must be fill_rate, cycle_service or cost")
        if self.kind not in ("order_up_to", "min_max"):
            raise ValueError(f"kind is {self.kind!r}; it must be order_up_to or min_max")
        for name in ("fill_rate", "cycle_service"):
            asked: float | None = getattr(self, name)
            if asked is not None:
                check_chance(name, asked)
            if asked is not None and self.goal != name:
                raise ValueError(
                    f"{name} is {asked}, which goal: {self.goal} does not read; set goal: {name}, or leave it out"
                )
        check_holding_rate(self.holding_rate_per_period)
        if self.shortage_cost is not None and not self.shortage_cost > 0:
            raise ValueError(f"shortage_cost is {self.shortage_cost}; it must be above 0")
        if not 1 <= self.periods <= 100_000:
            raise ValueError(f"periods is {self.periods}; it must be 1 to 100,000")

    @property
    def service(self) -> float:
        """The share that the goal asks for."""
        asked = self.cycle_service if self.goal == "cycle_service" else self.fill_rate
        return _USUAL if asked is None else asked

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
        """Order up to the level found; an item whose quantiles are NaN is left out as ``"no_forecast"``."""
        if not isinstance(demand, Cumulative):
            raise TypeError(f"by_simulation reads Cumulative demand, not {type(demand).__name__}")
        law = law_of(at, demand)
        prices = self._prices(at)
        each = self._each_period(at, demand, prices)
        lots = lot_steps(at, law.mean / mean_window(at), holding_rate=self.holding_rate_per_period)
        lot = lots[-1].values if self.kind == "min_max" else None
        tried = LevelSearch(goal=self.goal, target=self.service, periods=self.periods)(
            at, each, guess=self._guess(law, at, prices), lot=lot, costs=prices
        )
        return self._proposal(at, demand, law, tried, lots)

    def _prices(self, at: Position) -> Costs:
        """Money per unit and period, per unit short, per order; where cost decides each has to be known."""
        shortage = at.unit_price - at.unit_cost if self.shortage_cost is None else np.full(at.n, self.shortage_cost)
        holding = at.unit_cost * holding_rates(at, given=self.holding_rate_per_period)
        unknown = np.isnan(shortage) | np.isnan(holding)
        if self.goal == "cost" and unknown.any():
            raise MissingInputError(
                f"unit_cost or unit_price unknown for {int(unknown.sum())} of {at.n} items "
                f"({at.ids[int(unknown.argmax())]!r} first), and goal: cost orders by money; add them to items, or ask "
                "for a fill_rate or cycle_service"
            )
        return Costs(holding=holding, shortage=np.maximum(shortage, 0.0), order=np.nan_to_num(at.order_cost))

    def _guess(self, law: DemandLaw, at: Position, prices: Costs) -> UnitsArray:
        """What the formula for owed demand would hold, whole units."""
        if self.goal == "fill_rate":
            allowed = (1 - self.service) * law.mean * at.review_periods / mean_window(at)
            return np.asarray(np.ceil(law.stock_for(allowed) - 1e-6), dtype=np.float64)
        if self.goal == "cycle_service":
            return np.asarray(np.ceil(law.quantile(self.service) - 1e-6), dtype=np.float64)
        shortage, holding = np.asarray(prices.shortage), np.asarray(prices.holding) * at.review_periods
        ratio = shortage / np.where(shortage + holding > 0, shortage + holding, 1.0)
        return np.asarray(np.ceil(law.quantile(np.clip(ratio, 0.0, 0.999)) - 1e-6), dtype=np.float64)

    def _each_period(self, at: Position, told: Cumulative, prices: Costs) -> PeriodDemand:
        """Demand of a period, from that over the window that is nearest to what is expected."""
        windows = protection_windows(at)
        nearest: IntArray = np.abs(windows - mean_window(at)[:, None]).argmin(axis=1).astype(np.int64)
        window = np.take_along_axis(windows, nearest[:, None], axis=1)
        law = demand_law(told, window)
        return period_demand(law, periods=window[:, 0].astype(np.float64), at=self._guess(law, at, prices))

    def _proposal(
        self, at: Position, demand: Cumulative, law: DemandLaw, tried: Tried, lots: tuple[Step, ...]
    ) -> Proposal:
        known: BoolArray = np.asarray(np.isfinite(law.mean))
        best = np.where(known, tried.best, np.nan)
        two = self.kind == "min_max"
        level = best + lots[-1].values if two else best
        behind = behind_lots(at, mean_window=mean_window(at), holding_rate=self.holding_rate_per_period)
        priced = {name: behind[name] for name in ("unit_cost", "holding_rate_per_period")}
        raw = np.where(best > at.held, level - at.held, 0.0) + 0.0 * best
        quantity, bound = orderable(at, raw)
        return Proposal(
            policy="by_simulation",
            settings=self._settings(),
            window=planned_window(at),
            level=level,
            expected=law.mean,
            raw=raw,
            quantity=quantity,
            bound=bound,
            methods=demand.methods,
            details={
                **_columns("tried", tried.levels, known=known),
                **_columns(self.goal, tried.told, known=known),
                **(behind if two else priced if self.goal == "cost" else {}),
            },
            steps=(*self._steps(best, level, lots), Step(name="wanted", formula=_WANTED[self.kind], values=raw)),
        )

    def _steps(self, best: UnitsArray, level: UnitsArray, lots: tuple[Step, ...]) -> tuple[Step, ...]:
        found = "cheapest()" if self.goal == "cost" else f"first_to_reach({self.goal})"
        if self.kind == "order_up_to":
            return (Step(name="level", formula=found, values=best),)
        return (
            Step(name="reorder_point", formula=found, values=best),
            *lots,
            Step(name="level", formula="reorder_point + lot", values=level),
        )

    def _settings(self) -> Json:
        asked: dict[str, object] = {} if self.goal == "cost" else {self.goal: self.service}
        money = {"shortage_cost": self.shortage_cost} if self.goal == "cost" and self.shortage_cost is not None else {}
        return {"goal": self.goal, "kind": self.kind, "simulated_periods": self.periods, **asked, **money}


_WANTED = {
    "order_up_to": "max(0, level - on_hand - on_order)",
    "min_max": "if(on_hand + on_order < reorder_point, level - on_hand - on_order, 0)",
}


def _columns(
    name: str, values: UnitsArray, *, known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> dict[str, UnitsArray]:
    """Columns by name and number, NaN without a forecast; none that is empty."""
    columns = (np.where(known, column, np.nan) for column in values.T)
    return {f"{name}_{k}": column for k, column in enumerate(columns) if not np.isnan(column).all()}
