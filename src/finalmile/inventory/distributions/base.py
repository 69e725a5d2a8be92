"""What every distribution of demand can say."""

from __future__ import annotations

from typing import Protocol

from finalmile.inventory.chances import check_chance


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
    >>> from finalmile.inventory.distributions import Poisson
    >>> round(complementary_loss(Poisson(15.0), 18.0), 4)
    3.5176
    """
    return max(level - demand.mean + demand.loss(level), 0.0)


def chance_in(value: float) -> float:
    """The chance again; ``ValueError`` where it is not in (0, 1)."""
    check_chance("the chance", value)
    return value


def not_below_zero(name: str, value: float) -> None:
    """Raise ``ValueError`` for what is negative or NaN."""
    if not value >= 0:
        raise ValueError(f"{name} is {value}; it must be 0 or more")
