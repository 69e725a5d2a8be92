"""How good quantile forecasts are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from finalmile.metrics.registry import metrics
from finalmile.metrics.scored import Scored, ratio, total


@metrics.add("pinball")
@dataclass(frozen=True, slots=True)
class Pinball:
    r"""Mean pinball loss in units: the loss whose best answer is the true quantile.

    Parameters
    ----------
    level
        Which quantile; by default the mean over all that were given.

    .. math:: \max(\tau (a - q), (\tau - 1)(a - q))

    References
    ----------
    Koenker & Bassett (1978), Regression quantiles.

    Examples
    --------
    >>> seen = Scored(actual=np.array([[4.0]]), forecast=np.array([[4.0]]), quantiles={0.75: np.array([[2.0]])})
    >>> Pinball()(seen)
    1.5
    """

    level: float | None = None

    undefined: ClassVar[str] = "no such quantile, or no period counts"

    def __call__(self, scored: Scored, /) -> float | None:
        """Pinball loss of one level, or the mean over all."""
        levels = list(scored.quantiles) if self.level is None else [self.level]
        losses = [loss for level in levels if (loss := self._loss(scored, level)) is not None]
        return ratio(sum(losses), len(losses))

    def _loss(self, scored: Scored, level: float) -> float | None:
        quantile = scored.quantile(level)
        if quantile is None:
            return None
        keep = scored.usable & np.isfinite(quantile)
        with np.errstate(over="ignore", invalid="ignore"):
            short = np.subtract(scored.actual[keep], quantile[keep], dtype=np.float64)
            return ratio(total(np.maximum(level * short, (level - 1) * short)), int(keep.sum()))
