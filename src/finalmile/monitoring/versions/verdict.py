"""Win, lose, equal, undecided or hold: what the paired looks of two versions prove so far."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.versions.anytime import anytime_t_half_width, anytime_t_log_e
from finalmile.monitoring.versions.spending import Spending, boundary, spent
from finalmile.monitoring.versions.whitening import Whitened, persistence, whiten

Decision = Literal["win", "lose", "equal", "undecided", "hold"]
FINAL: frozenset[Decision] = frozenset({"win", "lose", "equal"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How two versions are compared.

    Parameters
    ----------
    alpha
        Probability of naming a winner or a loser where there is no difference.
    horizon
        Looks after which the comparison ends: group-sequential, the most powerful where the end is known before.
        ``None``: anytime-valid, without an end.
    margin
        Relative difference that is none: an interval wholly inside it means "equal". ``None`` never says so.
    start
        First look at which anything may be decided.
    patience
        So many of the newest looks without data in a row mean "hold".
    c2
        Looks' worth of prior belief of the anytime-valid test.
    spending
        How the group-sequential test spends its error: "obrien_fleming" waits longest and has the most power at the
        end, "pocock" is the quickest, "kim_demets" lies between.
    """

    alpha: float = 0.05
    horizon: int | None = None
    margin: float | None = None
    start: int = 7
    patience: int = 1
    c2: float = 8.0
    spending: Spending = "kim_demets"

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 0.5:
            raise ValueError(f"alpha is {self.alpha}; it must be above 0 and below 0.5")
        if self.horizon is not None and self.horizon < self.start:
            raise ValueError(f"a horizon of {self.horizon} looks ends before look {self.start}, the first that decides")
        if self.margin is not None and not 0 < self.margin < 2:
            raise ValueError(f"margin is {self.margin}; it is a relative difference, above 0, for example 0.02")
        if self.start < 3 or self.patience < 1 or self.c2 <= 0:
            raise ValueError("start must be at least 3, patience at least 1 and c2 above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is known after a look.

    Parameters
    ----------
    gain, low, high
        Relative gain of the challenger and its interval, which holds at every look at once.
    evidence, threshold
        What the decision rests on: log evidence where it is anytime-valid, else the size of z; a decision needs
        ``evidence >= threshold``.
    looks
        With data.
    phi
        Share of a look's difference that carries over to the next.
    ended
        The horizon is over.
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
    >>> steady = np.array([0.04, 0.05, 0.03, 0.06, 0.02, 0.05, 0.04, 0.06, 0.03, 0.05])
    >>> verdict(steady, Rule()).decision, verdict(-steady, Rule()).decision
    ('win', 'lose')
    """
    used = looks if rule.horizon is None else looks[: rule.horizon]
    ended = rule.horizon is not None and len(looks) >= rule.horizon
    phi = persistence(used, *(() if reference is None else (reference,)))
    told = whiten(used, phi)
    if told.n < rule.start or (not ended and not np.isfinite(used[-rule.patience :]).any()):
        return Verdict(decision="hold", gain=told.mean, looks=told.n, phi=phi, ended=ended)
    if rule.horizon is None:
        evidence, threshold = anytime_t_log_e(told, c2=rule.c2), math.log(1.0 / rule.alpha)
        half = anytime_t_half_width(told, alpha=rule.alpha, c2=rule.c2)
    else:
        evidence, threshold, half = _group_sequential(used, told, rule, ended=ended)
    low, high = told.mean - half, told.mean + half
    return Verdict(
        decision=_decision(told.mean, evidence >= threshold, low, high, rule),
        gain=told.mean,
        low=low,
        high=high,
        evidence=evidence,
        threshold=threshold,
        looks=told.n,
        phi=phi,
        ended=ended,
    )


def _decision(mean: float, crossed: bool, low: float, high: float, rule: Rule) -> Decision:
    if crossed:
        return "win" if mean > 0 else "lose"
    if rule.margin is not None and -rule.margin < low and high < rule.margin:
        return "equal"
    return "undecided"


def _group_sequential(used: Doubles, told: Whitened, rule: Rule, *, ended: bool) -> tuple[float, float, float]:
    """Size of z, the boundary it must reach, and the half width of the interval that goes with it."""
    horizon = rule.horizon or len(used)
    known = np.flatnonzero(np.isfinite(used))
    looked = known[rule.start - 1 :]
    fractions = (looked + 1.0) / horizon
    if ended:
        fractions[-1] = 1.0
    errors = [spent(float(t), alpha=rule.alpha, spending=rule.spending) for t in fractions]
    bound = boundary([float(n) for n in range(rule.start, len(known) + 1)], errors)
    error = math.sqrt(max(told.residual, 1e-300) / (max(told.n - 2, 1) * told.weight))
    return _normal_size(abs(told.mean) / error, told.n - 2), bound, _t_size(bound, told.n - 2) * error


def _normal_size(t: float, freedom: int) -> float:
    """Size of z as improbable as a size of t."""
    from scipy.special import ndtri, stdtr

    tail = float(stdtr(max(freedom, 1), -t))
    return min(float(-ndtri(max(tail, 1e-300))), 37.0)


def _t_size(z: float, freedom: int) -> float:
    """Size of t as improbable as a size of z."""
    from scipy.special import ndtr, stdtrit

    return float(-stdtrit(max(freedom, 1), float(ndtr(-z))))
