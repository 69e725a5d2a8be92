"""Differences of losses from look to look, freed of what each one carries over from the look before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finalmile.monitoring.engine.design import Doubles

_MOST = 0.95
_CAUTION = 4.0
_UNLEARNED, _LEARNED = 0.5, 56.0  # persistence that is assumed of what nobody has seen; pairs after which it is known


def persistence(*parts: Doubles) -> float:
    r"""First-order autocorrelation of looks, in [0, 0.95], pooled over stretches that may have means of their own.

    .. math:: \hat\phi = \frac{\sum r_t r_{t-1}}{\sum r_{t-1}^2} + k \frac{1 + 3 \hat\phi}{n}

    The second term takes out the downward bias that estimating a mean causes, once for each of the :math:`k` stretches
    that has one of its own (Kendall 1954, Note on bias in the estimation of autocorrelation, Biometrika 41). Few looks
    say little, so it is drawn to 0 as if by four looks without any. Negative values become 0: the careful side.

    Parameters
    ----------
    parts : arrays of shape (T,)
        Consecutive looks each, NaN where one is missing; a pair counts where both neighbours are known.

    Examples
    --------
    >>> persistence(np.array([]))
    0.0
    """
    raw, pairs = _pooled(parts)
    return _bounded(raw * pairs / (pairs + _CAUTION)) if pairs else 0.0


def assumed_persistence(*parts: Doubles) -> float:
    r"""Persistence that a test may rest on: :func:`persistence`, and more of it while few looks have been seen.

    .. math:: \max(\hat\phi + u \sqrt{(1 - \hat\phi^2) / n},\; u / 2), \quad u = \max(0, 1 - n / 56)

    from :math:`n` pairs of neighbours. Looks that are taken to be independent and are not name winners that are none,
    and a few looks cannot tell. From 57 looks on, those of a backtest included, nothing is added.

    Examples
    --------
    >>> assumed_persistence(np.array([])), assumed_persistence(np.tile([1.0, -1.0], 14))
    (0.5, 0.2589285714285714)
    """
    raw, pairs = _pooled(parts)
    unsure = max(0.0, 1.0 - pairs / _LEARNED)
    if not pairs:
        return _UNLEARNED
    error = math.sqrt(max(1.0 - _bounded(raw) ** 2, 0.0) / pairs)
    return _bounded(max(raw * pairs / (pairs + _CAUTION) + unsure * error, _UNLEARNED * unsure))


def _pooled(parts: Sequence[Doubles]) -> tuple[float, int]:
    """Autocorrelation without the bias of means that were estimated, and the pairs of neighbours behind it."""
    crossed, squared, pairs, means = 0.0, 0.0, 0, 0
    for part in parts:
        known = np.isfinite(part)
        if known.sum() < 3:
            continue
        residual = np.where(known, part - part[known].mean(), 0.0)
        both = known[1:] & known[:-1]
        crossed += float((residual[1:] * residual[:-1])[both].sum())
        squared += float((residual[:-1] ** 2)[both].sum())
        pairs += int(both.sum())
        means += 1
    if pairs == 0 or squared <= 0:
        return 0.0, 0
    raw = crossed / squared
    return raw + means * (1.0 + 3.0 * raw) / pairs, pairs


def _bounded(phi: float) -> float:
    return min(max(phi, 0.0), _MOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whitened:
    """What remains of looks that follow one another: independent values, each a known multiple of the mean plus noise.

    Parameters
    ----------
    n
        Looks with data.
    weight
        Sum of squared multiples: 1 for a look that follows another, more after a gap and for the first one.
    total
        Sum of multiple times value; ``total / weight`` is the mean.
    squares
        Sum of squared values.
    """

    n: int
    weight: float
    total: float
    squares: float

    @property
    def mean(self) -> float:
        """Generalised least-squares mean of the looks; NaN without any."""
        return self.total / self.weight if self.n else float("nan")

    @property
    def residual(self) -> float:
        """Sum of squares about the mean."""
        return max(self.squares - self.total**2 / self.weight, 0.0) if self.n else 0.0


def whiten(looks: Doubles, phi: float) -> Whitened:
    r"""Looks with first-order autocorrelation ``phi`` as independent values, whatever gaps there are.

    After a gap of :math:`k` looks, :math:`w_t = (x_t - \phi^k x_{t-k}) / (s_k (1 - \phi))` with
    :math:`s_k^2 = (1 - \phi^{2k}) / (1 - \phi^2)`; the first look leans on none.

    Parameters
    ----------
    looks : array of shape (T,)
        NaN where a look is missing.

    Examples
    --------
    >>> told = whiten(np.array([1.0, np.nan, 3.0]), 0.0)
    >>> told.n, told.mean, told.residual
    (2, 2.0, 2.0)
    """
    value, multiple = _steps(looks, phi)
    return Whitened(
        n=len(value),
        weight=float((multiple**2).sum()),
        total=float((multiple * value).sum()),
        squares=float((value**2).sum()),
    )


def residuals(looks: Doubles, phi: float) -> Doubles:
    """What whitened looks are off their mean; empty without any.

    Examples
    --------
    >>> residuals(np.array([1.0, np.nan, 3.0]), 0.0).tolist()
    [-1.0, 1.0]
    """
    value, multiple = _steps(looks, phi)
    weight = float((multiple**2).sum())
    return value - multiple * (float((multiple * value).sum()) / weight) if len(value) else value


def _steps(looks: Doubles, phi: float) -> tuple[Doubles, Doubles]:
    """Whitened values, and how much of the mean is in each."""
    at = np.flatnonzero(np.isfinite(looks))
    x = looks[at]
    if not len(at):
        return x, x
    kept = np.concatenate([[0.0], phi ** np.diff(at).astype(np.float64)])
    spread = np.sqrt((1.0 - kept**2) / (1.0 - phi**2)) * (1.0 - phi)
    before = np.concatenate([[0.0], x[:-1]])
    value: Doubles = (x - kept * before) / spread
    multiple: Doubles = (1.0 - kept) / spread
    return value, multiple
