"""Stock of many items over time with lost sales: the one engine behind the sandbox, policies, replay and impact.

A period runs in this order: what is due is received, demand is served from the shelf, what cannot be served is lost,
and at the end of the period an order may be placed. An order with a lead time of ``L`` periods placed at the end of
period ``t`` is on the shelf at the start of period ``t + 1 + L``; ``L = 0`` arrives overnight. An order reviewed
every ``R`` periods therefore has to last through the ``R + L`` periods after ``t``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from finalmile.frames import IntArray

UnitsArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What ``n`` items have on the shelf and on the way, at the end of a period.

    Parameters
    ----------
    on_hand : array of shape (n,)
        Units on the shelf, never negative: demand that is not met is lost, not owed.
    pipeline : array of shape (n, w)
        Units on the way; column ``k`` arrives at the start of the ``k + 1``-th period from now.

    Raises
    ------
    ValueError
        If a value is negative, infinite or NaN, or the shapes do not fit.
    """

    on_hand: UnitsArray
    pipeline: UnitsArray

    def __post_init__(self) -> None:
        if self.pipeline.ndim != 2 or len(self.pipeline) != len(self.on_hand):
            raise ValueError(
                f"pipeline has shape {self.pipeline.shape}; with {len(self.on_hand)} items on hand it must be "
                f"({len(self.on_hand)}, periods)"
            )
        for name, values in (("on_hand", self.on_hand), ("pipeline", self.pipeline)):
            _check_units(name, values)

    @property
    def on_order(self) -> UnitsArray:
        """Units on the way, shape (n,)."""
        return np.asarray(self.pipeline.sum(axis=1))

    @property
    def position(self) -> UnitsArray:
        """Inventory position: on hand plus on order, shape (n,)."""
        return self.on_hand + self.on_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """One period's trade: what came, what was sold, what was lost (each of shape (n,)), and the stock after it."""

    closing: Stock
    received: UnitsArray
    sold: UnitsArray
    lost: UnitsArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Many periods of ``n`` items; every array has shape (n, T), units per period.

    Parameters
    ----------
    on_hand
        Left on the shelf at the end of each period.
    sold, lost
        Demand that was served, and that was not.
    ordered
        Placed at the end of each period.
    received
        Arrived at the start of each period.
    closing
        Stock at the end of the last period.
    """

    on_hand: UnitsArray
    sold: UnitsArray
    lost: UnitsArray
    ordered: UnitsArray
    received: UnitsArray
    closing: Stock

    @property
    def demand(self) -> UnitsArray:
        """Sold plus lost."""
        return self.sold + self.lost

    @property
    def available(self) -> UnitsArray:
        """On the shelf when each period's demand arrived: sold plus left."""
        return self.sold + self.on_hand


Decide = Callable[[int, Stock], UnitsArray]
"""Period number (0 is the first) and stock at its end, to units ordered, shape (n,)."""


def opening(on_hand: UnitsArray, *, max_lead: int) -> Stock:
    """Stock with nothing on the way and room for orders of up to ``max_lead`` periods."""
    shelf = np.asarray(on_hand, dtype=np.float64)
    return Stock(on_hand=shelf, pipeline=np.zeros((len(shelf), max_lead + 1)))


def trade(stock: Stock, demand: UnitsArray) -> Traded:
    """Receive what is due and serve one period's demand.

    Parameters
    ----------
    stock
        As it stood at the end of the period before.
    demand : array of shape (n,)
        Units asked for. NaN (not listed, unknown) asks for nothing; negative demand (a return) neither sells nor
        comes back to the shelf.

    Examples
    --------
    >>> day = trade(Stock(on_hand=np.array([3.0]), pipeline=np.array([[2.0, 4.0]])), np.array([9.0]))
    >>> day.received, day.sold, day.lost, day.closing.pipeline
    (array([2.]), array([5.]), array([4.]), array([[4., 0.]]))
    """
    received = stock.pipeline[:, 0]
    available = stock.on_hand + received
    asked = np.maximum(np.nan_to_num(np.asarray(demand, dtype=np.float64), nan=0.0, posinf=np.inf), 0.0)
    sold = np.minimum(asked, available)
    pipeline = np.zeros_like(stock.pipeline)
    pipeline[:, :-1] = stock.pipeline[:, 1:]
    closing = Stock(on_hand=available - sold, pipeline=pipeline)
    return Traded(closing=closing, received=received.copy(), sold=sold, lost=asked - sold)


