"""Demand that trees learn: what is known, and what was likely where the shelf ran empty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.forecasters.direct.mean_model import DirectMean
from finalmile.forecasters.direct.rows import Rows
from finalmile.forecasters.direct.sums import Doubles, Sums
from finalmile.forecasters.sold_out import drawn_and_hidden, expected_behind, mostly_seen
from finalmile.frames import BoolArray, FloatArray, IntArray, Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Likely:
    """What a panel's demand is learned as.

    Periods that sold out are those in which most was asked for, a promotion's above all. A model that never learns from
    them forecasts too little for the next such period, and the shelf runs empty again.

    Parameters
    ----------
    expected : array of shape (n, T)
        Demand to learn a mean from: where the shelf ran empty the mean of what may have been behind the sales, NaN
        where too little was sold to say anything.
    drawn : array of shape (n, T)
        Demand to learn quantiles from: drawn there, for means would make sums look surer than they are.
    hidden : array of shape (n, T)
        Expected demand that no sale shows, less what was sold; ``None`` where nothing sold out.
    """

    expected: FloatArray
    drawn: FloatArray
    hidden: FloatArray | None

    @classmethod
    def known(cls, panel: Panel) -> Likely:
        """Nothing but what is known."""
        demand = panel.demand()
        return cls(expected=demand, drawn=demand, hidden=None)

    @classmethod
    def around(cls, model: DirectMean, panel: Panel) -> Likely:
        """What was likely around what a model expected one period before."""
        rows, columns = np.nonzero(panel.censored)
        mean = model.expected(panel, rows=rows, columns=columns)
        told = np.isfinite(mean)
        rows, columns, mean = rows[told], columns[told], mean[told]
        expected, drawn = panel.demand(), panel.demand()
        hidden = -np.nan_to_num(expected)
        drawn[rows, columns], hidden[rows, columns] = drawn_and_hidden(panel, mean, rows=rows, columns=columns)
        usable = mostly_seen(hidden[rows, columns]) & np.isfinite(drawn[rows, columns])
        sold = np.nan_to_num(panel.y[rows, columns]).astype(np.float64)
        expected[rows, columns] = np.where(usable, expected_behind(sold, mean.astype(np.float64)), np.nan)
        return cls(expected=expected, drawn=drawn, hidden=hidden)

    def at(self, rows: IntArray, length: int) -> Likely:
        """The first ``length`` periods of some series."""
        hidden = None if self.hidden is None else self.hidden[rows, :length]
        return Likely(expected=self.expected[rows, :length], drawn=self.drawn[rows, :length], hidden=hidden)

    def last(self, length: int) -> Likely:
        """The newest periods."""
        hidden = None if self.hidden is None else self.hidden[:, -length:]
        return Likely(expected=self.expected[:, -length:], drawn=self.drawn[:, -length:], hidden=hidden)

    def over(self, rows: Rows, known: Sums) -> tuple[Doubles, BoolArray]:
        """Demand over windows, shape (m,), and in which of them every period is known and most of it was seen.

        Parameters
        ----------
        known
            Running sums of what is known, used again where nothing sold out.
        """
        end = rows.origin + rows.ahead
        sums = known if self.hidden is None else Sums.of(self.drawn)
        total, count = _over(sums, rows.series, rows.origin, end)
        whole = count == rows.ahead
        if self.hidden is not None:
            hidden, _ = _over(Sums.of(self.hidden), rows.series, rows.origin, end)
            whole &= mostly_seen(hidden)
        return total, whole


def _over(sums: Sums, series: IntArray, origin: IntArray, end: IntArray) -> tuple[Doubles, Doubles]:
    total = sums.total[series, end + 1] - sums.total[series, origin + 1]
    known = sums.known[series, end + 1] - sums.known[series, origin + 1]
    return total, known
