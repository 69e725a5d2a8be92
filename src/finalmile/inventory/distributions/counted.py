"""Demand in whole units: Poisson, negative binomial, geometric."""

from __future__ import annotations

import math
from dataclasses import dataclass

from finalmile.inventory.distributions.base import Distribution, chance_in, not_below_zero


@dataclass(frozen=True, slots=True)
class Poisson:
    r"""Poisson demand: whole units that are asked for one by one and independently, variance equal to the mean.

    .. math:: n(x) = \lambda P(D \ge x) - x P(D > x)

    Retail demand mostly varies more (see :class:`NegativeBinomial`); on it, 98 % by Poisson is 77-95 %.

    Examples
    --------
    >>> Poisson(6.0).quantile(0.8), round(Poisson(15.0).loss(18.0), 4)
    (8.0, 0.5176)
    """

    mean: float

    def __post_init__(self) -> None:
        not_below_zero("mean", self.mean)

    @property
    def whole(self) -> bool:
        """Yes."""
        return True

    def over(self, periods: float) -> Poisson:
        """The sum of so many independent periods."""
        return Poisson(self.mean * periods)

    def cdf(self, level: float, /) -> float:
        """Chance that demand is at most ``level``."""
        from scipy.special import pdtr

        return float(pdtr(math.floor(level), self.mean)) if level >= 0 else 0.0

    def quantile(self, chance: float, /) -> float:
        """Smallest whole level that is enough with this chance."""
        return smallest(self, chance_in(chance), guess=self.mean + 2 * math.sqrt(self.mean))

    def loss(self, level: float, /) -> float:
        """Expected units short of ``level``, which need not be whole."""
        if level <= 0:
            return self.mean - level
        whole = math.floor(level)
        return max(self.mean * self._more(whole - 1) - level * self._more(whole), 0.0)

    def _more(self, units: int) -> float:
        from scipy.special import pdtrc

        return float(pdtrc(units, self.mean)) if units >= 0 else 1.0


@dataclass(frozen=True, slots=True)
class NegativeBinomial:
    r"""Whole units with a variance above the mean: what sales of a product mostly are.

    .. math:: r = \mu^2 / (v - \mu), \quad p = \mu / v, \quad
        n(x) = \mu \bar F_{r+1}(x - 2) - x \bar F_r(x - 1) \text{ for whole } x

    Where ``variance`` is not above ``mean`` no negative binomial exists; :func:`counts` then gives a Poisson.

    Parameters
    ----------
    mean, variance
        Of demand over the span, units and units squared.

    Examples
    --------
    Fourteen independent days of mean 5 and variance 15; adding up daily quantiles gives 210.

    >>> NegativeBinomial(5.0, 15.0).over(14).quantile(0.98)
    102.0
    """

    mean: float
    variance: float

    def __post_init__(self) -> None:
        if not (self.mean > 0 and self.variance > self.mean):
            raise ValueError(
                f"mean is {self.mean} and variance {self.variance}; a negative binomial needs a mean above 0 and a "
                "variance above the mean. For others take counts(mean, variance), which gives a Poisson"
            )

    @classmethod
    def of(cls, *, r: float, p: float) -> NegativeBinomial:
        """From the number of successes ``r > 0`` and the chance of success ``p`` in (0, 1); counts failures."""
        if not (r > 0 and 0 < p < 1):
            raise ValueError(f"r is {r} and p is {p}; r must be above 0 and p between 0 and 1")
        return cls(r * (1 - p) / p, r * (1 - p) / p**2)

    @property
    def whole(self) -> bool:
        """Yes."""
        return True

    @property
    def r(self) -> float:
        """Number of successes."""
        return self.mean**2 / (self.variance - self.mean)

    @property
    def p(self) -> float:
        """Chance of success."""
        return self.mean / self.variance

    def over(self, periods: float) -> NegativeBinomial:
        """The sum of so many independent periods."""
        return NegativeBinomial(self.mean * periods, self.variance * periods)

    def cdf(self, level: float, /) -> float:
        """Chance that demand is at most ``level``."""
        return 1.0 - self._more(math.floor(level), extra=0.0)

    def quantile(self, chance: float, /) -> float:
        """Smallest whole level that is enough with this chance."""
        return smallest(self, chance_in(chance), guess=self.mean + 2 * math.sqrt(self.variance))

    def loss(self, level: float, /) -> float:
        """Expected units short of ``level``, which need not be whole."""
        if level <= 0:
            return self.mean - level
        whole = math.floor(level)
        return max(self.mean * self._more(whole - 1, extra=1.0) - level * self._more(whole, extra=0.0), 0.0)

    def _more(self, units: int, *, extra: float) -> float:
        from scipy.special import betainc

        return float(betainc(units + 1.0, self.r + extra, 1 - self.p)) if units >= 0 else 1.0


@dataclass(frozen=True, slots=True)
class Geometric:
    r"""How many tries a success takes, of chance ``p`` each: 1, 2, ... with :math:`n(x) = (1 - p)^x / p`.

    Examples
    --------
    >>> Geometric(0.5).loss(3.0)   # 1/8 over 1/2
    0.25
    """

    p: float

    def __post_init__(self) -> None:
        if not 0 < self.p <= 1:
            raise ValueError(f"p is {self.p}; the chance of a success must be above 0 and at most 1")

    @property
    def whole(self) -> bool:
        """Yes."""
        return True

    @property
    def mean(self) -> float:
        """Expected demand."""
        return 1 / self.p

    def cdf(self, level: float, /) -> float:
        """Chance that demand is at most ``level``."""
        return 1.0 - (1 - self.p) ** math.floor(level) if level >= 0 else 0.0

    def quantile(self, chance: float, /) -> float:
        """Smallest whole level that is enough with this chance."""
        return smallest(self, chance_in(chance), guess=self.mean)

    def loss(self, level: float, /) -> float:
        """Expected units short of ``level``, which need not be whole."""
        if level <= 0:
            return self.mean - level
        whole = math.floor(level)
        return (1 - self.p) ** whole * ((1 - self.p) / self.p + whole + 1 - level)


def counts(mean: float, variance: float) -> Poisson | NegativeBinomial:
    """Whole units of a mean and variance: negative binomial, and Poisson where the variance is not above the mean.

    Examples
    --------
    >>> counts(3.0, 2.0)
    Poisson(mean=3.0)
    """
    return NegativeBinomial(mean, variance) if mean > 0 and variance > mean * (1 + 1e-9) else Poisson(mean)


def smallest(demand: Distribution, chance: float, *, guess: float) -> float:
    """Smallest whole level whose chance is enough, by doubling and halving."""
    low, high = -1, max(math.ceil(guess), 1)
    while demand.cdf(high) < chance - 1e-12:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if demand.cdf(middle) >= chance - 1e-12 else (middle, high)
    return float(high)
