"""The error rate check: are more requests left without a right answer than were when the version was certified."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from finalmile.monitoring.operations.windows import Certified, Windows
from finalmile.monitoring.registry import checks
from finalmile.records import Finding


@checks.add("error_rate")
@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRateCheck:
    r"""Holds the share of failed requests against the certified share and a tolerance, with windows as clusters.

    Failures come in bursts, so the requests of a window count as one observation: the share is a ratio of sums, and
    its standard error that of a ratio over windows,

    .. math:: se^2 = \frac{w}{w-1} \sum_i (f_i - p\,n_i)^2 / \left(\sum_i n_i\right)^2

    A look breaches where the lower bound :math:`p - t\,se` is above what is allowed.

    Parameters
    ----------
    allowed
        Share of requests that may fail beyond what was certified, in [0, 1): one in a thousand.
    level
        Of the bound, one-sided.
    least_windows
        Windows that a look needs.

    References
    ----------
    Cochran, Sampling Techniques, 1977, section 6.3: the variance of a ratio estimate.
    """

    allowed: float = 0.001
    level: float = 0.999
    least_windows: int = 3

    def __post_init__(self) -> None:
        if not 0 <= self.allowed < 1 or not 0.5 < self.level < 1 or self.least_windows < 2:
            raise ValueError("allowed must be in [0, 1), level in (0.5, 1) and least_windows at least 2")

    def compare(
        self, windows: Windows, certified: Certified | None, /, *, subject: str, at: date | datetime
    ) -> Finding:
        """One finding; with too few windows one that says so. Without a certificate nothing may fail but ``allowed``.

        Examples
        --------
        >>> ten = Windows(starts=np.arange(10) * 10.0, seconds=np.full(10, 10.0), requests=np.full(10, 500),
        ...               failed=np.full(10, 5), quantiles={})
        >>> told = ErrorRateCheck().compare(ten, None, subject="demand@3", at=date(2024, 3, 1))
        >>> told.value, told.benchmark, told.breached
        (0.01, 0.001, True)
        """
        w, n = len(windows.requests), int(windows.requests.sum())
        if w < self.least_windows or n == 0:
            return self._unknown(subject, at)
        share = float(windows.failed.sum()) / n
        limit = self.allowed + (0.0 if certified is None else certified.failed)
        low = share - self._half(windows, share)
        over = windows.failed > limit * windows.requests
        breached = low > limit
        return Finding(
            check="error_rate",
            subject=subject,
            at=at,
            value=share,
            benchmark=limit,
            effect=share / limit - 1 if limit > 0 else None,
            unit="share of requests",
            n=n,
            since=datetime.fromtimestamp(float(windows.starts[np.argmax(over)]), tz=UTC) if over.any() else None,
            breached=breached,
            severity="critical" if breached else "warning" if share > limit else "info",
            why=self._why(windows, certified, share=share, low=low, limit=limit, subject=subject),
        )

    def _half(self, windows: Windows, share: float) -> float:
        from scipy.special import stdtrit

        w, n = len(windows.requests), float(windows.requests.sum())
        apart = windows.failed - share * windows.requests
        error = math.sqrt(w / (w - 1) * float((apart**2).sum())) / n
        return float(stdtrit(w - 1, self.level)) * error

    def _why(
        self, windows: Windows, certified: Certified | None, *, share: float, low: float, limit: float, subject: str
    ) -> str:
        failed, n, bad = int(windows.failed.sum()), int(windows.requests.sum()), int((windows.failed > 0).sum())
        source = "" if certified is None else f", as {certified.source} and the tolerance say"
        told = f"{failed:,} of {n:,} requests to {subject} got no right answer ({share:.2%}), in {bad:,} of "
        told += f"{len(windows.requests):,} windows; at most {limit:.2%} is allowed{source}."
        if share > limit >= low:
            told += " They came in bursts, so that it may be chance."
        return told

    def _unknown(self, subject: str, at: date | datetime) -> Finding:
        return Finding(
            check="error_rate",
            subject=subject,
            at=at,
            value=None,
            benchmark=self.allowed,
            unit="share of requests",
            why=f"The errors of {subject} cannot be judged: fewer than {self.least_windows} windows of requests.",
        )
