"""Rules that order by inventory position: (s, S), (R, S), (s, Q), (R, s, S), min/max; one or many per item."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from finalmile.frames import IntArray

UNLIMITED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    r"""What is ordered of ``n`` items at each review, for ``c`` candidates of each.

    Where the inventory position (on hand, plus on order, less owed) is at or below the reorder point, order up to a
    level, or as many lots as lift it above the point. Then the supplier's terms: at least ``moq``, whole packs, and no
    more than ``max_stock`` leaves room for; what falls below ``moq`` again is not ordered.

    Made by :func:`min_max`, :func:`base_stock` or :func:`fixed_lots`.

    Parameters
    ----------
    reorder_point, order_up_to, lot : arrays of shape (n, c)
        Whole units. ``lot`` 0 orders up to the level.
    every, offset : arrays of shape (n,)
        Periods between reviews, and the first period that ends with one.
    moq, pack_size, max_stock : arrays of shape (n,)
        Terms; ``max_stock`` -1 where there is no limit.
    """

    reorder_point: IntArray
    order_up_to: IntArray
    lot: IntArray
    every: IntArray
    offset: IntArray
    moq: IntArray
    pack_size: IntArray
    max_stock: IntArray

    def __post_init__(self) -> None:
        n, c = self.reorder_point.shape
        for name in ("order_up_to", "lot"):
            if getattr(self, name).shape != (n, c):
                raise ValueError(f"{name} has shape {getattr(self, name).shape}; it must be {(n, c)}")
        for name, least in (("every", 1), ("offset", 0), ("moq", 0), ("pack_size", 1), ("max_stock", UNLIMITED)):
            values = getattr(self, name)
            if values.shape != (n,):
                raise ValueError(f"{name} has shape {values.shape}; it must be {(n,)}")
            if (values < least).any():
                raise ValueError(f"{name} of item {int((values < least).argmax())} must be at least {least}")
        if (self.lot < 0).any():
            raise ValueError("lot must not be negative; 0 orders up to the level")

    @property
    def n(self) -> int:
        """Number of items."""
        return len(self.reorder_point)

    @property
    def candidates(self) -> int:
        """Rules tried per item."""
        return int(self.reorder_point.shape[1])

    def take(self, rows: slice) -> Rule:
        """Rules of these items."""
        return replace(
            self,
            **{name: getattr(self, name)[rows] for name in self.__slots__},
        )

    def on_terms(
        self,
        *,
        moq: npt.ArrayLike | None = None,
        pack_size: npt.ArrayLike | None = None,
        max_stock: npt.ArrayLike | None = None,
    ) -> Rule:
        """The same rule on other terms; scalars hold for all items, infinite ``max_stock`` is no limit.

        Fractions are rounded up (``max_stock`` down), since units are whole.
        """
        return replace(
            self,
            moq=self.moq if moq is None else _each(np.ceil(np.asarray(moq, dtype=np.float64)), self.n),
            pack_size=self.pack_size if pack_size is None else np.maximum(_each(pack_size, self.n), 1),
            max_stock=self.max_stock if max_stock is None else _limit(max_stock, self.n),
        )

    def at(self, choice: IntArray) -> Rule:
        """The one candidate of each item, ``choice`` of shape (n,)."""
        rows = np.arange(self.n)
        return replace(
            self,
            reorder_point=self.reorder_point[rows, choice][:, None],
            order_up_to=self.order_up_to[rows, choice][:, None],
            lot=self.lot[rows, choice][:, None],
        )


def min_max(
    reorder_point: npt.ArrayLike, order_up_to: npt.ArrayLike, *, every: npt.ArrayLike = 1, offset: npt.ArrayLike = 0
) -> Rule:
    """(s, S), also called min/max, or (R, s, S) where reviews are ``every`` R > 1 periods.

    Examples
    --------
    >>> min_max([2], [9]).reorder_point
    array([[2]])
    """
    point, level = _candidates(reorder_point), _candidates(order_up_to)
    point, level = np.broadcast_arrays(point, level)
    return _rule(point, level, np.zeros_like(level), every=every, offset=offset)


def base_stock(order_up_to: npt.ArrayLike, *, every: npt.ArrayLike = 1, offset: npt.ArrayLike = 0) -> Rule:
    """(R, S): at every review order what lifts the inventory position to ``order_up_to``."""
    level = _candidates(order_up_to)
    return _rule(level - 1, level, np.zeros_like(level), every=every, offset=offset)


def fixed_lots(
    reorder_point: npt.ArrayLike, lot: npt.ArrayLike, *, every: npt.ArrayLike = 1, offset: npt.ArrayLike = 0
) -> Rule:
    """(s, Q), also (s, nQ): the fewest lots of ``lot`` units that lift the position above ``reorder_point``.

    Raises
    ------
    ValueError
        If a lot is less than 1.
    """
    point, lots = np.broadcast_arrays(_candidates(reorder_point), _candidates(lot))
    if (lots < 1).any():
        raise ValueError("a lot must be at least 1 unit")
    return _rule(point, point, lots, every=every, offset=offset)


def _rule(point: IntArray, level: IntArray, lot: IntArray, *, every: npt.ArrayLike, offset: npt.ArrayLike) -> Rule:
    n = len(point)
    return Rule(
        reorder_point=np.ascontiguousarray(point),
        order_up_to=np.ascontiguousarray(level),
        lot=np.ascontiguousarray(lot),
        every=_each(every, n),
        offset=_each(offset, n),
        moq=np.zeros(n, dtype=np.int64),
        pack_size=np.ones(n, dtype=np.int64),
        max_stock=np.full(n, UNLIMITED),
    )


def _candidates(values: npt.ArrayLike) -> IntArray:
    array = np.asarray(values)
    whole: IntArray = np.ceil(array).astype(np.int64)
    return whole[:, None] if whole.ndim == 1 else whole


def _each(values: npt.ArrayLike, n: int) -> IntArray:
    return np.ascontiguousarray(np.broadcast_to(np.asarray(values).astype(np.int64), (n,)))


def _limit(values: npt.ArrayLike, n: int) -> IntArray:
    limits = np.broadcast_to(np.asarray(values, dtype=np.float64), (n,))
    return np.where(np.isfinite(limits), np.floor(np.where(np.isfinite(limits), limits, 0.0)), UNLIMITED).astype(
        np.int64
    )
