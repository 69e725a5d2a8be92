"""Win, lose, equal, undecided or hold: what the paired looks of two versions prove so far."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.versions.anytime import anytime_t_half_width, anytime_t_log_e
from finalmile.monitoring.versions.skew import skewness, with_skew, without_skew
from finalmile.monitoring.versions.spending import Spending, boundary, spent, spent_without_end
from finalmile.monitoring.versions.whitening import Whitened, assumed_persistence, residuals, whiten

Decision = Literal["win", "lose", "equal", "undecided", "hold"]
FINAL: frozenset[Decision] = frozenset({"win", "lose", "equal"})
MOST_LOOKS = 1000
"""Looks after which any comparison is over: a difference that so many do not show is not worth a decision."""
_EACH = 100
_THEN_EVERY = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How two versions are compared.

    Parameters
    ----------
    alpha
        Probability of naming a winner or a loser where there is no difference.
    horizon
        Looks after which the comparison ends, where that is known before. ``None``: whenever it is decided, after 1,000
        looks at the latest.
    margin
        Relative difference that is none: an interval wholly inside it means "equal", also where it leaves out zero.
        ``None`` never says so.
    start
        First look at which anything may be decided.
    patience
        So many of the newest looks without data in a row mean "hold".
    c2
        Looks' worth of prior belief of the mixture test.
    spending
        How the error is spent. With a horizon: "log_logistic" finds clear differences soonest, "kim_demets" and
        "obrien_fleming" wait longer and find more of the small ones, "pocock" spends evenly. Without one:
        "log_logistic" (:func:`spent_without_end`), or "mixture", the anytime-valid t test: exact for independent normal
        looks, and weeks slower.
    """

    alpha: float = 0.05
    horizon: int | None = None
    margin: float | None = None
    start: int = 7
    patience: int = 1
    c2: float = 8.0
    spending: Spending | Literal["mixture"] = "log_logistic"

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 0.5:
            raise ValueError(f"alpha is {self.alpha}; it must be above 0 and below 0.5")
        if self.horizon is not None and self.horizon < self.start:
            raise ValueError(f"a horizon of {self.horizon} looks ends before look {self.start}, the first that decides")
        if self.last > MOST_LOOKS:
            raise ValueError(f"a horizon of {self.horizon:,} looks is too long; it may have {MOST_LOOKS:,} at most")
        if self.margin is not None and not 0 < self.margin < 2:
            raise ValueError(f"margin is {self.margin}; it is a relative difference, above 0, for example 0.02")
        if self.spending != "log_logistic" and (self.horizon is None) != (self.spending == "mixture"):
            other = "has no horizon" if self.spending == "mixture" else "needs a horizon"
            raise ValueError(f"spending is {self.spending!r}, which {other}; 'log_logistic' does with and without")
        if self.start < 3 or self.patience < 1 or self.c2 <= 0:
            raise ValueError("start must be at least 3, patience at least 1 and c2 above 0")

    @property
    def last(self) -> int:
        """Number of the look after which nothing is decided any more."""
        return self.horizon or MOST_LOOKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is known after a look.

    Parameters
    ----------
    gain, low, high
        Relative gain of the challenger and its interval, which holds at every look at once.
    evidence, threshold
        What the decision rests on: the size of z, or log evidence where a mixture is asked for; a winner or loser
        needs ``evidence >= threshold``.
    looks
        With data.
    phi
        Share of a look's difference that carries over to the next.
    ended
        The horizon is over, or there are 1,000 looks.
    missing
        What is lacking where nothing can be said, if it is not looks.
    """

    decision: Decision
    gain: float = math.nan
    low: float = -math.inf
    high: float = math.inf
    evidence: float = 0.0
    threshold: float = math.inf
    looks: int = 0
    phi: float = 0.0
    ended: bool = False
    missing: str = ""


def verdict(looks: Doubles, rule: Rule, *, reference: Doubles | None = None) -> Verdict:
    """Judge the newest of the looks; those before it are judged to have decided nothing.

    Parameters
    ----------
    looks : array of shape (T,)
        Relative gains from the first look of the comparison on, NaN where one is missing.
    reference : array of shape (R,)
        Relative gains over an earlier stretch, for example a backtest: how much looks carry over is learned from it
        as well. Its mean plays no part.

    Examples
    --------
    >>> verdict(np.array([0.1, np.nan]), Rule()).decision
    'hold'
    >>> steady = np.tile([0.04, 0.05, 0.03, 0.06, 0.02], 4)
    >>> verdict(steady, Rule()).decision, verdict(-steady, Rule()).decision
    ('win', 'lose')
    """
    used = _judged(looks, rule)
    ended = len(looks) >= rule.last
    parts = (used,) if reference is None else (used, reference)
    phi = assumed_persistence(*parts)
    told = whiten(used, phi)
    if told.n < rule.start or (not ended and not np.isfinite(looks[-rule.patience :]).any()):
        return Verdict(decision="hold", gain=told.mean, looks=told.n, phi=phi, ended=ended)
    if rule.spending == "mixture":
        evidence, threshold = anytime_t_log_e(told, c2=rule.c2), math.log(1.0 / rule.alpha)
        half = anytime_t_half_width(told, alpha=rule.alpha, c2=rule.c2)
        low, high = told.mean - half, told.mean + half
    else:
        threshold = _bound(used, rule, rule.spending, ended=ended)
        skew = skewness(*(residuals(part, phi) for part in parts))
        evidence, low, high = _held_against(threshold, told, skew=skew)
    return Verdict(
        decision=decide(told.mean, crossed=evidence >= threshold, low=low, high=high, margin=rule.margin),
        gain=told.mean,
        low=low,
        high=high,
        evidence=evidence,
        threshold=threshold,
        looks=told.n,
        phi=phi,
        ended=ended,
    )


def decide(mean: float, *, crossed: bool, low: float, high: float, margin: float | None) -> Decision:
    """The word for an interval; one that is wholly inside the margin is "equal" on whichever side of zero it lies.

    Examples
    --------
    >>> decide(0.01, crossed=True, low=0.005, high=0.015, margin=0.02)
    'equal'
    """
    if margin is not None and -margin < low and high < margin:
        return "equal"
    if crossed:
        return "win" if mean > 0 else "lose"
    return "undecided"


def _judged(looks: Doubles, rule: Rule) -> Doubles:
    """Up to the last; without a horizon, after 100 looks with data, up to the newest seventh of those that follow."""
    looks = looks[: rule.last]
    if rule.horizon is not None:
        return looks
    known = np.flatnonzero(np.isfinite(looks))
    waiting = max(len(known) - _EACH, 0) % _THEN_EVERY if rule.spending != "mixture" else 0
    return looks[: known[-1 - waiting] + 1] if waiting else looks


def _bound(used: Doubles, rule: Rule, spending: Spending, *, ended: bool) -> float:
    """What the size of z must reach at the newest look."""
    known = np.flatnonzero(np.isfinite(used))
    counts = np.arange(rule.start, len(known) + 1)
    if rule.horizon is None:
        counts = counts[(counts <= _EACH) | ((counts - _EACH) % _THEN_EVERY == 0)]
        errors = [spent_without_end(float(n), alpha=rule.alpha) for n in counts]
    else:
        fractions = (known[rule.start - 1 :] + 1.0) / rule.horizon
        if ended:
            fractions[-1] = 1.0
        errors = [spent(float(t), alpha=rule.alpha, spending=spending) for t in fractions]
    return boundary([float(n) for n in counts], errors)


def _held_against(bound: float, told: Whitened, *, skew: float) -> tuple[float, float, float]:
    """Size of z, and the ends of the interval of the mean that goes with the boundary."""
    freedom, n = told.n - 2, told.weight
    spread = math.sqrt(max(told.residual, 1e-300) / max(freedom, 1))
    t = math.sqrt(n) * without_skew(told.mean / spread, skew=skew, n=n)
    reach = _t_size(bound, freedom) / math.sqrt(n)
    low = told.mean - spread * with_skew(reach, skew=skew, n=n)
    return _normal_size(abs(t), freedom), low, told.mean - spread * with_skew(-reach, skew=skew, n=n)


def _normal_size(t: float, freedom: int) -> float:
    """Size of z as improbable as a size of t."""
    from scipy.special import ndtri, stdtr

    tail = float(stdtr(max(freedom, 1), -t))
    return min(float(-ndtri(max(tail, 1e-300))), 37.0)


def _t_size(z: float, freedom: int) -> float:
    """Size of t as improbable as a size of z."""
    from scipy.special import ndtr, stdtrit

    return float(-stdtrit(max(freedom, 1), float(ndtr(-z))))
