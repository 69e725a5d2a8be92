"""Evidence that sales scatter more around what is expected of them than they did: bets on the dispersion of counts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from finalmile.frames import BoolArray, IntArray
from finalmile.monitoring.engine.clustering import steadiness
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.engine.detector import e_cusum, log_mean_exp
from finalmile.monitoring.engine.fleet import trimmed_mean

_GROWTHS = (1.25, 1.5)
_STANDARD_ERRORS = 2.0
_MOST_PAY = 5.0
_LEAST_WIDTH = 0.01  # standard deviation over mean sales
_LEAST_MEAN = 0.05  # expected sales over mean sales
_GROWN = 1.5
_EXTRA_BOUNDS = (1e-4, 20.0)
_CENTRE_BOUNDS = (0.2, 5.0)
_WILDEST = 16.0
_POOLED_FROM = 20
_FACTOR_BOUNDS = (0.25, 4.0)
_STRETCH_BET = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispersion:
    r"""``n`` products, the sales of each held against a negative binomial around what was expected of the look.

    The e-value of a look is the likelihood ratio of a negative binomial whose standard deviation is ``g`` times as
    large to that of the reference, both with the expected mean :math:`\mu`,

    .. math:: L = \left( \frac{f(y; \mu, g^2 v)}{f(y; \mu, v)} \right)^w / D, \quad v = \mu + a \mu^2

    with ``a`` by moments, ``D`` the mean on the product's own reference, two standard errors added and at least 1, and
    ``w`` less than 1 where surprises come in clusters. Where sales scatter less than counts would, or are no counts,
    they are counted in units in which they do. Shiryaev-Roberts sums are mixed over ``g`` of 1.25 and 1.5.

    Against ranks, which assume no shape, it loses where a distribution is nothing like counts, and wins where it is:
    how improbable a sale was is told also beyond the largest of the reference.

    Parameters
    ----------
    centre, unit : array of shape (n,)
        Sold over expected in the reference; what counts of one are multiplied by. ``unit`` is NaN where a product was
        not learned.
    base, extra : array of shape (n,)
        Mean sales; ``a``.
    weight, log_norm : arrays of shape (n,) and (n, 2)
        ``w``, and the logarithm of ``D``.
    log_r : array of shape (n, 2)
        The detectors' statistics.
    usual
        Trimmed mean over products of squared misses over ``v`` on a normal look.
    run, since, looks, squares : array of shape (n,)
        Log evidence of the present stretch alone, its first period, its looks, and the sum of their squared misses
        over ``v``.

    References
    ----------
    Nelder & Pregibon (1987), An extended quasi-likelihood function, Biometrika 74.
    """

    centre: Doubles
    unit: Doubles
    base: Doubles
    extra: Doubles
    weight: Doubles
    log_norm: Doubles
    log_r: Doubles
    usual: float
    run: Doubles
    since: IntArray
    looks: Doubles
    squares: Doubles

    @classmethod
    def start(cls, sold: Doubles, expected: Doubles, *, least: int, next_period: int) -> Dispersion:
        """Learn from a reference of shape (n, T), NaN where a look is missing; products with few looks wait forever."""
        known = np.isfinite(sold) & np.isfinite(expected)
        y, mu = np.where(known, np.maximum(sold, 0.0), 0.0), np.where(known, np.maximum(expected, 0.0), 0.0)
        looks, total = np.maximum(known.sum(axis=1), 1), np.maximum(mu.sum(axis=1), 1e-9)
        centre = np.clip(y.sum(axis=1) / total, *_CENTRE_BOUNDS)
        base, mu = centre * total / looks, centre[:, None] * mu
        misses = np.where(known, (y - mu) ** 2, 0.0).sum(axis=1) / looks
        variance = np.maximum(misses, (_LEAST_WIDTH * base) ** 2)
        unit = np.maximum(base / variance, 1.0)
        square = np.maximum((mu**2).sum(axis=1) / looks, 1e-12)
        count = len(y)
        fresh = cls(
            centre=centre,
            unit=np.where(known.sum(axis=1) >= least, unit, np.nan),
            base=base,
            extra=np.clip((variance - base / unit) / square, *_EXTRA_BOUNDS),
            weight=np.ones(count),
            log_norm=np.zeros((count, len(_GROWTHS))),
            log_r=np.full((count, len(_GROWTHS)), -np.inf),
            usual=1.0,
            run=np.zeros(count),
            since=np.full(count, next_period, dtype=np.int64),
            looks=np.zeros(count),
            squares=np.zeros(count),
        )
        return fresh._calibrated(sold, expected, np.flatnonzero(fresh.learned))

    def step(self, period: int, sold: Doubles, expected: Doubles, *, pooled: bool) -> Dispersion:
        """The next look of every product, units of shape (n,); NaN leaves a product as it was.

        ``pooled`` takes out of the misses what the products share, from 20 products on.
        """
        y, mu = self._counted(sold, expected)
        misses = self._misses(y, mu)
        if pooled and np.isfinite(misses).sum() >= _POOLED_FROM:
            factor = np.clip(trimmed_mean(misses) / max(self.usual, 1e-9), *_FACTOR_BOUNDS)
            y, misses = np.maximum(mu + (y - mu) / np.sqrt(factor), 0.0), misses / factor
        known = np.isfinite(y)
        step = np.where(known[:, None], self._pay(y, mu) - self.log_norm, 0.0)
        fresh = known & (self.run <= 0)
        return replace(
            self,
            log_r=np.where(known[:, None], np.logaddexp(0.0, self.log_r) + step, self.log_r),
            run=e_cusum(self.run, step[:, _STRETCH_BET]),
            since=np.where(fresh, period, self.since).astype(np.int64),
            looks=np.where(fresh, 0.0, self.looks) + known,
            squares=np.where(fresh, 0.0, self.squares) + np.where(known, misses, 0.0),
        )

    @property
    def log_evidence(self) -> Doubles:
        """Of each product, shape (n,); minus infinity where nothing was learned."""
        return log_mean_exp(self.log_r)

    @property
    def learned(self) -> BoolArray:
        """Which products gather evidence, shape (n,)."""
        return np.isfinite(self.unit)

    @property
    def effect(self) -> Doubles:
        """Standard deviation over the present stretch against that of the reference, less 1; 0 before the first."""
        width: Doubles = np.sqrt(self.squares / np.maximum(self.looks, 1.0))
        return np.where(self.looks > 0, width - 1.0, 0.0)

    def joined(self, others: Dispersion) -> Dispersion:
        """These products, then the others."""
        return replace(
            self,
            centre=np.hstack([self.centre, others.centre]),
            unit=np.hstack([self.unit, others.unit]),
            base=np.hstack([self.base, others.base]),
            extra=np.hstack([self.extra, others.extra]),
            weight=np.hstack([self.weight, others.weight]),
            log_norm=np.vstack([self.log_norm, others.log_norm]),
            log_r=np.vstack([self.log_r, others.log_r]),
            run=np.hstack([self.run, others.run]),
            since=np.hstack([self.since, others.since]),
            looks=np.hstack([self.looks, others.looks]),
            squares=np.hstack([self.squares, others.squares]),
        )

    def restarted(self, products: IntArray) -> Dispersion:
        """The same with these products' evidence at its start."""
        log_r, run = self.log_r.copy(), self.run.copy()
        log_r[products], run[products] = -np.inf, 0.0
        return replace(self, log_r=log_r, run=run)

    def _counted(self, sold: Doubles, expected: Doubles) -> tuple[Doubles, Doubles]:
        """Sold and expected in units of each product, of shape (n,) or (T, n).

        Above 1.5 times the mean sales scatter may grow as sales do, so that growth by itself is never taken for it.
        """
        low = np.maximum(_LEAST_MEAN * self.base, 1e-9)
        mu = np.maximum(self.centre * expected, low)
        unit = np.minimum(_GROWN * np.maximum(self.base, low) / mu, 1.0) * self.unit
        y, mu = np.maximum(sold, 0.0) * unit, mu * unit
        known = np.isfinite(y) & np.isfinite(mu)
        mu = np.where(known, mu, 1.0)
        return np.where(known, np.minimum(y, 1e3 * (mu + 1.0)), np.nan), mu

    def _misses(self, y: Doubles, mu: Doubles) -> Doubles:
        squared: Doubles = (y - mu) ** 2 / (mu + self.extra * mu**2)
        return squared

    def _pay(self, y: Doubles, mu: Doubles) -> Doubles:
        y = np.where(np.isfinite(y), y, mu)
        normal = _log_likelihood(y, mu, self.extra)
        wider = [growth**2 * (1.0 / mu + self.extra) - 1.0 / mu for growth in _GROWTHS]
        each = [self.weight * (_log_likelihood(y, mu, extra) - normal) for extra in wider]
        return np.minimum(np.stack(each, axis=-1), _MOST_PAY)

    def _calibrated(self, sold: Doubles, expected: Doubles, rows: IntArray) -> Dispersion:
        """Weights and normalisers of these products; the others gather no evidence."""
        if not len(rows):
            return self
        kept = {name: getattr(self, name)[rows] for name in ("centre", "unit", "base", "extra", "weight", "log_norm")}
        part = replace(self, **kept)._learned(sold[rows], expected[rows])
        weight, norm = self.weight.copy(), self.log_norm.copy()
        weight[rows], norm[rows] = part.weight, part.log_norm
        return replace(self, weight=weight, log_norm=norm, usual=part.usual)

    def _learned(self, sold: Doubles, expected: Doubles) -> Dispersion:
        misses = self._misses(*self._counted(sold.T, expected.T))
        steady = replace(self, weight=steadiness(np.minimum(misses, _WILDEST).T))
        paid, squared, count = np.zeros(self.log_norm.shape), np.zeros(self.log_norm.shape), np.zeros(len(sold))
        for values, means in zip(sold.T, expected.T, strict=True):
            y, mu = steady._counted(values, means)
            pay = np.where(np.isfinite(y)[:, None], np.exp(steady._pay(y, mu)), 0.0)
            paid, squared, count = paid + pay, squared + pay**2, count + np.isfinite(y)
        n = np.maximum(count, 1.0)[:, None]
        mean = paid / n
        error = np.sqrt(np.maximum(squared / n - mean**2, 0.0) / n)
        usual = [trimmed_mean(one) for one in misses if np.isfinite(one).sum() >= _POOLED_FROM]
        return replace(
            steady,
            log_norm=np.log(np.maximum(mean + _STANDARD_ERRORS * error, 1.0)),
            usual=float(np.mean(usual)) if usual else 1.0,
        )


def _log_likelihood(y: Doubles, mu: Doubles, extra: Doubles) -> Doubles:
    """Of a negative binomial with mean ``mu`` and variance ``mu + extra mu^2``, up to what does not depend on it."""
    size = 1.0 / extra
    rest = y * np.log(mu / (size + mu)) - size * np.log1p(mu * extra)
    return _log_gamma(y + size) - _log_gamma(size) + rest


def _log_gamma(x: Doubles) -> Doubles:
    """Stirling's series after six steps of the recursion; right to 1e-7 for x > 0."""
    steps = x * (x + 1.0) * (x + 2.0) * (x + 3.0) * (x + 4.0) * (x + 5.0)
    z = x + 6.0
    series = (z - 0.5) * np.log(z) - z + 0.5 * np.log(2 * np.pi) + 1.0 / (12.0 * z) - 1.0 / (360.0 * z**3)
    log_gamma: Doubles = series - np.log(steps)
    return log_gamma
