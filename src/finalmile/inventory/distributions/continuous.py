"""Demand that is not counted in whole units."""

from __future__ import annotations

import math
from dataclasses import dataclass

from finalmile.inventory.distributions.base import chance_in, not_below_zero


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
        not_below_zero("sd", self.sd)

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

        return self.mean + self.sd * float(ndtri(chance_in(chance)))

    def loss(self, level: float, /) -> float:
        """Expected units short of ``level``."""
        if not self.sd:
            return max(self.mean - level, 0.0)
        z = (level - self.mean) / self.sd
        return max(self.sd * (_density(z) - z * _upper(z)), 0.0)

    def over(self, periods: float) -> Normal:
        """The sum of so many independent periods."""
        return Normal(self.mean * periods, self.sd * math.sqrt(periods))

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

        return math.exp(self.mu + self.sigma * float(ndtri(chance_in(chance))))

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

    def over(self, periods: float) -> Gamma:
        """The sum of so many independent periods."""
        return Gamma(self.mean * periods, self.sd * math.sqrt(periods))

    def cdf(self, level: float, /) -> float:
        """Chance that demand is at most ``level``."""
        return 1.0 - self._tail(level, extra=0.0)

    def quantile(self, chance: float, /) -> float:
        """Level at a chance."""
        from scipy.special import gammaincinv

        return float(gammaincinv((self.mean / self.sd) ** 2, chance_in(chance))) * self.sd**2 / self.mean

    def loss(self, level: float, /) -> float:
        """Expected units short of ``level``."""
        if level <= 0:
            return self.mean - level
        return max(self.mean * self._tail(level, extra=1.0) - level * self._tail(level, extra=0.0), 0.0)

    def _tail(self, level: float, *, extra: float) -> float:
        from scipy.special import gammaincc

        return float(gammaincc((self.mean / self.sd) ** 2 + extra, max(level, 0.0) * self.mean / self.sd**2))


@dataclass(frozen=True, slots=True)
class Exponential:
    r"""Exponential demand: :math:`n(x) = \mu e^{-x/\mu}`.

    Examples
    --------
    >>> round(Exponential(10.0).loss(10.0), 4)   # 10 / e
    3.6788
    """

    mean: float

    def __post_init__(self) -> None:
        if not self.mean > 0:
            raise ValueError(f"mean is {self.mean}; it must be above 0")

    @property
    def whole(self) -> bool:
        """No."""
        return False

    def cdf(self, level: float, /) -> float:
        """Chance that demand is at most ``level``."""
        return -math.expm1(-max(level, 0.0) / self.mean)

    def quantile(self, chance: float, /) -> float:
        """Level at a chance."""
        return -self.mean * math.log1p(-chance_in(chance))

    def loss(self, level: float, /) -> float:
        """Expected units short of ``level``."""
        return self.mean * math.exp(-level / self.mean) if level > 0 else self.mean - level


@dataclass(frozen=True, slots=True)
class Uniform:
    r"""Demand anywhere between two bounds: :math:`n(x) = (b - x)^2 / (2 (b - a))` for :math:`a \le x \le b`.

    Examples
    --------
    >>> Uniform(0.0, 10.0).loss(6.0)   # 16 / 20
    0.8
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.high > self.low:
            raise ValueError(f"low is {self.low} and high is {self.high}; the second must be above the first")

    @property
    def whole(self) -> bool:
        """No."""
        return False

    @property
    def mean(self) -> float:
        """Expected demand."""
        return (self.low + self.high) / 2

    def cdf(self, level: float, /) -> float:
        """Chance that demand is at most ``level``."""
        return min(max((level - self.low) / (self.high - self.low), 0.0), 1.0)

    def quantile(self, chance: float, /) -> float:
        """Level at a chance."""
        return self.low + chance_in(chance) * (self.high - self.low)

    def loss(self, level: float, /) -> float:
        """Expected units short of ``level``."""
        if level <= self.low:
            return self.mean - level
        return max(self.high - level, 0.0) ** 2 / (2 * (self.high - self.low))


def _density(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _upper(z: float) -> float:
    return math.erfc(z / math.sqrt(2)) / 2
