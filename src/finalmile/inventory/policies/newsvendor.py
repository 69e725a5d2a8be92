"""Order up to the quantile that the money at stake asks for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.frames import Cumulative
from finalmile.inventory.constraints import orderable
from finalmile.inventory.demand import Demand
from finalmile.inventory.position import Position, planned_window, protection_windows
from finalmile.inventory.proposal import DemandKind, Proposal, policies
from finalmile.inventory.protection import LAW_LEVELS, law_of
from finalmile.inventory.steps import Step, law_numbers


@policies.add("newsvendor")
@dataclass(frozen=True, kw_only=True)
class Newsvendor:
    r"""Lift on hand plus on order to the quantile of demand at each item's own critical ratio.

    .. math:: F_{R+L}(S) = \frac{C_u}{C_u + C_o}, \qquad C_u = \text{price} - \text{cost}, \quad
        C_o = \text{cost} \times (1 - \text{salvage})

    For what is worth little once its season or day is over. What keeps until the next order costs only its holding
    when it is left, so ``order_up_to`` or ``look_ahead`` suit it better.

    Parameters
    ----------
    salvage_share
        Share of a unit's cost that one left over still brings, in [0, 1).

    References
    ----------
    Arrow, Harris and Marschak (1951), "Optimal inventory policy", *Econometrica* 19(3).

    Examples
    --------
    Price 5, cost 1, nothing for leftovers: 4 lost per unit short, 1 per unit left, ratio 0.8.

    >>> from finalmile.inventory.position import position
    >>> at = position(np.array(["a"], dtype=object), on_hand=np.array([4.0]), lead_periods=np.array([1]),
    ...               unit_cost=np.array([1.0]), unit_price=np.array([5.0]))
    >>> told = Cumulative(windows=np.array([[2]]), mean=np.array([[10.0]], dtype=np.float32), levels=LAW_LEVELS,
    ...                   values=np.array([[[10, 14, 16, 18, 20, 22]]], dtype=np.float32),
    ...                   methods=np.array(["cqr"], dtype=object))
    >>> wanted = Newsvendor()(at, told)
    >>> wanted.details["critical_ratio"], wanted.level, wanted.quantity
    (array([0.8]), array([14.]), array([10.]))
    """

    salvage_share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.salvage_share < 1:
            raise ValueError(f"salvage_share is {self.salvage_share}; it must be at least 0 and below 1")

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
        """Order up to the quantile; nothing of what sells at no more than it costs.

        Raises
        ------
        MissingInputError
            If an item's price or cost is unknown, or its cost is not positive.
        """
        if not isinstance(demand, Cumulative):
            raise TypeError(f"newsvendor reads Cumulative demand, not {type(demand).__name__}")
        _refuse_unpriced(at)
        law = law_of(at, demand)
        under = np.maximum(at.unit_price - at.unit_cost, 0.0)
        over = at.unit_cost * (1 - self.salvage_share)
        ratio = under / (under + over)
        asked = law.quantile(ratio)
        level = np.ceil(asked - 1e-6)
        raw = np.maximum(level - at.held, 0.0)
        quantity, bound = orderable(at, raw)
        return Proposal(
            policy="newsvendor",
            settings={"salvage_share": self.salvage_share},
            window=planned_window(at),
            level=level,
            expected=law.mean,
            raw=raw,
            quantity=quantity,
            bound=bound,
            methods=demand.methods,
            details={
                "unit_price": at.unit_price,
                "unit_cost": at.unit_cost,
                "cost_of_one_short": under,
                "cost_of_one_left": over,
                "critical_ratio": ratio,
                **law_numbers(law.knots, levels=law.levels, weights=law.weights, windows=protection_windows(at)),
            },
            steps=(
                Step(name="cost_of_one_short", formula="max(unit_price - unit_cost, 0)", values=under),
                Step(name="cost_of_one_left", formula="unit_cost * (1 - salvage_share)", values=over),
                Step(
                    name="critical_ratio",
                    formula="cost_of_one_short / (cost_of_one_short + cost_of_one_left)",
                    values=ratio,
                ),
                Step(name="demand_quantile", formula="quantile(critical_ratio)", values=asked),
                Step(name="level", formula="round_up(demand_quantile - 0.000001)", values=level),
                Step(name="wanted", formula="max(0, level - on_hand - on_order)", values=raw),
            ),
        )


def _refuse_unpriced(at: Position) -> None:
    unknown = ~(np.isfinite(at.unit_price) & (at.unit_cost > 0) & np.isfinite(at.unit_cost))
    if unknown.any():
        names = ", ".join(repr(str(name)) for name in at.ids[unknown][:5])
        raise MissingInputError(
            f"newsvendor weighs money, and {int(unknown.sum())} of {at.n} items ({names}) have no price or no positive "
            "cost: give unit_price and unit_cost in items, or plan with order_up_to, which needs a service level alone"
        )
