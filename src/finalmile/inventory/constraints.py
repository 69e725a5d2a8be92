"""A supplier's terms: from the quantity one wants to the quantity one can order."""

from __future__ import annotations

import numpy as np

from finalmile.frames import NameArray
from finalmile.inventory.position import Position
from finalmile.inventory.steps import Step
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
    first, *rules = terms(at, raw)
    units, bound = first.values, np.full(at.n, "", dtype=object)
    for step in rules:
        bound[step.values != units] = step.rule
        units = step.values
    bound[np.isnan(raw)] = "no_forecast"
    return units, bound


def terms(at: Position, raw: UnitsArray) -> tuple[Step, ...]:
    """The steps from the units wanted to the units that can be ordered, none of which gives a negative zero."""
    pack = np.maximum(at.pack_size, 1.0)
    wanted = np.ceil(np.maximum(np.where(np.isnan(raw), 0.0, raw), 0.0) - 1e-9) + 0.0
    least = np.where(wanted > 0, np.maximum(wanted, at.moq), 0.0)
    packed = np.ceil(least / pack - 1e-9) * pack + 0.0
    room = np.floor(np.maximum(at.max_stock - at.held, 0.0) / pack + 1e-9) * pack
    within = np.minimum(packed, room)
    kept = np.where(within < at.moq, 0.0, within)
    free = "max(0, max_stock - on_hand - on_order)"
    return (
        Step(name="units", formula="round_up(wanted - 0.000000001)", values=wanted),
        Step(name="units", formula="max(units, moq)", values=least, rule="moq"),
        Step(
            name="units",
            formula="round_up(units / pack_size - 0.000000001) * pack_size",
            values=packed,
            rule="pack_size",
        ),
        Step(
            name="units",
            formula=f"min(units, round_down({free} / pack_size + 0.000000001) * pack_size)",
            values=within,
            rule="max_stock",
        ),
        Step(name="units", formula="if(units < moq, 0, units)", values=kept, rule="max_stock"),
    )
