"""Evidence that values scatter more than they did, by where they rank among those of a reference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from finalmile.frames import BoolArray, IntArray
from finalmile.monitoring.engine.clustering import steadiness
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.engine.detector import e_cusum

_SCALES = (1.3, 1.6)
_STANDARD_ERRORS = 1.0
_KNOTS = 41
_EDGE = 2.9
_STEP = 2 * _EDGE / (_KNOTS - 1)
_POOLED_FROM = 20
_TRIMMED = 0.05
_FACTOR_BOUNDS = (0.25, 4.0)
_STRETCH_BET = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    r"""``n`` streams, each held against the distribution of its own reference.

    A value becomes the normal score ``q`` of its rank among those of the reference, ties in the middle. Nothing is
    assumed of the distribution, so a skewed one, where most of what a wider scatter does happens in the short tail,
    loses no power. What all streams share in a look, mean and scale of their scores, is taken out. The e-value of a
    look is the likelihood ratio of a normal with a larger scale ``s`` to one as wide as may be without harm, ``g``:

    .. math:: L = \frac{g}{s} \exp\left(\tfrac{q^2}{2} (g^{-2} - s^{-2})\right) / D, \quad g = 1 + 1 / \sqrt{2 T}

    with ``D`` its mean on the reference, at least 1. ``g`` stands one standard error of a width above 1: a short
    reference knows its own width less well. Shiryaev-Roberts sums are mixed over ``s`` of 1.3 and 1.6.

    Parameters
    ----------
    knots : array of shape (n, 41)
        Quantiles of the reference at equally spaced normal scores; NaN where a stream was not learned.
    cap : array of shape (n,)
        Largest score that a reference of its length can tell.
    harmless, weight : array of shape (n,)
        ``g``; what a look counts for, less than 1 where surprises come in clusters: its log pay is multiplied by it.
    log_norm, log_r : arrays of shape (n, 2)
        Normalisers, and the detectors' statistics.
    usual
        Trimmed mean of squared scores over the streams of a normal look.
    run : array of shape (n,)
        Log evidence of the current stretch alone.
    since, looks, squares : array of shape (n,)
        First period of that stretch, its looks, and the sum of their squared scores.
    """

    knots: Doubles
    cap: Doubles
    harmless: Doubles
    weight: Doubles
    log_norm: Doubles
    log_r: Doubles
    usual: float
    run: Doubles
    since: IntArray
    looks: Doubles
    squares: Doubles

    @classmethod
    def start(cls, reference: Doubles, *, least: int, next_period: int) -> Spread:
        """Learn from a reference of shape (n, T), NaN where a look is missing; streams with few looks wait forever."""
        looks = np.isfinite(reference).sum(axis=1)
        knots = _table(reference, looks)
        knots[looks < least] = np.nan
        cap, harmless = _caps(looks), 1.0 + _STANDARD_ERRORS / np.sqrt(2.0 * np.maximum(looks, 1))
        fresh = cls(
            knots=knots,
            cap=cap,
            harmless=harmless,
            weight=np.ones(len(knots)),
            log_norm=np.zeros((len(knots), len(_SCALES))),
            log_r=np.full((len(knots), len(_SCALES)), -np.inf),
            usual=1.0,
            run=np.zeros(len(knots)),
            since=np.full(len(knots), next_period, dtype=np.int64),
            looks=np.zeros(len(knots)),
            squares=np.zeros(len(knots)),
        )
        return fresh._calibrated(reference, np.flatnonzero(fresh.learned))

    def step(self, period: int, values: Doubles, *, pooled: bool) -> Spread:
        """The next look of every stream, shape (n,); NaN leaves a stream as it was.

        ``pooled`` takes out what the streams share, from 20 streams on.
        """
        scores = self._scores(values)
        if pooled:
            scores = self._without_shared(scores)
        pay = self._pay(scores)
        known = np.isfinite(scores)
        step = np.where(known[:, None], pay - self.log_norm, 0.0)
        grown = np.logaddexp(0.0, self.log_r) + step
        fresh = known & (self.run <= 0)
        return replace(
            self,
            log_r=np.where(known[:, None], grown, self.log_r),
            run=e_cusum(self.run, step[:, _STRETCH_BET]),
            since=np.where(fresh, period, self.since).astype(np.int64),
            looks=np.where(fresh, 0.0, self.looks) + known,
            squares=np.where(fresh, 0.0, self.squares) + np.where(known, scores, 0.0) ** 2,
        )

    @property
    def log_evidence(self) -> Doubles:
        """Of each stream, shape (n,); minus infinity where nothing was learned."""
        top = self.log_r.max(axis=1)
        safe = np.where(np.isfinite(top), top, 0.0)
        with np.errstate(divide="ignore"):
            mean: Doubles = np.log(np.exp(self.log_r - safe[:, None]).mean(axis=1)) + safe
        return mean

    @property
    def learned(self) -> BoolArray:
        """Which streams gather evidence, shape (n,)."""
        return np.isfinite(self.knots[:, 0])

    @property
    def effect(self) -> Doubles:
        """Width of the scores over the present stretch against that of the reference, less 1; 0 before the first."""
        width: Doubles = np.sqrt(self.squares / np.maximum(self.looks, 1.0))
        return np.where(self.looks > 0, width - 1.0, 0.0)

    def joined(self, others: Spread) -> Spread:
        """These streams, then the others."""
        return replace(
            self,
            knots=np.vstack([self.knots, others.knots]),
            cap=np.hstack([self.cap, others.cap]),
            harmless=np.hstack([self.harmless, others.harmless]),
            weight=np.hstack([self.weight, others.weight]),
            log_norm=np.vstack([self.log_norm, others.log_norm]),
            log_r=np.vstack([self.log_r, others.log_r]),
            run=np.hstack([self.run, others.run]),
            since=np.hstack([self.since, others.since]),
            looks=np.hstack([self.looks, others.looks]),
            squares=np.hstack([self.squares, others.squares]),
        )

    def restarted(self, streams: IntArray) -> Spread:
        """The same with these streams' evidence at its start."""
        log_r, run = self.log_r.copy(), self.run.copy()
        log_r[streams], run[streams] = -np.inf, 0.0
        return replace(self, log_r=log_r, run=run)

    def _scores(self, values: Doubles) -> Doubles:
        below = (self.knots < values[:, None]).sum(axis=1)
        upto = (self.knots <= values[:, None]).sum(axis=1)
        score = (0.5 * (below + upto) - 0.5) * _STEP - _EDGE
        known = np.isfinite(values) & np.isfinite(self.knots[:, 0])
        return np.where(known, np.clip(score, -self.cap, self.cap), np.nan)

    def _without_shared(self, scores: Doubles) -> Doubles:
        known = scores[np.isfinite(scores)]
        if len(known) < _POOLED_FROM:
            return scores
        centre = _trimmed(known)
        factor = _trimmed((known - centre) ** 2) / max(self.usual, 1e-9)
        shared: Doubles = (scores - centre) / np.sqrt(np.clip(factor, *_FACTOR_BOUNDS))
        return np.clip(shared, -self.cap, self.cap)

    def _pay(self, scores: Doubles) -> Doubles:
        scale, harmless = np.asarray(_SCALES), self.harmless[:, None]
        squares = np.where(np.isfinite(scores), scores, 0.0)[:, None] ** 2
        pay: Doubles = 0.5 * squares * (harmless**-2 - scale**-2) - np.log(scale / harmless)
        return self.weight[:, None] * pay

    def _calibrated(self, reference: Doubles, rows: IntArray) -> Spread:
        """Weights and normalisers of these streams; the others gather no evidence."""
        if not len(rows):
            return self
        part = replace(self, knots=self.knots[rows], cap=self.cap[rows], harmless=self.harmless[rows])
        told = np.stack([part._scores(values) for values in reference[rows].T])
        part = replace(part, weight=steadiness(told.T**2))._normed(told)
        weight, norm = self.weight.copy(), self.log_norm.copy()
        weight[rows], norm[rows] = part.weight, part.log_norm
        return replace(self, weight=weight, log_norm=norm, usual=part.usual)

    def _normed(self, told: Doubles) -> Spread:
        """Normalisers from scores of shape (T, n)."""
        paid, count = np.zeros((len(self.knots), len(_SCALES))), np.zeros(len(self.knots))
        squares: list[float] = []
        for scores in told:
            known = np.isfinite(scores)
            paid += np.where(known[:, None], np.exp(self._pay(scores)), 0.0)
            count += known
            if known.sum() >= _POOLED_FROM:
                squares.append(_trimmed((scores[known] - _trimmed(scores[known])) ** 2))
        mean = paid / np.maximum(count, 1.0)[:, None]
        norm = np.log(np.maximum(mean, 1.0))
        return replace(self, log_norm=norm, usual=float(np.mean(squares)) if squares else 1.0)


def _table(reference: Doubles, looks: IntArray) -> Doubles:
    """Values of each reference at the ranks of equally spaced normal scores; nothing between two values."""
    shares = np.array([NormalDist().cdf(score) for score in np.linspace(-_EDGE, _EDGE, _KNOTS)])
    if not reference.shape[1]:
        return np.full((len(reference), _KNOTS), np.nan)
    ordered = np.sort(np.where(np.isfinite(reference), reference, np.nan), axis=1)
    place = np.ceil(shares * looks[:, None]).astype(np.int64) - 1
    return np.take_along_axis(ordered, np.clip(place, 0, np.maximum(looks - 1, 0)[:, None]), axis=1)


def _caps(looks: IntArray) -> Doubles:
    known, place = np.unique(looks, return_inverse=True)
    caps = np.array([NormalDist().inv_cdf(1.0 - 0.5 / (n + 1)) for n in known.tolist()])
    return caps[place]


def _trimmed(values: Doubles) -> float:
    ordered = np.sort(values)
    cut = int(_TRIMMED * len(ordered))
    return float(ordered[cut : len(ordered) - cut].mean())
