"""The best of many rules by simulation: every candidate meets the same demand and the same lead times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from finalmile.frames import IntArray
from finalmile.simulation.engine import Engine, run
from finalmile.simulation.rules import Rule
from finalmile.simulation.scene import Scene
from finalmile.simulation.totals import Ratio, Totals, together

Service = Literal["fill_rate", "cycle_service"]
LANES = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What things cost, each of shape (n,) or one number for all, in one currency.

    Parameters
    ----------
    holding
        A unit on the shelf at the end of a period.
    shortage
        A unit that was not there when asked for.
    order
        An order placed.
    expired
        A unit that was thrown away.
    owed
        A unit owed at the end of a period, with backorders.
    """

    holding: npt.ArrayLike
    shortage: npt.ArrayLike = 0.0
    order: npt.ArrayLike = 0.0
    expired: npt.ArrayLike = 0.0
    owed: npt.ArrayLike = 0.0

    def of(self, totals: Totals, rows: slice = slice(None)) -> Ratio:
        """Money per period of each candidate, shape (n, c)."""
        parts = (
            (self.holding, totals.unit_periods),
            (self.shortage, totals.unmet),
            (self.order, totals.orders),
            (self.expired, totals.expired),
            (self.owed, totals.owed_periods),
        )
        total = sum(_each(price, len(units), rows) * units for price, units in parts)
        return np.asarray(total / max(totals.counted, 1), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The best candidate of each item.

    Parameters
    ----------
    choice : array of shape (n,)
        Its column among the candidates.
    rule
        Only the chosen ones.
    totals
        What became of them; arrays of shape (n, 1).
    cost : array of shape (n,)
        Money per period; units on the shelf where no costs were given.
    reached : array of shape (n,), bool
        Whether the service asked for was reached; True where none was asked for.
    """

    choice: IntArray
    rule: Rule
    totals: Totals
    cost: Ratio
    reached: npt.NDArray[np.bool_]


def search(
    scene: Scene,
    candidates: Rule,
    *,
    costs: Costs | None = None,
    target: float | None = None,
    which: Service = "fill_rate",
    warm_up: int = 0,
    engine: Engine = "auto",
    threads: int = 1,
) -> Found:
    """The cheapest candidate of each item, among those that reach a service where one is asked for.

    Choose it where formulas do not hold: lost sales, random lead times, packs, shelf life. It is as good as the demand
    it is shown and as the candidates; the service it reports for its choice is a little too good, because the choice
    was made on the same scenarios (judge it on others: another seed).

    Parameters
    ----------
    candidates
        Rules with ``c`` candidates per item, such as :func:`spread_of_rules` gives.
    costs
        Without them the candidate with least on the shelf is the cheapest.
    target, which
        Service to reach in (0, 1], as fill rate or as cycle service. Where no candidate does, the one that comes
        nearest; of equals the cheapest, then the first. Where no order cycle ended,
        or nothing was asked for, the service is 1 if all demand was met and 0 if not.

    Raises
    ------
    ValueError
        If neither costs nor a target are given.

    Examples
    --------
    Two a day and an order overnight: two on the shelf are enough, three are dearer.

    >>> import numpy as np
    >>> from finalmile.simulation.rules import base_stock
    >>> from finalmile.simulation.scene import fixed_leads, given
    >>> scene = Scene(asked=given(np.full((1, 30), 2)), leads=fixed_leads(np.array([0])), on_hand=np.array([3]))
    >>> found = search(scene, base_stock([[1, 2, 3]]), target=1.0, engine="numpy")
    >>> found.rule.order_up_to, found.totals.fill_rate
    (array([[2]]), array([[1.]]))
    """
    if costs is None and target is None:
        raise ValueError("search needs something to choose by: costs, a target service, or both")
    size = max(1, LANES // candidates.candidates)
    parts = [slice(start, min(start + size, scene.n)) for start in range(0, max(scene.n, 1), size)]
    found = [
        _best(
            run(scene.take(rows), candidates.take(rows), warm_up=warm_up, engine=engine, threads=threads),
            costs=costs, rows=rows, target=target, which=which,
        )
        for rows in parts
    ]  # fmt: skip
    choice = np.concatenate([one[0] for one in found])
    return Found(
        choice=choice,
        rule=candidates.at(choice),
        totals=together([one[1] for one in found]),
        cost=np.concatenate([one[2] for one in found]),
        reached=np.concatenate([one[3] for one in found]),
    )


def _best(
    totals: Totals, *, costs: Costs | None, rows: slice, target: float | None, which: Service
) -> tuple[IntArray, Totals, Ratio, npt.NDArray[np.bool_]]:
    cost = totals.mean_on_hand if costs is None else costs.of(totals, rows)
    n = len(cost)
    service: Ratio = np.ones_like(cost) if target is None else getattr(totals, which)
    known: Ratio = np.where(np.isnan(service), totals.unmet == 0, service)  # what never arrives ends no cycle
    enough: npt.NDArray[np.bool_] = np.asarray(known >= (0.0 if target is None else target - 1e-12))
    reached: npt.NDArray[np.bool_] = np.asarray(enough.any(axis=1))
    nearest = known >= known.max(axis=1, keepdims=True, initial=0.0) - 1e-12
    allowed = np.where(reached[:, None], enough, nearest)
    choice = np.where(allowed, cost, np.inf).argmin(axis=1) if n else np.zeros(0, dtype=np.int64)
    return choice, totals.at(choice), cost[np.arange(n), choice], reached


def _each(price: npt.ArrayLike, n: int, rows: slice) -> Ratio:
    prices = np.asarray(price, dtype=np.float64)
    return np.broadcast_to(prices if prices.ndim == 0 else prices[rows], (n,))[:, None]
