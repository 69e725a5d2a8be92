"""Lead times as a simulation draws them, from what a position says of them."""

from __future__ import annotations

import numpy as np

from finalmile.inventory.position import Position
from finalmile.simulation import fixed_leads, random_leads
from finalmile.simulation.scene import LeadTimes


def drawn_leads(at: Position) -> LeadTimes:
    """Lead times drawn for each order where they vary; orders overtake one another where ``deliveries`` are told.

    Examples
    --------
    >>> from finalmile.inventory.lead_times import from_pmf, side_by_side
    >>> from finalmile.inventory.position import position
    >>> at = position(np.array(["a"], dtype=object), on_hand=np.zeros(1), lead_periods=np.array([3]),
    ...               lead_times=side_by_side([from_pmf([0, 0, 0.9, 0, 0, 0.1])]))
    >>> drawn_leads(at).longest
    5
    """
    told = at.taking
    if told is None or not told.vary.any():
        return fixed_leads(at.lead_periods)
    alike, of = np.unique(np.column_stack([told.periods, told.shares]), axis=0, return_inverse=True)
    length = told.periods.shape[1]
    chances = np.zeros((len(alike), int(told.periods.max()) + 1))
    for chance, key in zip(chances, alike, strict=True):
        np.add.at(chance, key[:length].astype(np.int64), key[length:])
    return random_leads(chances, row=of.ravel(), crossing=at.deliveries is not None)
