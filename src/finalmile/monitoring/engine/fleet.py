"""Many products at once: what they share, and which of them may be listed."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from finalmile.monitoring.engine.design import Doubles


def trimmed_mean(values: Doubles, *, share: float = 0.05) -> float:
    """Mean without the lowest and highest ``share`` of the finite values; NaN where there is none.

    Examples
    --------
    >>> trimmed_mean(np.array([0.0, 1.0, 2.0, 100.0]), share=0.25)
    1.5
    """
    known = np.sort(values[np.isfinite(values)])
    cut = int(share * len(known))
    kept = known[cut : len(known) - cut]
    return float(kept.mean()) if len(kept) else math.nan


def e_bh(log_e: Doubles, *, alpha: float, patience: float = 1.0) -> npt.NDArray[np.bool_]:
    r"""Which streams to list: the largest ``k`` such that the top ``k`` all have :math:`e \ge p\,m / (\alpha k)`.

    With e-detectors as input and a patience of ``p`` looks this is e-d-BH: the expected share of false names on the
    list over the expected time to listing is at most ``alpha / patience``, whatever the dependence between streams.
    With patience 1 and plain e-values it is e-BH, whose false discovery rate is at most ``alpha``.

    Parameters
    ----------
    log_e : array of shape (m,)
        Logarithms; NaN never gets listed and does not count in ``m``.

    References
    ----------
    Wang & Ramdas (2022), False discovery rate control with e-values; Dandapanthula & Ramdas (2025), Multiple testing
    in multi-stream sequential change detection.

    Examples
    --------
    >>> e_bh(np.log([300.0, 2.0, 45.0, 0.5]), alpha=0.1).tolist()
    [True, False, True, False]
    """
    known = np.isfinite(log_e) | np.isposinf(log_e)
    m = int((known | np.isneginf(log_e)).sum())
    listed = np.zeros(len(log_e), dtype=np.bool_)
    if m == 0:
        return listed
    order = np.argsort(-np.where(known, log_e, -np.inf), kind="stable")[:m]
    needed = np.log(patience * m / (alpha * np.arange(1, m + 1)))
    enough = np.flatnonzero(np.where(known[order], log_e[order], -np.inf) >= needed)
    if len(enough):
        listed[order[: enough[-1] + 1]] = True
    return listed


def beta_binomial_log_e(k: int, n: int, *, expected: float, a: float = 1.0, b: float = 1.0) -> float:
    r"""Log evidence that a share is not ``expected``, from ``k`` of ``n``, against a beta(a, b) mixture.

    .. math:: \ln B(a + k, b + n - k) - \ln B(a, b) - k \ln p_0 - (n - k) \ln(1 - p_0)

    Anytime-valid for independent looks; outcomes that come in clusters make it too sure. 0 for ``n = 0``.

    Examples
    --------
    >>> round(beta_binomial_log_e(12, 100, expected=0.05), 4)
    1.2595
    """
    if not 0 <= k <= n or not 0 < expected < 1:
        raise ValueError(f"{k} of {n} with expected share {expected}: it must be 0 <= k <= n and 0 < share < 1")

    def log_beta(x: float, y: float) -> float:
        return math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)

    likelihood = k * math.log(expected) + (n - k) * math.log1p(-expected)
    return log_beta(a + k, b + n - k) - log_beta(a, b) - likelihood
