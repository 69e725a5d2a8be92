"""Order lots when stock falls below a point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.frames import Cumulative
from finalmile.inventory.chances import check_chance
from finalmile.inventory.constraints import orderable
from finalmile.inventory.demand import Demand
from finalmile.inventory.lots import behind_lots, check_holding_rate, lot_steps
from finalmile.inventory.position import Position, planned_window, protection_windows
from finalmile.inventory.proposal import DemandKind, Proposal, policies
from finalmile.inventory.protection import demand_asked, levels_with, mean_window
from finalmile.inventory.safety_stock import implied_cost_ratio
from finalmile.inventory.steps import Step


@policies.add("reorder_point")
@dataclass(frozen=True, kw_only=True)
class ReorderPoint:
    r"""When on hand plus on order is below the reorder point, order as many lots as lift it there again: (s, Q).

    .. math:: s = F^{-1}_{R+L}(\alpha), \qquad q = Q \lceil (s - \text{position}) / Q \rceil

    with the lot :math:`Q` the economic order quantity, at least what is asked for between two reviews. Choose it where
    suppliers want the same quantity each time. The point covers review and lead time, so a weekly look does not take
    back what was promised; reviewed each period it is the textbook's with one period more.

    Parameters
    ----------
    cycle_service
        Probability that an order cycle ends without a stock-out, in (0, 1). This is not the fill rate.
    holding_rate_per_period
        Share of a unit's cost that holding it for a period costs; ``None`` takes each item's own.

    References
    ----------
    Silver, Pyke and Peterson (1998), *Inventory Management and Production Planning and Scheduling*, chapter 7.

    Examples
    --------
    >>> from finalmile.inventory.position import position
    >>> at = position(np.array(["a", "b"], dtype=object), on_hand=np.array([3.0, 12.0]), lead_periods=np.array([2, 2]),
    ...               review_periods=np.array([2, 2]))
    >>> told = Cumulative(windows=np.array([[4], [4]]), mean=np.full((2, 1), 8, dtype=np.float32), levels=(0.98,),
    ...                   values=np.full((2, 1, 1), 12, dtype=np.float32), methods=np.full(2, "cqr", dtype=object))
    >>> ReorderPoint()(at, told).quantity.astype(int)   # b is at its point
    array([12,  0])
    """

    cycle_service: float = 0.98
    holding_rate_per_period: float | None = None

    def __post_init__(self) -> None:
        check_chance("cycle_service", self.cycle_service)
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
        """Order lots up to the point or above; an item without a quantile is left out as ``"no_forecast"``."""
        if not isinstance(demand, Cumulative):
            raise TypeError(f"reorder_point reads Cumulative demand, not {type(demand).__name__}")
        asked = demand_asked(at, demand, cycle_service=self.cycle_service)
        point = np.ceil(asked.quantile - 1e-6)
        expected = asked.expected
        steps = lot_steps(at, expected / mean_window(at), holding_rate=self.holding_rate_per_period)
        lot = steps[-1].values
        missing = np.maximum(point - at.held, 0.0)
        raw = np.ceil(missing / lot - 1e-9) * lot + 0.0
        quantity, bound = orderable(at, raw)
        return Proposal(
            policy="reorder_point",
            settings={"cycle_service": self.cycle_service},
            window=planned_window(at),
            level=np.where(raw > 0, at.held + raw, point),
            expected=expected,
            raw=raw,
            quantity=quantity,
            bound=bound,
            methods=demand.methods,
            details={
                **asked.details,
                **behind_lots(at, mean_window=mean_window(at), holding_rate=self.holding_rate_per_period),
                "reorder_point": point,
                "lot": lot,
                "cost_ratio": np.full(at.n, implied_cost_ratio(self.cycle_service)),
            },
            steps=(
                *asked.steps,
                Step(name="reorder_point", formula="round_up(demand_quantile - 0.000001)", values=point),
                *steps,
                Step(name="missing", formula="max(0, reorder_point - on_hand - on_order)", values=missing),
                Step(name="wanted", formula="round_up(missing / lot - 0.000000001) * lot", values=raw),
            ),
        )
