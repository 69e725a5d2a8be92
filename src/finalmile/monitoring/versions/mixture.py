"""Boundaries that hold at every look at once, however often one looks: normal mixture and asymptotic sequence."""

from __future__ import annotations

import math

import numpy as np

from finalmile.monitoring.engine.design import Doubles


def mixture_scale(v_opt: float, *, alpha: float) -> float:
    r"""Scale of the mixture whose boundary is near its narrowest once the variance has grown to ``v_opt``.

    .. math:: \rho = v / (2 \ln(1/\alpha) + \ln(1 + 2 \ln(1/\alpha)))

    Examples
    --------
    >>> round(mixture_scale(30.0, alpha=0.05), 6)
    3.780168
    """
    wide = -2.0 * math.log(alpha)
    return v_opt / (wide + math.log1p(wide))


def mixture_bound(v: Doubles | float, *, rho: float, alpha: float) -> Doubles:
    r"""What a sum with mean 0 and accumulated variance ``v`` ever exceeds in size with probability ``alpha`` at most.

    .. math:: \sqrt{(v + \rho) \ln((v + \rho) / (\rho \alpha^2))}

    References
    ----------
    Howard, Ramdas, McAuliffe & Sekhon (2021), Time-uniform, nonparametric, nonasymptotic confidence sequences, Annals
    of Statistics 49(2), the two-sided normal mixture.

    Examples
    --------
    >>> float(mixture_bound(100.0, rho=mixture_scale(30.0, alpha=0.05), alpha=0.05).round(4))
    31.0736
    """
    total = np.asarray(v, dtype=np.float64) + rho
    bound: Doubles = np.sqrt(total * np.log(total / (rho * alpha**2)))
    return bound


def asymptotic_half_width(n: float, *, variance: float, alpha: float, t_opt: float = 30.0) -> float:
    r"""Half width of a confidence sequence for a mean after ``n`` looks; infinite before the first.

    .. math:: \sigma \sqrt{\frac{2 (n \rho^2 + 1)}{n^2 \rho^2} \ln \frac{\sqrt{n \rho^2 + 1}}{\alpha}}

    Its level is reached as looks accumulate: with few looks, or heavy tails, it is somewhat too narrow.

    Parameters
    ----------
    t_opt
        Looks after which it is to be narrow.

    References
    ----------
    Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), Time-uniform central limit theory and asymptotic confidence
    sequences, Annals of Statistics 52(6).

    Examples
    --------
    >>> round(asymptotic_half_width(30, variance=0.0036, alpha=0.05), 6)
    0.033249
    """
    if n <= 0:
        return math.inf
    wide = -2.0 * math.log(alpha)
    spread = n * (wide + math.log1p(wide)) / t_opt
    return math.sqrt(variance * 2.0 * (spread + 1.0) / (n * spread) * math.log(math.sqrt(spread + 1.0) / alpha))
