"""How much of the data MAPE looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from finalmile.metrics.registry import metrics
from finalmile.metrics.scored import Scored, ratio


@metrics.add("mape_rows")
@dataclass(frozen=True, slots=True)
class MAPERows:
    """Share of the cells that count on which something was sold, in [0, 1]: the part that MAPE sees.

    Examples
    --------
    >>> import numpy as np
    >>> MAPERows()(Scored(actual=np.array([[0.0, 4.0]]), forecast=np.array([[9.0, 3.0]])))
    0.5
    """

    undefined: ClassVar[str] = "no period counts"

    def __call__(self, scored: Scored, /) -> float | None:
        """Share of cells with an actual above zero."""
        actual, _ = scored.pairs()
        return ratio(int((actual > 0).sum()), len(actual))
