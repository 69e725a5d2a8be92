"""Order up to the stock that serves a share of the demand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.frames import Cumulative, IntArray
from finalmile.inventory.chances import check_chance
from finalmile.inventory.constraints import orderable
from finalmile.inventory.demand import Demand
from finalmile.inventory.position import Position, lead_windows, planned_window, protection_windows
from finalmile.inventory.proposal import DemandKind, Proposal, policies
from finalmile.inventory.protection import LAW_LEVELS, DemandLaw, law_before, law_of, mean_window
from finalmile.inventory.steps import Step, law_numbers
from finalmile.simulation import UnitsArray


@policies.add("fill_rate_order_up_to")
@dataclass(frozen=True, kw_only=True)
class FillRateOrderUpTo:
    r"""Lift on hand plus on order until no more than a share of the demand between two orders is expected to be short.

    .. math:: E[(D_{R+L} - S)^+] - E[(D_L - S)^+] \le (1 - \beta)\, E[D_R]

    Choose it where service is promised as the share of units delivered from the shelf. It needs less stock than the
    same figure of ``order_up_to`` on most items, and more on lumpy ones: the two are different promises.

    Parameters
    ----------
    fill_rate
        Share of demanded units served at once, in (0, 1). This is not the cycle service.

    Notes
    -----
    Demand between two orders is taken as the review period's share of the window. Where demand over the lead time alone
    was not forecast, units still short from the cycle before are counted again, and the stock is larger than needed.

    References
    ----------
    Silver, Pyke and Peterson (1998), *Inventory Management and Production Planning and Scheduling*, chapter 7.

    Examples
    --------
    >>> from finalmile.inventory.position import position
    >>> at = position(np.array(["a"], dtype=object), on_hand=np.array([2.0]), lead_periods=np.array([1]))
    >>> told = Cumulative(windows=np.array([[2]]), mean=np.array([[10.0]], dtype=np.float32), levels=LAW_LEVELS,
    ...                   values=np.array([[[10, 14, 16, 18, 20, 22]]], dtype=np.float32),
    ...                   methods=np.array(["cqr"], dtype=object))
    >>> wanted = FillRateOrderUpTo()(at, told)
    >>> wanted.details["short_allowed"].round(6), wanted.level, wanted.quantity   # (1 - 0.98) x 10 / 2
    (array([0.1]), array([19.]), array([17.]))
    """

    fill_rate: float = 0.98

    def __post_init__(self) -> None:
        check_chance("fill_rate", self.fill_rate)

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

    def windows(self, at: Position, /) -> IntArray:
        """The protection interval's, and the lead times'."""
        return np.hstack([protection_windows(at), np.maximum(lead_windows(at), 1)])

    def __call__(self, at: Position, demand: Demand, /) -> Proposal:
        """Order up to the stock; an item whose quantiles are NaN is left out as ``"no_forecast"``."""
        if not isinstance(demand, Cumulative):
            raise TypeError(f"fill_rate_order_up_to reads Cumulative demand, not {type(demand).__name__}")
        law, window = law_of(at, demand), mean_window(at)
        allowed = (1 - self.fill_rate) * law.mean * at.review_periods / window
        before = law_before(at, demand)
        enough = law.stock_for(allowed) if before is None else law.stock_to_add(allowed, before=before)
        level = np.ceil(enough - 1e-6)
        raw = np.maximum(level - at.held, 0.0)
        quantity, bound = orderable(at, raw)
        return Proposal(
            policy="fill_rate_order_up_to",
            settings={"fill_rate": self.fill_rate},
            window=planned_window(at),
            level=level,
            expected=law.mean,
            raw=raw,
            quantity=quantity,
            bound=bound,
            methods=demand.methods,
            details={
                "short_allowed": allowed,
                "cycle_service_of_level": law.cdf(level),
                "mean_window": window,
                **law_numbers(law.knots, levels=law.levels, weights=law.weights, windows=protection_windows(at)),
                **({} if before is None else _numbers_before(before, at)),
            },
            steps=(
                Step(
                    name="short_allowed",
                    formula="(1 - fill_rate) * expected_demand * review_periods / mean_window",
                    values=allowed,
                ),
                Step(
                    name="enough",
                    formula="least_stock(short_allowed)" if before is None else "least_stock_after(short_allowed)",
                    values=enough,
                ),
                Step(name="level", formula="round_up(enough - 0.000001)", values=level),
                Step(name="short_expected", formula="short(level)", values=law.short(level)),
                Step(name="wanted", formula="max(0, level - on_hand - on_order)", values=raw),
            ),
        )


def _numbers_before(before: DemandLaw, at: Position) -> dict[str, UnitsArray]:
    """The quantiles of demand until the order arrives, by name."""
    numbers = law_numbers(before.knots, levels=before.levels, weights=before.weights, windows=lead_windows(at))
    return {f"before_{name}": values for name, values in numbers.items()}
