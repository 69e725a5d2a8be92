"""What a policy is told about each item: what is there, what is coming, and on what terms more can be had."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.frames import BoolArray, IntArray, NameArray
from finalmile.inventory.lead_times import LeadTimes
from finalmile.simulation import UnitsArray

HOLDING_RATE = 0.005
"""Share of a unit's cost that holding it for a period costs where no rate is given: 26 % a year by weeks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Stock and terms of ``n`` items at the moment orders are decided: the end of a period.

    Parameters
    ----------
    ids : array of shape (n,), str
        ``unique_id`` of each item.
    on_hand : array of shape (n,)
        Units on the shelf. A missing count is refused, never taken for zero.
    on_order : array of shape (n,)
        Units of every open order, late ones too, each once.
    review_periods, lead_periods : arrays of shape (n,)
        Periods between two orders (at least 1), and whole periods between an order and its arrival (0 is overnight).
    moq, pack_size : arrays of shape (n,)
        Smallest order and units in a pack; 0 or 1 for no rule.
    max_stock : array of shape (n,)
        Most units on hand and on order together; infinite where there is no limit.
    unit_cost, unit_price, order_cost : arrays of shape (n,)
        Money per unit, per unit, and per order line; NaN where unknown.
    deliveries
        What single deliveries may take, where ``lead_times`` are told as stock feels orders that overtake each other;
        where not given, ``lead_times`` are of single deliveries, and a late one holds up those behind it.
    shared_order_cost : array of shape (n,)
        Money per order of the item's supplier, whatever is in it.
    holding_rate : array of shape (n,)
        Share of a unit's cost that holding it for a period costs.
    supplier : array of shape (n,), str
        Who it is ordered from; ``""`` where unknown.
    arriving : array of shape (n, w), or None
        When ``on_order`` arrives: column ``k`` at the start of the ``k + 1``-th period from now. Late orders count
        as arriving next. Where not given, policies that need it take everything to arrive within the lead time,
        as late as it can.
    assumed : array of shape (n,), bool
        True where costs or lead times are assumptions rather than given.
    cost_assumed : array of shape (n,), bool, or None
        True where ``unit_cost`` is an assumption; where not given, wherever anything is assumed.
    lead_times
        What each lead time may turn out to be, where it varies; ``lead_periods`` is then what is planned with. Certain
        where not given.

    Raises
    ------
    MissingInputError
        If ``on_hand`` or ``on_order`` is unknown for an item.
    ValueError
        If a shape does not fit, units are negative, or a period is not possible.

    Examples
    --------
    >>> at = position(np.array(["a"], dtype=object), on_hand=np.array([3.0]), lead_periods=np.array([2]))
    >>> protection_windows(at)
    array([[3]])
    """

    ids: NameArray
    on_hand: UnitsArray
    on_order: UnitsArray
    review_periods: IntArray
    lead_periods: IntArray
    moq: UnitsArray
    pack_size: UnitsArray
    max_stock: UnitsArray
    unit_cost: UnitsArray
    unit_price: UnitsArray
    order_cost: UnitsArray
    shared_order_cost: UnitsArray
    holding_rate: UnitsArray
    supplier: NameArray
    assumed: BoolArray
    arriving: UnitsArray | None = field(default=None)
    lead_times: LeadTimes | None = field(default=None)
    cost_assumed: BoolArray | None = field(default=None)
    deliveries: LeadTimes | None = field(default=None)

    def __post_init__(self) -> None:
        faults = [*self._shape_faults(), *self._value_faults()]
        if faults:
            raise ValueError("; ".join(faults))
        _refuse_missing(self.ids, self.on_hand, what="stock on hand", mend="add a stock row with on_hand")
        _refuse_missing(self.ids, self.on_order, what="open orders", mend="give 0 where nothing is on order")

    @property
    def n(self) -> int:
        """Number of items."""
        return len(self.ids)

    @property
    def held(self) -> UnitsArray:
        """Inventory position: on hand plus on order, shape (n,)."""
        return self.on_hand + self.on_order

    @property
    def taking(self) -> LeadTimes | None:
        """What single deliveries take; ``None`` where all are certain."""
        return self.lead_times if self.deliveries is None else self.deliveries

    def schedule(self) -> UnitsArray:
        """When ``on_order`` arrives, shape (n, w), ``w`` at least 1."""
        if self.arriving is not None:
            return self.arriving
        late = np.zeros((self.n, int(self.lead_periods.max(initial=0)) + 1))
        late[np.arange(self.n), np.maximum(self.lead_periods - 1, 0)] = self.on_order
        return late

    def _shape_faults(self) -> list[str]:
        vectors = {
            "on_hand": self.on_hand, "on_order": self.on_order, "review_periods": self.review_periods,
            "lead_periods": self.lead_periods, "moq": self.moq, "pack_size": self.pack_size,
            "max_stock": self.max_stock, "unit_cost": self.unit_cost, "unit_price": self.unit_price,
            "order_cost": self.order_cost, "shared_order_cost": self.shared_order_cost,
            "holding_rate": self.holding_rate, "supplier": self.supplier,
            "assumed": self.assumed, "cost_assumed": self.assumed if self.cost_assumed is None else self.cost_assumed,
        }  # fmt: skip
        return [
            f"{name} has shape {values.shape}; with {self.n} ids it must be ({self.n},)"
            for name, values in vectors.items()
            if values.shape != (self.n,)
        ] + [
            f"{name} are of {len(told.periods)} items; with {self.n} ids they must be of {self.n}"
            for name, told in (("lead_times", self.lead_times), ("deliveries", self.deliveries))
            if told is not None and len(told.periods) != self.n
        ]

    def _value_faults(self) -> list[str]:
        checks = {
            "on_hand must not be negative": self.on_hand < 0,
            "on_order must not be negative": self.on_order < 0,
            "review_periods must be at least 1": self.review_periods < 1,
            "lead_periods must be at least 0": self.lead_periods < 0,
            "moq must be finite and not negative": ~(np.isfinite(self.moq) & (self.moq >= 0)),
            "pack_size must be whole and not negative": ~((self.pack_size >= 0) & (self.pack_size % 1 == 0)),
            "order_cost must not be negative": self.order_cost < 0,
            "shared_order_cost must be finite and not negative": ~(
                np.isfinite(self.shared_order_cost) & (self.shared_order_cost >= 0)
            ),
            "holding_rate must be finite and not negative": ~(
                np.isfinite(self.holding_rate) & (self.holding_rate >= 0)
            ),
            "max_stock must not be negative or unknown (use infinity)": ~(self.max_stock >= 0),
        }
        if self.arriving is not None:
            checks["arriving must add up to on_order"] = ~np.isclose(self.arriving.sum(axis=1), self.on_order)
        return [f"{rule}: {self.ids[int(wrong.argmax())]!r}" for rule, wrong in checks.items() if wrong.any()]


def position(
    ids: NameArray,
    *,
    on_hand: UnitsArray,
    lead_periods: IntArray,
    on_order: UnitsArray | None = None,
    review_periods: IntArray | None = None,
    moq: UnitsArray | None = None,
    pack_size: UnitsArray | None = None,
    max_stock: UnitsArray | None = None,
    unit_cost: UnitsArray | None = None,
    unit_price: UnitsArray | None = None,
    order_cost: UnitsArray | None = None,
    shared_order_cost: UnitsArray | None = None,
    holding_rate: UnitsArray | None = None,
    supplier: NameArray | None = None,
    arriving: UnitsArray | None = None,
    assumed: BoolArray | None = None,
    lead_times: LeadTimes | None = None,
    cost_assumed: BoolArray | None = None,
    deliveries: LeadTimes | None = None,
) -> Position:
    """A :class:`Position` with everything not given at its neutral value.

    Nothing is on order (or what ``arriving`` says), one period between reviews, no minimum, single units, no limit,
    money unknown but for a holding rate of :data:`HOLDING_RATE` a period, supplier ``""``, nothing assumed.
    """
    n = len(ids)
    if on_order is None:
        on_order = np.zeros(n) if arriving is None else np.asarray(arriving.sum(axis=1))
    return Position(
        ids=ids,
        on_hand=on_hand,
        on_order=on_order,
        review_periods=np.ones(n, dtype=np.int64) if review_periods is None else review_periods,
        lead_periods=lead_periods,
        moq=np.zeros(n) if moq is None else moq,
        pack_size=np.ones(n) if pack_size is None else pack_size,
        max_stock=np.full(n, np.inf) if max_stock is None else max_stock,
        unit_cost=np.full(n, np.nan) if unit_cost is None else unit_cost,
        unit_price=np.full(n, np.nan) if unit_price is None else unit_price,
        order_cost=np.full(n, np.nan) if order_cost is None else order_cost,
        shared_order_cost=np.zeros(n) if shared_order_cost is None else shared_order_cost,
        holding_rate=np.full(n, HOLDING_RATE) if holding_rate is None else holding_rate,
        supplier=np.full(n, "", dtype=object) if supplier is None else supplier,
        arriving=arriving,
        assumed=np.zeros(n, dtype=np.bool_) if assumed is None else assumed,
        lead_times=lead_times,
        cost_assumed=cost_assumed,
        deliveries=deliveries,
    )


def planned_window(at: Position) -> IntArray:
    """Periods an order decided now is planned to last: until the next one arrives, review + lead; shape (n,)."""
    return at.review_periods + at.lead_periods


def protection_windows(at: Position) -> IntArray:
    """Periods an order decided now may have to last, shape (n, w): one where lead times are certain.

    Examples
    --------
    >>> from finalmile.inventory.lead_times import from_pmf, side_by_side
    >>> at = position(np.array(["a"], dtype=object), on_hand=np.zeros(1), lead_periods=np.array([3]),
    ...               lead_times=side_by_side([from_pmf([0, 0, 0.9, 0, 0, 0.1])]))
    >>> protection_windows(at), protection_shares(at)
    (array([[3, 6]]), array([[0.9, 0.1]]))
    """
    if at.lead_times is None:
        return planned_window(at)[:, None]
    lasts = at.lead_times.lasts
    return at.review_periods[:, None] + at.lead_times.periods if lasts is None else lasts


def holding_rates(at: Position, *, given: float | None) -> UnitsArray:
    """Share of a unit's cost that holding it for a period costs: as given for all, else each item's own; shape (n,)."""
    return at.holding_rate if given is None else np.full(at.n, given, dtype=np.float64)


def lead_windows(at: Position) -> IntArray:
    """Periods until an order decided now may arrive, shape (n, w), of the shape of :func:`protection_windows`."""
    return at.lead_periods[:, None] if at.lead_times is None else at.lead_times.periods


def protection_shares(at: Position) -> UnitsArray:
    """Probability of each of :func:`protection_windows`, of its shape."""
    return np.ones((at.n, 1)) if at.lead_times is None else at.lead_times.shares


def _refuse_missing(ids: NameArray, values: UnitsArray, *, what: str, mend: str) -> None:
    unknown = ~np.isfinite(values)
    if unknown.any():
        names = ", ".join(repr(name) for name in ids[unknown][:5])
        more = "" if unknown.sum() <= 5 else ", ..."
        raise MissingInputError(
            f"{what} unknown for {int(unknown.sum())} of {len(ids)} items ({names}{more}); orders need a figure for "
            f"each: {mend} for each of them, or plan without them"
        )
