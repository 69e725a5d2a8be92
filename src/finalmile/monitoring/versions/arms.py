"""Two versions on different series: live traffic that was split between them by a hash."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finalmile.frames import BoolArray
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.versions.losses import relative_gain
from finalmile.monitoring.versions.mixture import mixture_bound, mixture_scale
from finalmile.monitoring.versions.spending import boundary, spent
from finalmile.monitoring.versions.verdict import Rule, Verdict, decide

_FEW = 20
_GROWTH = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmsEstimate:
    """Gain of the challenger's arm relative to the mean of both, and its standard error, by series and by look.

    Parameters
    ----------
    series
        In the champion's and the challenger's arm.
    explained
        Share of the variance between series, in [0, 1], that their losses before the split explain.
    """

    gain: float
    error: float
    series: tuple[int, int]
    explained: float

    @property
    def information(self) -> float:
        """One over the squared error."""
        return 1.0 / self.error**2 if self.error > 0 and math.isfinite(self.error) else 0.0


def compare_arms(losses: Doubles, before: Doubles, *, challenger: BoolArray) -> ArmsEstimate:
    r"""How much less the series of the challenger's arm lost, given what each of them lost before the split.

    Each series' mean loss is corrected by its loss before, :math:`y_i - \theta (b_i - \bar b)` with the pooled
    regression slope :math:`\theta` (CUPED); the gain is :func:`relative_gain` of both means. The randomised unit is the
    series, so the error of the difference is that between series; what a look shares within an arm is added, and what
    both count is taken out again once.

    Parameters
    ----------
    losses : array of shape (n, T)
        Of each series in each look, NaN where not known.
    before : array of shape (n,)
        Mean loss of each series before the split, by one version for all; NaN where unknown counts as the mean.
    challenger : array of shape (n,)
        True for series that the challenger answers.

    References
    ----------
    Deng, Xu, Kohavi & Walker (2013), Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data, WSDM; Cameron, Gelbach & Miller (2011), Robust inference with multiway clustering, JBES 29(2).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> size = rng.gamma(2.0, 5.0, 400)
    >>> arm = np.arange(400) % 2 == 1
    >>> losses = size[:, None] * np.where(arm, 0.9, 1.0)[:, None] * rng.gamma(2.0, 0.5, (400, 28))
    >>> told = compare_arms(losses, size, challenger=arm)
    >>> abs(told.gain - 0.1) < 3 * told.error, told.explained > 0.9
    (True, True)
    """
    known = np.isfinite(losses)
    counts = known.sum(axis=1)
    seen = counts > 0
    sizes = int((seen & ~challenger).sum()), int((seen & challenger).sum())
    if min(sizes) < 2:
        return ArmsEstimate(gain=math.nan, error=math.inf, series=sizes, explained=0.0)
    filled, arm = np.where(known, losses, 0.0)[seen], challenger[seen]
    mean = filled.sum(axis=1) / counts[seen]
    corrected, explained = _corrected(mean, before[seen], arm)
    level = [float(corrected[arm == one].mean()) for one in (False, True)]
    both = level[0] + level[1]
    if min(level) < 0 or both <= 0:
        return ArmsEstimate(gain=math.nan, error=math.inf, series=sizes, explained=explained)
    scale = np.where(arm, -4.0 * level[0] / both**2, 4.0 * level[1] / both**2) / np.where(arm, sizes[1], sizes[0])
    centre = np.where(arm, level[1], level[0])
    by_series = scale * (corrected - centre)
    share = np.where(known[seen], filled - mean[:, None], 0.0) / counts[seen][:, None] * scale[:, None]
    variance = _variance(by_series, share, sizes)
    return ArmsEstimate(gain=relative_gain(*level), error=math.sqrt(variance), series=sizes, explained=explained)


def _corrected(mean: Doubles, before: Doubles, arm: BoolArray) -> tuple[Doubles, float]:
    known = np.isfinite(before)
    if known.sum() < _FEW:
        return mean, 0.0
    b: Doubles = np.where(known, before, float(before[known].mean()))
    within_b, within_y = _within(b, arm), _within(mean, arm)
    squares, total = float(np.dot(within_b, within_b)), float(np.dot(within_y, within_y))
    slope = float(np.dot(within_b, within_y)) / squares if squares > 0 else 0.0
    return mean - slope * (b - float(b.mean())), slope**2 * squares / total if total > 0 else 0.0


def _within(values: Doubles, arm: BoolArray) -> Doubles:
    centred: Doubles = values - np.where(arm, float(values[arm].mean()), float(values[~arm].mean()))
    return centred


def _variance(by_series: Doubles, share: Doubles, sizes: tuple[int, int]) -> float:
    """Between series, plus between looks, less what is in both."""
    few = min(sizes)
    series: float = float((by_series**2).sum()) * few / (few - 1.0)
    looks = share.shape[1]
    if looks < 2:
        return series
    by_look: float = float((share.sum(axis=0) ** 2).sum()) * looks / (looks - 1.0)
    shared: float = by_look - float((share**2).sum())
    return series + max(shared, 0.0)


def arms_verdict(path: Sequence[ArmsEstimate], rule: Rule, *, looks: Sequence[int], precision: float) -> Verdict:
    """Judge the newest estimate of a growing comparison of arms.

    Anytime-valid where the rule has no horizon: the normal mixture on the information, narrowest at ``precision``.
    Group-sequential otherwise, error spent by the calendar; a look is only one where the information has grown by a
    twentieth since the one before, and on the last day: between series more days add little.

    Parameters
    ----------
    path
        The estimate after each look with data.
    looks
        Number of that look in the comparison, 1 for the first.
    precision
        Standard error at which the anytime-valid interval is narrowest.
    """
    if len(path) < rule.start or path[-1].information <= 0 or min(path[-1].series) < _FEW:
        return Verdict(decision="hold", looks=len(path), missing=_missing(path))
    newest = path[-1]
    ended = rule.horizon is not None and looks[-1] >= rule.horizon
    if rule.horizon is None:
        rho = mixture_scale(1.0 / precision**2, alpha=rule.alpha)
        bound = float(mixture_bound(newest.information, rho=rho, alpha=rule.alpha)) / math.sqrt(newest.information)
    else:
        bound = _boundary(path, rule, looks=looks, ended=ended)
    z = abs(newest.gain) / newest.error
    low, high = newest.gain - bound * newest.error, newest.gain + bound * newest.error
    return Verdict(
        decision=decide(newest.gain, crossed=z >= bound, low=low, high=high, margin=rule.margin),
        gain=newest.gain,
        low=low,
        high=high,
        evidence=z,
        threshold=bound,
        looks=len(path),
        ended=ended,
    )


def _missing(path: Sequence[ArmsEstimate]) -> str:
    few = min(path[-1].series, default=0) if path else 0
    if few < _FEW:
        return f"An arm has {few} series that it alone answered and whose sales are known; {_FEW} are needed in each."
    return "" if path[-1].information > 0 else "The series of one arm lost nothing at all."


def _boundary(path: Sequence[ArmsEstimate], rule: Rule, *, looks: Sequence[int], ended: bool) -> float:
    """What z must reach at the newest look; infinite where that is none."""
    horizon = rule.horizon or looks[-1]
    spending = "log_logistic" if rule.spending == "mixture" else rule.spending
    information: list[float] = []
    errors: list[float] = []
    for at in range(rule.start - 1, len(path)):
        last = at == len(path) - 1
        least = information[-1] * _GROWTH if information else 0.0
        enough = path[at].information > least
        if enough or (last and ended):
            information.append(max(path[at].information, least))
            errors.append(spent(min(looks[at] / horizon, 1.0), alpha=rule.alpha, spending=spending))
        elif last:
            return math.inf
    return boundary(information, errors)
