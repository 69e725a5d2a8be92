"""How often demand stayed within a quantile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from finalmile.metrics.registry import metrics
from finalmile.metrics.scored import Scored, ratio


@metrics.add("coverage")
@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of the cells that count whose actual is at or below the quantile forecast, in [0, 1].

    Should equal the level. Demand in whole units makes it a little larger than the level for slow sellers.

    Parameters
    ----------
    level
        Which quantile; by default the highest that was given.

    Examples
    --------
    >>> seen = Scored(actual=np.array([[1.0, 5.0]]), forecast=np.ones((1, 2)), quantiles={0.9: np.full((1, 2), 4.0)})
    >>> Coverage(level=0.9)(seen)
    0.5
    """

    level: float | None = None

    undefined: ClassVar[str] = "no such quantile, or no period counts"

    def __call__(self, scored: Scored, /) -> float | None:
        """Coverage of one level."""
        level = max(scored.quantiles, default=None) if self.level is None else self.level
        quantile = None if level is None else scored.quantile(level)
        if quantile is None:
            return None
        keep = scored.usable & np.isfinite(quantile)
        return ratio(int((scored.actual[keep] <= quantile[keep]).sum()), int(keep.sum()))
