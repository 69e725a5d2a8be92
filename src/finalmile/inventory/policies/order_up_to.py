"""Order up to a quantile of demand over review and lead time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.frames import Cumulative
from finalmile.inventory.chances import check_chance
from finalmile.inventory.constraints import orderable
from finalmile.inventory.demand import Demand
from finalmile.inventory.position import Position, planned_window, protection_windows
from finalmile.inventory.proposal import DemandKind, Proposal, policies
from finalmile.inventory.protection import demand_asked, levels_with
from finalmile.inventory.safety_stock import implied_cost_ratio
from finalmile.inventory.steps import Step


@policies.add("order_up_to")
@dataclass(frozen=True, kw_only=True)
class OrderUpTo:
    r"""Lift on hand plus on order to the demand that is not exceeded with the probability asked for.

    .. math:: S = F^{-1}_{R+L}(\alpha), \qquad q = \max(0,\; S - \text{on hand} - \text{on order})

    with :math:`F_{R+L}` the distribution of demand over the whole review and lead time, not a sum of daily
    quantiles; where the lead time varies, the mixture of those of its lengths. The right choice where service is
    promised as the share of order cycles without a stock-out; where cost decides instead, see ``look_ahead``.

    Parameters
    ----------
    cycle_service
        Probability that an order cycle ends without a stock-out, in (0, 1). This is not the fill rate, which is
        usually higher.

    References
    ----------
    Silver, Pyke and Peterson (1998), *Inventory Management and Production Planning and Scheduling*, chapter 7: the
    (R, S) system.

    Examples
    --------
    >>> from finalmile.inventory.position import position
    >>> at = position(np.array(["a"], dtype=object), on_hand=np.array([2.0]), on_order=np.array([3.0]),
    ...               lead_periods=np.array([2]))
    >>> demand = Cumulative(windows=np.array([[3]]), mean=np.array([[6.0]], dtype=np.float32), levels=(0.98,),
    ...                     values=np.array([[[12.0]]], dtype=np.float32), methods=np.array(["cqr"], dtype=object))
    >>> OrderUpTo()(at, demand).quantity
    array([7.])
    """

    cycle_service: float = 0.98

    def __post_init__(self) -> None:
        check_chance("cycle_service", self.cycle_service)

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
        """Order up to the quantile; an item whose quantile is NaN is left out as ``"no_forecast"``."""
        if not isinstance(demand, Cumulative):
            raise TypeError(f"order_up_to reads Cumulative demand, not {type(demand).__name__}")
        asked = demand_asked(at, demand, cycle_service=self.cycle_service)
        level = np.ceil(asked.quantile - 1e-6)
        raw = np.maximum(level - at.held, 0.0)
        quantity, bound = orderable(at, raw)
        return Proposal(
            policy="order_up_to",
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
                "cost_ratio": np.full(at.n, implied_cost_ratio(self.cycle_service)),
            },
            steps=(
                *asked.steps,
                Step(name="level", formula="round_up(demand_quantile - 0.000001)", values=level),
                Step(name="wanted", formula="max(0, level - on_hand - on_order)", values=raw),
            ),
        )
