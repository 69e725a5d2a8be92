"""What windows of load say about a version's speed, and whether two versions differ: windows are the unit.

Requests are not independent: those of one moment wait in one queue, and share the cache and whoever disturbs the
machine. A test that counts requests as its n therefore finds differences where there are none. Measured on a simulated
server with autocorrelated load and nothing changed, at a nominal 0.1 %: a Kolmogorov-Smirnov test of two windows of
12,000 latencies gave a false alarm in 82 % of them, a binomial test of how many exceed the certified p99 in 23 %, and
the interval below, on one number for each window, in none of 600.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from finalmile.metrics.intervals import Interval, log_prediction_interval
from finalmile.serving.histogram import WIDTH
from finalmile.serving.load_profile import Window

Verdict = Literal["slower", "faster", "same", "undecided"]
QUANTILES: Mapping[str, float] = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
LEAST = 1000
"""Requests of a window below which its p99.9 is whichever happened to be the slowest."""

DECIDING = ("p50", "p99")
"""Quantiles that a verdict rests on: what most requests see, and what the slow ones see."""

FULL, QUICK = 30, 10
"""Windows of a certificate, and of a quick one, whose intervals are wider and which is labelled weak."""

_LEAST_SPREAD = math.log(WIDTH) / math.sqrt(12)


def window_quantiles(windows: Sequence[Window], /) -> dict[str, tuple[float, ...]]:
    """The quantiles of each window, in milliseconds: by name, one for each window."""
    return {name: tuple(window.quantile(level) for window in windows) for name, level in QUANTILES.items()}


def prediction_interval(values: Sequence[float], /, *, level: float = 0.99) -> Interval:
    r"""Where the quantile of one more window lies, told by the quantiles of n windows.

    .. math:: \exp\left(m \pm t_{n-1,\,(1+level)/2} \; s \, \sqrt{1 + 1/n}\right)

    with m and s the mean and the standard deviation of the logarithms. Logarithms, because latencies are skewed and a
    slowdown multiplies them; Student's t, because s comes from few windows; and the one under the root is the scatter
    of the new window itself, which a confidence interval of the mean leaves out. A later certificate's centre, a mean
    of many windows, scatters less than one window does by itself, and what it shifts from run to run besides (where
    memory was laid out, how warm the machine is) has its room in the difference.

    The spread is at least that of rounding to histogram buckets of one per cent, so that equal windows do not promise
    exactness.

    Parameters
    ----------
    values : of shape (n,)
        Latencies in any unit, one for each window, above zero; at least two.

    Examples
    --------
    >>> told = prediction_interval([1.0, 1.1, 0.9, 1.05, 0.95], level=0.95)
    >>> round(told.centre, 3), round(told.low, 2), round(told.high, 2)
    (0.997, 0.78, 1.27)

    Raises
    ------
    ValueError
        For fewer than two windows, or one without requests.

    References
    ----------
    Hahn and Meeker, Statistical Intervals, 1991, section 4.7: a prediction interval for one future observation.
    """
    _logs(values)
    return log_prediction_interval(values, level=level, least_spread=_LEAST_SPREAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How many times as long one took as another, and what may be concluded.

    Parameters
    ----------
    ratio, low, high
        Second over first, with the bounds of its interval.
    """

    ratio: float
    low: float
    high: float
    verdict: Verdict


def compare(first: Sequence[float], second: Sequence[float], *, tolerance: float = 0.1, level: float = 0.95) -> Ratio:
    r"""Whether the second takes longer than the first, judged by the quantiles of their windows.

    The interval of the ratio is Welch's, on logarithms,

    .. math:: \exp\left(m_2 - m_1 \pm t_{\nu,\,(1+level)/2} \sqrt{s_1^2/n_1 + s_2^2/n_2}\right)

    with Satterthwaite's degrees of freedom, and with each n reduced to :math:`n (1-\rho)/(1+\rho)` where neighbouring
    windows resemble each other (:math:`\rho` their correlation, where positive). ``slower`` needs the whole interval
    above ``1 + tolerance``, ``same`` needs all of it within ``1 / (1 + tolerance)`` to ``1 + tolerance``, and what
    straddles a border is ``undecided``: more windows, or a quieter machine, decide it.

    The tolerance is there because two runs of one version differ by some per cent that no number of windows in one run
    can show.

    Examples
    --------
    >>> base = [1.0, 1.02, 0.98, 1.01, 0.99, 1.0, 1.02, 0.98, 1.01, 0.99]
    >>> compare(base, [1.5 * one for one in base]).verdict, compare(base, base[::-1]).verdict
    ('slower', 'same')

    Raises
    ------
    ValueError
        For fewer than two windows, or one without requests.

    References
    ----------
    Welch, The generalization of 'Student's' problem when several different population variances are involved,
    Biometrika 34, 1947. Schuirmann, A comparison of the two one-sided tests procedure, 1987, on what "same" needs.
    """
    from scipy.special import stdtrit

    one, two = _logs(first), _logs(second)
    parts = [(_spread(logs) ** 2 / n, n) for logs, n in ((one, _effective(one)), (two, _effective(two)))]
    error = sum(part for part, _ in parts)
    freedom = error**2 / sum(part**2 / (n - 1) for part, n in parts)
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(error)
    centre = float(two.mean() - one.mean())
    low, high = _exp(centre - half), _exp(centre + half)
    return Ratio(ratio=math.exp(centre), low=low, high=high, verdict=_verdict(low, high, 1 + tolerance))


def overall(ratios: Mapping[str, Ratio], /) -> Verdict:
    """One word for several quantiles: slower where any is, the same where all are.

    ``faster`` where one is faster and none slower; anything else is undecided.

    Examples
    --------
    >>> quick = Ratio(ratio=0.5, low=0.4, high=0.6, verdict="faster")
    >>> even = Ratio(ratio=1.0, low=0.98, high=1.02, verdict="same")
    >>> overall({"p50": even, "p99": even}), overall({"p50": even, "p99": quick})
    ('same', 'faster')
    """
    found = {one.verdict for one in ratios.values()}
    if "slower" in found:
        return "slower"
    if "undecided" in found or not found:
        return "undecided"
    return "faster" if "faster" in found else "same"


def _verdict(low: float, high: float, border: float) -> Verdict:
    if low > border:
        return "slower"
    if high < 1 / border:
        return "faster"
    return "same" if 1 / border <= low and high <= border else "undecided"


def _exp(power: float) -> float:
    return math.exp(min(power, 700.0))


def _logs(values: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    told = np.asarray(values, dtype=np.float64)
    if told.size < 2:
        raise ValueError(f"{told.size} windows were given; at least two are needed, {QUICK} for a quick certificate")
    if not (np.isfinite(told) & (told > 0)).all():
        raise ValueError("every window must have a latency above zero; one without requests has none")
    return np.log(told).reshape(-1)


def _spread(logs: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    return max(float(logs.std(ddof=1)), _LEAST_SPREAD)


def _effective(logs: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """How many independent windows tell as much; at least a third: the correlation of few windows is itself unsure."""
    apart = logs - logs.mean()
    total = float((apart * apart).sum())
    alike = max(0.0, float((apart[1:] * apart[:-1]).sum()) / total) if total > 0 else 0.0
    return max(2.0, len(logs) / 3, len(logs) * (1 - alike) / (1 + alike))
