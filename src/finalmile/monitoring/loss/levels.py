"""How much larger errors may be because a product sells more than it did: growth is not a fault of the forecast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.monitoring.engine.design import Doubles

_USUAL_POWER = 0.75
_POWER_BOUNDS = (0.4, 1.0)
_FEW = 10
_VARIED = 0.25  # variance of log sales between products that a slope needs
_WIDEST = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    r"""How the mean absolute error of products grows with what they sell, across the fleet.

    .. math:: \mathrm{mae} \propto \mathrm{level}^{power}

    Parameters
    ----------
    power
        Between 0.4 and 1; Poisson demand has 0.5, demand that varies by a fixed share has 1.
    least_level
        Units per period below which levels are not told apart.

    References
    ----------
    Taylor (1961), Aggregation, variance and the mean, Nature 189.
    """

    power: float
    least_level: float

    def widening(self, level: Doubles, base: Doubles) -> Doubles:
        """Factor on the normal error at a level, against that at the level of the reference; from 1 to 50.

        Errors are never expected to be smaller than in the reference, so a falling level proves nothing by itself.

        Examples
        --------
        >>> Curve(power=0.5, least_level=0.1).widening(np.array([4.0, 0.5]), np.array([1.0, 1.0]))
        array([2., 1.])
        """
        low = self.least_level
        growth: Doubles = (np.maximum(level, low) / np.maximum(base, low)) ** self.power
        return np.clip(growth, 1.0, _WIDEST)


def fit_curve(mae: Doubles, base: Doubles, *, least_mae: float) -> Curve:
    """The curve through products' mean absolute errors and mean sales, shape (n,) each.

    A few products, and products that all sell about the same, get the usual power of 0.75.
    """
    keep = (mae > least_mae) & (base > 0)
    if not keep.any():
        return Curve(power=_USUAL_POWER, least_level=least_mae)
    x, y = np.log(base[keep]), np.log(mae[keep])
    spread = float(((x - x.mean()) ** 2).sum())
    power = _USUAL_POWER
    if len(x) >= _FEW and spread >= _VARIED * len(x):
        slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread
        power = min(max(slope, _POWER_BOUNDS[0]), _POWER_BOUNDS[1])
    log_level = (np.log(least_mae) - float(y.mean())) / power + float(x.mean())
    return Curve(power=power, least_level=float(np.exp(log_level)))


def follow(level: Doubles, sold: Doubles, *, span: float) -> Doubles:
    """Exponentially weighted mean after one more look; a missing one changes nothing."""
    weight = 2.0 / (span + 1.0)
    return np.where(np.isfinite(sold), (1 - weight) * level + weight * sold, level)


def follow_all(base: Doubles, sold: Doubles, *, span: float) -> tuple[Doubles, Doubles]:
    """Level before every look of a reference, shape (n, T), started at its mean; and the level after the last."""
    before, level = np.empty_like(sold), base
    for column in range(sold.shape[1]):
        before[:, column] = level
        level = follow(level, sold[:, column], span=span)
    return before, level
