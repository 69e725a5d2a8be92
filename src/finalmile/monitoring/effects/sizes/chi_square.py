"""Chi-square of two rows of counts, told as Cramér's V."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from finalmile.monitoring.effects.effect import Effect, Scale
from finalmile.monitoring.effects.pairs import Counted, Ordered
from finalmile.monitoring.effects.registry import effects
from finalmile.monitoring.effects.shares import on_shares
from finalmile.monitoring.engine.design import Doubles

_SCALE = Scale(name="chi_square", unit="Cramér's V", cuts=(0.1, 0.3, 0.5), most=1.0)


@effects.add("chi_square")
@dataclass(frozen=True, slots=True, kw_only=True)
class ChiSquare:
    r"""Cramér's V: the chi-square statistic of both samples as a table of two rows, freed of the number of rows.

    Both samples are taken as samples: the reference is not treated as if it were exact. It depends on how many rows
    of each there are: with 1 % of current rows it cannot be large. Words are Cohen's for tables: 0.1, 0.3, 0.5.

    .. math:: V = \sqrt{\chi^2 / (n + m)}

    Parameters
    ----------
    bins
        Ranges of a number, of about equal counts of the reference; categories are taken as they are.

    Examples
    --------
    >>> pair = Counted(reference=np.array([10.0, 10.0]), current=np.array([15.0, 5.0]))
    >>> round(ChiSquare.statistic(pair), 4), round(ChiSquare()(pair).value, 4)
    (2.6667, 0.2582)
    """

    ordered_only: ClassVar[bool] = False
    bins: int = 10
    threshold: float | None = None

    def __call__(self, pair: Ordered | Counted, /) -> Effect:
        """Cramér's V; undefined where a side is empty."""
        n, m = pair.n
        ours, theirs = (n / (n + m), m / (n + m)) if n + m else (0.5, 0.5)

        def value(p: Doubles, q: Doubles) -> float:
            return float(np.sqrt(ours * theirs * ((p - q) ** 2 / (ours * p + theirs * q)).sum()))

        def gradient(p: Doubles, q: Doubles, figure: float) -> tuple[Doubles, Doubles]:
            pooled, away = ours * p + theirs * q, p - q
            slope, bent = 2 * away / pooled, away**2 / pooled**2
            scale = ours * theirs / (2 * figure)
            return scale * (slope - ours * bent), scale * (-slope - theirs * bent)

        return on_shares(
            pair,
            bins=self.bins,
            scale=_SCALE,
            value=value,
            gradient=gradient,
            chance=lambda _, rows, cells: float(np.sqrt((cells - 1) * ours * theirs * rows)),
            threshold=self.threshold,
        )

    @staticmethod
    def statistic(pair: Counted) -> float:
        """The chi-square statistic itself, without a continuity correction; cells - 1 degrees of freedom."""
        p, q = pair.shares()
        n, m = pair.n
        return float((n * m * (p - q) ** 2 / (n * p + m * q)).sum())
