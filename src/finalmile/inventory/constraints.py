"""A supplier's terms: from the quantity one wants to the quantity one can order."""

from __future__ import annotations

import numpy as np

from finalmile.frames import NameArray
from finalmile.inventory.position import Position
from finalmile.simulation import UnitsArray


def orderable(at: Position, raw: UnitsArray) -> tuple[UnitsArray, NameArray]:
    """Whole units that can be ordered, and the rule that set each quantity last.

    In this order: whole units (rounded up), at least ``moq`` if anything, up to whole packs, then down to what
    ``max_stock`` leaves room for, in whole packs; if that is below ``moq``, nothing.

    Parameters
    ----------
    raw : array of shape (n,)
        Units wanted; NaN (no forecast) orders nothing and is bound by ``"no_forecast"``.

    Examples
    --------
    Thirteen wanted, sixes in a pack, room for sixteen:

    >>> from finalmile.inventory.position import position
    >>> at = position(np.array(["a"], dtype=object), on_hand=np.array([4.0]), lead_periods=np.array([1]),
    ...               pack_size=np.array([6.0]), max_stock=np.array([20.0]))
    >>> orderable(at, np.array([13.0]))
    (array([12.]), array(['max_stock'], dtype=object))
    """
    pack = np.maximum(at.pack_size, 1.0)
    unknown = np.isnan(raw)
    wanted = np.ceil(np.maximum(np.where(unknown, 0.0, raw), 0.0) - 1e-9)
    least = np.where(wanted > 0, np.maximum(wanted, at.moq), 0.0)
    packed = np.ceil(least / pack - 1e-9) * pack
    room = np.floor(np.maximum(at.max_stock - at.held, 0.0) / pack + 1e-9) * pack
    quantity = np.minimum(packed, room)
    quantity = np.where(quantity < at.moq, 0.0, quantity)

    bound: NameArray = np.full(at.n, "", dtype=object)
    bound[least > wanted] = "moq"
    bound[packed > least] = "pack_size"
    bound[quantity < packed] = "max_stock"
    bound[unknown] = "no_forecast"
    return quantity, bound
