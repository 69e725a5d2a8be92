"""The anytime-valid t test: evidence that a mean is not zero, and where it lies, good at every look."""

from __future__ import annotations

import math

from finalmile.monitoring.versions.whitening import Whitened


def anytime_t_log_e(told: Whitened, *, c2: float = 8.0) -> float:
    r"""Natural logarithm of the evidence against a mean of zero; at most 1 on average whatever the noise's variance.

    .. math:: M = \sqrt{\frac{c^2}{w + c^2}} \left(1 - \frac{S^2}{(w + c^2) Q}\right)^{-n/2}

    with :math:`S` the total, :math:`Q` the sum of squares, :math:`w` the weight (:math:`n` where looks do not lean on
    one another). Reaching 20 at any look happens with probability at most 0.05 when the mean is zero and the values
    are normal and independent; heavier tails make it slower, not bolder.

    Parameters
    ----------
    c2
        Looks' worth of prior belief that the mean is near zero: small values suit large effects.

    References
    ----------
    Lai (1976), On confidence sequences, Annals of Statistics 4(2); Wang & Ramdas (2025), Anytime-valid t-tests and
    confidence sequences for Gaussian means with unknown variance, Sequential Analysis 44(1).

    Examples
    --------
    >>> anytime_t_log_e(Whitened(n=0, weight=0.0, total=0.0, squares=0.0))
    0.0
    """
    if told.n == 0 or told.squares <= 0:
        return 0.0
    share = told.total**2 / ((told.weight + c2) * told.squares)
    return 0.5 * math.log(c2 / (told.weight + c2)) - 0.5 * told.n * math.log1p(-min(share, 1.0 - 1e-15))


def anytime_t_half_width(told: Whitened, *, alpha: float, c2: float = 8.0) -> float:
    """Half width of the confidence sequence of the same test about ``told.mean``; infinite where looks are too few.

    Zero lies outside it exactly where the evidence reaches ``1 / alpha``.
    """
    if told.n < 2:
        return math.inf
    shrunk = told.weight + c2
    most = -math.expm1((2.0 * math.log(alpha) + math.log(c2 / shrunk)) / told.n)
    room = told.weight - most * shrunk
    if room <= 0:
        return math.inf
    return math.sqrt(most * shrunk * told.residual / (told.weight * room))
