"""Order up to so many periods of forecast: what most teams without a distribution do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.frames import NameArray
from finalmile.inventory.constraints import orderable
from finalmile.inventory.demand import Demand, PointDemand, sum_ahead
from finalmile.inventory.position import Position
from finalmile.inventory.proposal import DemandKind, Proposal, policies
from finalmile.inventory.steps import Step

_MISSING = "max(0, level - on_hand - on_order)"
_NEAREST = f"round_half_even({_MISSING})"


@policies.add("periods_of_cover")
@dataclass(frozen=True, kw_only=True)
class PeriodsOfCover:
    r"""Order up to the expected demand of the next so many periods.

    .. math:: S = \sum_{h=1}^{c} \mu_h

    A plain rule of thumb, here to be compared with: it holds the same cover of steady and of lumpy items, so it
    overstocks the first and starves the second.

    Parameters
    ----------
    periods
        Periods of forecast to hold, on hand and on order together; at least 1.
    nearest
        Round the quantity to the nearest whole unit instead of up.

    Examples
    --------
    >>> from finalmile.inventory.position import position
    >>> at = position(np.array(["a"], dtype=object), on_hand=np.array([5.0]), lead_periods=np.array([2]))
    >>> PeriodsOfCover(periods=4)(at, PointDemand(mean=np.full((1, 6), 3.0), sd=np.array([1.0]))).quantity
    array([7.])
    """

    periods: int = 4
    nearest: bool = False

    def __post_init__(self) -> None:
        if self.periods < 1:
            raise ValueError(f"periods is {self.periods}; it must be at least 1")

    @property
    def needs(self) -> DemandKind:
        """A mean path."""
        return "point"

    @property
    def levels(self) -> tuple[float, ...]:
        """None."""
        return ()

    def horizon(self, at: Position, /) -> int:  # noqa: ARG002  # the shape of every Policy
        """The periods of cover."""
        return self.periods

    def __call__(self, at: Position, demand: Demand, /) -> Proposal:
        """Order up to the cover; an item whose mean is NaN is left out as ``"no_forecast"``."""
        if not isinstance(demand, PointDemand):
            raise TypeError(f"periods_of_cover reads PointDemand, not {type(demand).__name__}")
        window = np.full(at.n, self.periods, dtype=np.int64)
        level = sum_ahead(demand.mean, window)
        missing = np.maximum(level - at.held, 0.0)
        raw = np.rint(missing) if self.nearest else missing
        quantity, bound = orderable(at, raw)
        methods: NameArray = np.full(at.n, "mean", dtype=object)
        return Proposal(
            policy="periods_of_cover",
            settings={
                "periods": self.periods,
                "nearest": self.nearest,
                **({"lead_times": "not read, the cover is fixed"} if at.lead_times is not None else {}),
            },
            window=window,
            level=level,
            expected=level,
            raw=raw,
            quantity=quantity,
            bound=bound,
            methods=methods,
            steps=(
                Step(name="level", formula="expected_demand", values=level),
                Step(name="wanted", formula=_NEAREST if self.nearest else _MISSING, values=raw),
            ),
        )