def place(stock: Stock, quantity: UnitsArray, *, lead: IntArray) -> Stock:
    """The stock with an order placed at the end of a period.

    Parameters
    ----------
    quantity : array of shape (n,)
        Units ordered, non-negative; zero orders nothing.
    lead : array of shape (n,)
        Whole periods between; an order of lead 0 is on the shelf when the next period starts. A lead longer than
        the pipeline makes the pipeline longer.

    Examples
    --------
    >>> place(opening(np.array([1.0]), max_lead=1), np.array([5.0]), lead=np.array([1])).pipeline
    array([[0., 5.]])
    """
    _check_units("quantity", quantity)
    if len(lead) and int(lead.min()) < 0:
        raise ValueError(f"a lead time is {int(lead.min())} periods; it must be 0 or more")
    pipeline = _widened(stock.pipeline, int(lead.max(initial=0)) + 1)
    pipeline[np.arange(len(quantity)), lead] += quantity
    return replace(stock, pipeline=pipeline)


def simulate(stock: Stock, demand: UnitsArray, *, decide: Decide, leads: IntArray) -> Flow:
    """Stock, sales and losses of every period, ordering what ``decide`` says at the end of each.

    Parameters
    ----------
    stock
        Before the first period.
    demand : array of shape (n, T)
        Units asked for in each period. ``decide`` never sees it; only what it did to the stock.
    decide
        Told the period number and the stock at its end; answers units to order, shape (n,).
    leads : array of shape (n,) or (n, T)
        Lead time of an order, by item, or by item and the period it was placed in.

    Examples
    --------
    Two periods of lead time, ordering back up to 4 each evening: the third day sells out.

    >>> flow = simulate(opening(np.array([4.0]), max_lead=2), np.array([[2.0, 1.0, 3.0, 1.0]]),
    ...                 decide=order_up_to(np.array([4.0])), leads=np.array([2]))
    >>> flow.on_hand, flow.lost, flow.received
    (array([[2., 1., 0., 1.]]), array([[0., 0., 2., 0.]]), array([[0., 0., 0., 2.]]))
    """
    n, length = demand.shape
    by_period = np.broadcast_to(leads[:, None] if leads.ndim == 1 else leads, (n, length))
    on_hand, sold, lost, ordered, received = (np.zeros((n, length)) for _ in range(5))
    for t in range(length):
        traded = trade(stock, demand[:, t])
        on_hand[:, t], received[:, t] = traded.closing.on_hand, traded.received
        sold[:, t], lost[:, t] = traded.sold, traded.lost
        ordered[:, t] = decide(t, traded.closing)
        stock = place(traded.closing, ordered[:, t], lead=by_period[:, t])
    return Flow(on_hand=on_hand, sold=sold, lost=lost, ordered=ordered, received=received, closing=stock)


def order_up_to(levels: UnitsArray, *, every: int = 1) -> Decide:
    """Order what lifts the inventory position to a level, every ``every`` periods from the end of the first on.

    ``levels`` has shape (n,), or (n, T) for a level of its own in each period.
    """

    def decide(t: int, stock: Stock) -> UnitsArray:
        if t % every:
            return np.zeros(len(stock.on_hand))
        level = levels if levels.ndim == 1 else levels[:, t]
        return np.maximum(level - stock.position, 0.0)

    return decide


def follow(orders: UnitsArray) -> Decide:
    """Order what was ordered: column ``t`` of ``orders``, shape (n, T), at the end of period ``t``."""

    def decide(t: int, stock: Stock) -> UnitsArray:  # noqa: ARG001  # the shape of every Decide
        return orders[:, t]

    return decide


def _check_units(name: str, values: UnitsArray) -> None:
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        first = np.argwhere(wrong)[0].tolist()
        raise ValueError(
            f"{name} of item {first[0]} is {values[tuple(first)]}; units must be finite and not negative "
            f"({int(wrong.sum())} such values)"
        )


def _widened(pipeline: UnitsArray, width: int) -> UnitsArray:
    missing = max(0, width - pipeline.shape[1])
    return np.pad(pipeline, ((0, 0), (0, missing))) if missing else pipeline.copy()
