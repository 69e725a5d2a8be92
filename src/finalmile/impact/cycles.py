"""Order cycles: the one definition behind cycle service, over a span and period by period."""

from __future__ import annotations

import numpy as np

from finalmile.simulation import UnitsArray


def cycles_ended(received: UnitsArray, lost: UnitsArray) -> tuple[UnitsArray, UnitsArray]:
    """Order cycles without a stock-out, and all of them, by the period in which they ended, of shape (T,) each.

    A cycle of an item runs from a receipt up to the period before the next one, and ends with that next receipt.
    The stretch before an item's first receipt is part of no cycle. The one after its last receipt is not counted
    either: it still runs, and one that was kept so far may yet be broken. What is lost in the period of a receipt
    belongs to the cycle that begins with it.

    Parameters
    ----------
    received, lost : arrays of shape (n, T)
        Units that arrived at the start of each period, and units asked for and not served.

    Examples
    --------
    Two cycles end, in periods 2 and 4; the second lost sales. The third still runs.

    >>> cycles_ended(np.array([[5.0, 0, 5, 0, 5]]), np.array([[0.0, 0, 0, 2, 0]]))
    (array([0., 0., 1., 0., 0.]), array([0., 0., 1., 0., 1.]))
    """
    n, length = received.shape
    kept, ended = np.zeros(length), np.zeros(length)
    began, broken = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    for t in range(length):
        receives = received[:, t] > 0
        closes = receives & began
        ended[t], kept[t] = closes.sum(), (closes & ~broken).sum()
        began |= receives
        broken = np.where(receives, False, broken) | (lost[:, t] > 0)  # a fresh cycle is unbroken
    return kept, ended
