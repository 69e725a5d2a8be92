"""What planners' edits were worth: the edited and the proposed quantity on the demand that came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.frames import BoolArray
from finalmile.simulation import UnitsArray
from finalmile.simulation.stock import Flow, Stock, follow, simulate


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """``n`` edited lines, each over the ``T`` periods from its order on.

    Parameters
    ----------
    on_hand : array of shape (n,)
        Units on the shelf when the order was placed.
    edited, proposed : arrays of shape (n, T)
        Units that arrive at the start of each period, as edited and as they would have come as proposed.
    demand : array of shape (n, T)
        Units asked for; anything in periods that do not count.
    counts : array of shape (n, T), bool
        Periods until another order could have arrived: what the edit decided about.
    shortage_cost, holding_cost : arrays of shape (n,)
        Money per unit that could not be served, and per unit left at the end of a period.
    """

    on_hand: UnitsArray
    edited: UnitsArray
    proposed: UnitsArray
    demand: UnitsArray
    counts: BoolArray
    shortage_cost: UnitsArray
    holding_cost: UnitsArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """Money that edits saved, each of shape (n,): less lost, less held; negative where the proposal was better."""

    shortage: UnitsArray
    holding: UnitsArray

    @property
    def saved(self) -> UnitsArray:
        """Both together."""
        return self.shortage + self.holding


def sold_out(edits: Edits) -> BoolArray:
    """Periods at whose end nothing was left as it really went, shape (n, T): more may have been asked for than sold."""
    return (_flow(edits, edits.edited).on_hand <= 0) & edits.counts


def worth_of(edits: Edits) -> Worth:
    """What each edit saved against the proposal, on the same shelf, the same other arrivals and the same demand.

    Sales that are not served are lost. Whatever differs after the last period that counts is taken to be evened out by
    the next order, as a policy that orders up to a level does.

    Examples
    --------
    Nothing there, 5 a day for two days, then the next order comes. 4 were proposed, the planner made it 8: 4 more are
    sold at a margin of 2; nothing was left over either way.

    >>> edits = Edits(on_hand=np.zeros(1), edited=np.array([[8.0, 0.0]]), proposed=np.array([[4.0, 0.0]]),
    ...               demand=np.array([[5.0, 5.0]]), counts=np.ones((1, 2), dtype=bool),
    ...               shortage_cost=np.array([2.0]), holding_cost=np.array([0.1]))
    >>> told = worth_of(edits)
    >>> told.shortage, told.holding.round(2), told.saved.round(2)   # 3 more were on the shelf after the first day
    (array([8.]), array([-0.3]), array([7.7]))
    """
    ours, theirs = _flow(edits, edits.edited), _flow(edits, edits.proposed)
    lost = np.where(edits.counts, theirs.lost - ours.lost, 0.0).sum(axis=1)
    held = np.where(edits.counts, theirs.on_hand - ours.on_hand, 0.0).sum(axis=1)
    return Worth(shortage=lost * edits.shortage_cost, holding=held * edits.holding_cost)


def _flow(edits: Edits, arriving: UnitsArray) -> Flow:
    """The shelf with these arrivals and no further orders."""
    n = len(edits.on_hand)
    none = follow(np.zeros(edits.demand.shape))
    stock = Stock(on_hand=edits.on_hand, pipeline=arriving)
    return simulate(stock, edits.demand, decide=none, leads=np.zeros(n, dtype=np.int64))
