"""Demand over a span as a distribution: how likely, how much would be short, how much left over."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from finalmile.simulation import UnitsArray


class Distribution(Protocol):
    """Demand over one span, in units."""

    @property
    def mean(self) -> float:
        """Expected demand."""
        ...

    @property
    def whole(self) -> bool:
        """Whether demand comes in whole units."""
        ...

    def cdf(self, level: float, /) -> float:
        """Chance that demand is at most ``level``."""
        ...

    def quantile(self, chance: float, /) -> float:
        """Smallest level that demand stays within with at least this chance, in (0, 1)."""
        ...

    def loss(self, level: float, /) -> float:
        r"""Expected units short of a stock of ``level``, :math:`n(x) = E[(D - x)^+]`."""
        ...


def complementary_loss(demand: Distribution, level: float) -> float:
    r"""Expected units left of a stock of ``level``: :math:`E[(x - D)^+] = x - E[D] + n(x)`.

    Examples
    --------
    >>> round(complementary_loss(Poisson(15.0), 18.0), 4)
    3.5176
    """
    return max(level - demand.mean + demand.loss(level), 0.0)


@dataclass(frozen=True, slots=True)
class Normal:
    r"""Normal demand: right for the sum of much, wrong for slow movers, of which it makes fractions and negatives.

    .. math:: n(x) = \sigma (\varphi(z) - z \bar\Phi(z)), \qquad z = (x - \mu) / \sigma

    Examples
    --------
    >>> round(Normal(15.0, 3.0).loss(18.6), 5)
    0.16831
    """

    mean: float
    sd: float

    def __post_init__(self) -> None:
        _not_negative("sd", self.sd)

    @property
    def whole(self) -> bool:
        """No."""
        return False

    def cdf(self, level: float, /) -> float:
        """Chance that demand is at most ``level``; with no spread, 0 below the mean and 1 from it on."""
        return _upper((self.mean - level) / self.sd) if self.sd else float(level >= self.mean)

    def quantile(self, chance: float, /) -> float:
        """``mean + z sd``."""
        from scipy.special import ndtri

        return self.mean + self.sd * float(ndtri(_chance(chance)))

    def loss(self, level: float, /) -> float:
        """Expected units short of ``level``."""
        if not self.sd:
            return max(self.mean - level, 0.0)
        z = (level - self.mean) / self.sd
        return max(self.sd * (_density(z) - z * _upper(z)), 0.0)

    def second_loss(self, level: float, /) -> float:
        r"""Half of the expected squared shortage, :math:`n_2(x) = E[((D - x)^+)^2] / 2`; its slope is :math:`-n(x)`."""
        if not self.sd:
            return max(self.mean - level, 0.0) ** 2 / 2
        z = (level - self.mean) / self.sd
        return max(self.sd**2 / 2 * ((z**2 + 1) * _upper(z) - z * _density(z)), 0.0)


@dataclass(frozen=True, slots=True)
class LogNormal:
    r"""Demand whose logarithm is normal with ``mu`` and ``sigma``: skewed, never negative.

    .. math:: n(x) = e^{\mu + \sigma^2/2}\, \Phi(\sigma - z) - x\, \bar\Phi(z), \qquad z = (\ln x - \mu) / \sigma

    Examples
    --------
    >>> round(LogNormal(6.0, 0.3).quantile(0.5), 2)   # exp(6)
    403.43
    """

    mu: float
    sigma: float

    def __post_init__(self) -> None:
        if not self.sigma > 0:
            raise ValueError(f"sigma is {self.sigma}; the standard deviation of the logarithm must be above 0")

    @property
    def whole(self) -> bool:
        """No."""
        return False

    @property
    def mean(self) -> float:
        """Expected demand."""
        return math.exp(self.mu + self.sigma**2 / 2)

    def cdf(self, level: float, /) -> float:
        """Chance that demand is at most ``level``."""
        return _upper((self.mu - math.log(level)) / self.sigma) if level > 0 else 0.0

    def quantile(self, chance: float, /) -> float:
        """Level at a chance."""
        from scipy.special import ndtri

        return math.exp(self.mu + self.sigma * float(ndtri(_chance(chance))))

    def loss(self, level: float, /) -> float:
        """Expected units short of ``level``."""
        if level <= 0:
            return self.mean - level
        z = (math.log(level) - self.mu) / self.sigma
        return max(self.mean * _upper(z - self.sigma) - level * _upper(z), 0.0)


@dataclass(frozen=True, slots=True)
class Gamma:
    r"""Gamma demand of a mean and a standard deviation: continuous, skewed, never negative.

    .. math:: n(x) = \mu \bar F_{k+1}(x) - x \bar F_k(x), \qquad k = (\mu/\sigma)^2

    Examples
    --------
    With sd = mean it is exponential: the loss at the mean is ``mean / e``.

    >>> round(Gamma(10.0, 10.0).loss(10.0), 4)
    3.6788
    """

    mean: float
    sd: float

    def __post_init__(self) -> None:
        if not (self.mean > 0 and self.sd > 0):
            raise ValueError(f"mean is {self.mean} and sd is {self.sd}; both must be above 0")

    @property
    def whole(self) -> bool:
        """No."""
        return False

    def cdf(self, level: float, /) -> float:
        """Chance that demand is at most ``level``."""
        return 1.0 - self._tail(level, extra=0.0)

    def quantile(self, chance: float, /) -> float:
        """Level at a chance."""
        from scipy.special import gammaincinv

        return float(gammaincinv((self.mean / self.sd) ** 2, _chance(chance))) * self.sd**2 / self.mean

    def loss(self, level: float, /) -> float:
        """Expected units short of ``level``."""
        if level <= 0:
            return self.mean - level
        return max(self.mean * self._tail(level, extra=1.0) - level * self._tail(level, extra=0.0), 0.0)

    def _tail(self, level: float, *, extra: float) -> float:
        from scipy.special import gammaincc

        return float(gammaincc((self.mean / self.sd) ** 2 + extra, max(level, 0.0) * self.mean / self.sd**2))


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
        _not_negative("mean", self.mean)

    @property
    def whole(self) -> bool:
        """Yes."""
        return True

    def cdf(self, level: float, /) -> float:
        """Chance that demand is at most ``level``."""
        from scipy.special import pdtr

        return float(pdtr(math.floor(level), self.mean)) if level >= 0 else 0.0

    def quantile(self, chance: float, /) -> float:
        """Smallest whole level that is enough with this chance."""
        return _smallest(self, _chance(chance), guess=self.mean + 2 * math.sqrt(self.mean))

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
        return _smallest(self, _chance(chance), guess=self.mean + 2 * math.sqrt(self.variance))

    def loss(self, level: float, /) -> float:
        """Expected units short of ``level``, which need not be whole."""
        if level <= 0:
            return self.mean - level
        whole = math.floor(level)
        return max(self.mean * self._more(whole - 1, extra=1.0) - level * self._more(whole, extra=0.0), 0.0)

    def _more(self, units: int, *, extra: float) -> float:
        from scipy.special import betainc

        return float(betainc(units + 1.0, self.r + extra, 1 - self.p)) if units >= 0 else 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Pmf:
    """Demand of ``k`` whole units with chance ``chances[k]``: a histogram, or anything counted.

    Parameters
    ----------
    chances : array of shape (m,)
        Not negative, adding up to 1.

    Examples
    --------
    >>> lumpy = Pmf.of({0: 0.5, 4: 0.5})
    >>> lumpy.mean, lumpy.quantile(0.6), lumpy.loss(3.0)
    (2.0, 4.0, 0.5)
    """

    chances: UnitsArray

    def __post_init__(self) -> None:
        total = float(np.sum(self.chances))
        if not len(self.chances) or not np.all(self.chances >= 0) or abs(total - 1) > 1e-9:
            raise ValueError(f"the chances add up to {total:g}; they must not be negative and add up to 1")

    @classmethod
    def of(cls, chances: dict[int, float]) -> Pmf:
        """From the chance of each number of units; others have none."""
        low = min(chances, default=-1)
        if low < 0:
            raise ValueError("give the chance of each number of units, none below 0: {units: chance}")
        told = np.zeros(max(chances) + 1)
        told[list(chances)] = list(chances.values())
        return cls(told)

    @property
    def whole(self) -> bool:
        """Yes."""
        return True

    @property
    def mean(self) -> float:
        """Expected demand."""
        return float(np.arange(len(self.chances)) @ self.chances)

    def cdf(self, level: float, /) -> float:
        """Chance that demand is at most ``level``."""
        return min(float(self.chances[: math.floor(level) + 1].sum()), 1.0) if level >= 0 else 0.0

    def quantile(self, chance: float, /) -> float:
        """Smallest level that is enough with this chance."""
        reached = np.cumsum(self.chances) >= _chance(chance) - 1e-12
        return float(reached.argmax()) if reached.any() else float(len(self.chances) - 1)

    def loss(self, level: float, /) -> float:
        """Expected units short of ``level``."""
        return float(np.maximum(np.arange(len(self.chances)) - level, 0.0) @ self.chances)


def counts(mean: float, variance: float) -> Poisson | NegativeBinomial:
    """Whole units of a mean and variance: negative binomial, and Poisson where the variance is not above the mean.

    Examples
    --------
    >>> counts(3.0, 2.0)
    Poisson(mean=3.0)
    """
    return NegativeBinomial(mean, variance) if mean > 0 and variance > mean * (1 + 1e-9) else Poisson(mean)


def _smallest(demand: Distribution, chance: float, *, guess: float) -> float:
    """Smallest whole level whose chance is enough, by doubling and halving."""
    low, high = -1, max(math.ceil(guess), 1)
    while demand.cdf(high) < chance - 1e-12:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if demand.cdf(middle) >= chance - 1e-12 else (middle, high)
    return float(high)


def _density(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _upper(z: float) -> float:
    return math.erfc(z / math.sqrt(2)) / 2


def _chance(value: float) -> float:
    if not 0 < value < 1:
        raise ValueError(f"the chance is {value}; it must lie between 0 and 1, for example 0.98")
    return value


def _not_negative(name: str, value: float) -> None:
    if not value >= 0:
        raise ValueError(f"{name} is {value}; it must be 0 or more")
