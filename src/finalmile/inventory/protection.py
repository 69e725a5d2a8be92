"""The distribution of demand over the time an order must last, from quantiles of whole windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from finalmile.frames import BoolArray, Cumulative, IntArray
from finalmile.inventory.demand import mean_at, quantile_at
from finalmile.inventory.position import Position, lead_windows, planned_window, protection_shares, protection_windows
from finalmile.inventory.steps import Step, law_numbers
from finalmile.simulation import UnitsArray

LAW_LEVELS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
"""Quantiles a whole distribution is read from."""

_HALVINGS = 48
_FAR = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandLaw:
    r"""Demand over the protection interval of ``n`` items, one distribution for each window it may turn out to be.

    Between two quantiles demand is taken to be uniform, from 0 to the lowest quantile too, and beyond the highest
    exponential with the scale of the last two:

    .. math:: s = \frac{q_k - q_{k-1}}{\ln((1 - p_{k-1}) / (1 - p_k))}

    A lead time that varies makes the window vary, and the distribution of demand is then the mixture of those of the
    windows, :math:`F(y) = \sum_w \pi_w F_w(y)`. Its quantile is not that of the mean window plus something: one late
    delivery in ten decides what 98 % needs.

    Parameters
    ----------
    knots : array of shape (n, w, k)
        Quantiles of each window's demand, non-decreasing; NaN where there is no forecast.
    levels : array of shape (k,)
        Their probabilities, ascending; at least two.
    weights : array of shape (n, w)
        Probability of each window; rows add up to 1.
    mean : array of shape (n,)
        Expected demand, over the windows too, as forecast.

    Examples
    --------
    Demand over a short window has the quantiles 4 and 8, over a long one 8 and 16; each is as likely:

    >>> law = DemandLaw(knots=np.array([[[4.0, 8.0], [8.0, 16.0]]]), levels=np.array([0.5, 0.9]),
    ...                 weights=np.array([[0.5, 0.5]]), mean=np.array([7.0]))
    >>> law.cdf(np.array([8.0]))   # half of 0.9 and half of 0.5
    array([0.7])
    >>> law.quantile(0.7).round(6)
    array([8.])
    """

    knots: UnitsArray
    levels: UnitsArray
    weights: UnitsArray
    mean: UnitsArray

    def __post_init__(self) -> None:
        if len(self.levels) < 2 or (np.diff(self.levels) <= 0).any() or not 0 < self.levels[0] < self.levels[-1] < 1:
            raise ValueError(f"levels are {self.levels.tolist()}; give at least two, ascending, between 0 and 1")
        if self.knots.shape != (*self.weights.shape, len(self.levels)):
            raise ValueError(
                f"knots have shape {self.knots.shape}; they need {(*self.weights.shape, len(self.levels))}"
            )
        if (self.weights < 0).any() or not np.allclose(self.weights.sum(axis=1), 1.0):
            raise ValueError("weights of an item's windows must not be negative and must add up to 1")

    def cdf(self, units: UnitsArray) -> UnitsArray:
        """Probability that demand is at most so many units, shape (n,); NaN without a forecast."""
        low, high, mass = self._pieces()
        at = units[:, None, None]
        width = high - low
        share = np.where(width > 0, (at - low) / np.where(width > 0, width, 1.0), at >= low)
        inside = (np.clip(share, 0.0, 1.0) * mass).sum(axis=2)
        beyond = np.where(units[:, None] >= self._top(), 1.0 - np.exp(-self._beyond(units)), 0.0)
        return self._mixed(inside + (1 - self.levels[-1]) * beyond)

    def short(self, units: UnitsArray) -> UnitsArray:
        r"""Expected units of demand above so many, :math:`E[(D - y)^+]`, shape (n,); NaN without a forecast."""
        low, high, mass = self._pieces()
        at = units[:, None, None]
        width = np.where(high > low, high - low, 1.0)
        above = np.where(at <= low, (low + high) / 2 - at, np.maximum(high - at, 0.0) ** 2 / (2 * width))
        top, scale = self._top(), self._scale()
        tail = scale * np.exp(-self._beyond(units))
        tail = np.where(units[:, None] >= top, tail, top + scale - units[:, None])
        return self._mixed((above * mass).sum(axis=2) + (1 - self.levels[-1]) * tail)

    def quantile(self, level: UnitsArray | float) -> UnitsArray:
        """Least units that demand stays under with this probability, each item's own or one for all, shape (n,)."""
        wanted = np.broadcast_to(np.asarray(level, dtype=np.float64), self.mean.shape)
        if not ((wanted >= 0) & (wanted < 1)).all():
            raise ValueError("levels must lie in [0, 1)")
        return self._least(lambda units: self.cdf(units) >= wanted - 1e-12)

    def stock_for(self, allowed: UnitsArray) -> UnitsArray:
        """Least units at which no more than ``allowed``, shape (n,), are expected to be short; 0 where no demand is."""
        return self._least(lambda units: self.short(units) <= allowed + 1e-12)

    def stock_to_add(self, allowed: UnitsArray, *, before: DemandLaw) -> UnitsArray:
        """Least units at which no more than ``allowed`` become short after what is short ``before``, shape (n,)."""
        return self._least(lambda units: self.short(units) - before.short(units) <= allowed + 1e-12)

    def _least(self, enough: Callable[[UnitsArray], BoolArray]) -> UnitsArray:
        """Where a condition that stays true becomes true, by halving; NaN without a forecast."""
        none: UnitsArray = np.zeros(len(self.mean), dtype=np.float64)
        low, high = none, self._far()
        for _ in range(_HALVINGS):
            middle: UnitsArray = (low + high) / 2
            there = enough(middle)
            low, high = _pick(there, middle, low), _pick(there, high, middle)
        found = _pick(enough(none), high, none)
        return _pick(np.isnan(self.short(found)), found, np.full(len(none), np.nan))

    def _far(self) -> UnitsArray:
        top = np.nan_to_num(self._top()).max(axis=1, initial=0.0)
        scale = np.nan_to_num(self._scale()).max(axis=1, initial=0.0)
        return np.asarray(1.0 + top + _FAR * scale, dtype=np.float64)

    def _mixed(self, values: UnitsArray) -> UnitsArray:
        return np.asarray((np.where(self.weights > 0, values, 0.0) * self.weights).sum(axis=1))

    def _top(self) -> UnitsArray:
        return self.knots[:, :, -1]

    def _scale(self) -> UnitsArray:
        step = np.log((1 - self.levels[-2]) / (1 - self.levels[-1]))
        return np.asarray((self.knots[:, :, -1] - self.knots[:, :, -2]) / step, dtype=np.float64)

    def _beyond(self, units: UnitsArray) -> UnitsArray:
        over, scale = np.maximum(units[:, None] - self._top(), 0.0), self._scale()
        return np.where(scale > 0, over / np.where(scale > 0, scale, 1.0), np.inf)

    def _pieces(self) -> tuple[UnitsArray, UnitsArray, UnitsArray]:
        low = np.concatenate([np.zeros((*self.weights.shape, 1)), self.knots[:, :, :-1]], axis=2)
        return low, self.knots, np.diff(self.levels, prepend=0.0)


def _pick(there: BoolArray, no: UnitsArray, yes: UnitsArray) -> UnitsArray:
    return np.asarray(np.where(there, yes, no), dtype=np.float64)


def demand_law(
    told: Cumulative, windows: IntArray, *, weights: UnitsArray | None = None, levels: Sequence[float] = LAW_LEVELS
) -> DemandLaw:
    """Demand over each item's protection interval, from the forecast's quantiles.

    Parameters
    ----------
    windows : array of shape (n, w)
        Periods that the interval may turn out to be: review plus lead time.
    weights : array of shape (n, w)
        Probability of each; equal where not given.
    levels
        Those that the distribution is read from, ascending.

    Raises
    ------
    MissingInputError
        If a level, or an item's window, was not forecast.
    """
    n, count = windows.shape
    shares = np.full((n, count), 1.0 / max(count, 1)) if weights is None else weights
    knots = np.stack(
        [np.stack([quantile_at(told, column, level=level) for level in levels], axis=1) for column in windows.T],
        axis=1,
    )
    mean = np.stack([mean_at(told, column) for column in windows.T], axis=1)
    return DemandLaw(knots=knots, levels=np.array(levels), weights=shares, mean=(mean * shares).sum(axis=1))


def law_of(at: Position, told: Cumulative, *, levels: Sequence[float] = LAW_LEVELS) -> DemandLaw:
    """Demand until the order after the next one arrives, with each item's lead times mixed where they vary."""
    return demand_law(told, protection_windows(at), weights=protection_shares(at), levels=levels)


def law_before(at: Position, told: Cumulative) -> DemandLaw | None:
    """Demand until the order decided now arrives; ``None`` where that was not forecast."""
    windows = lead_windows(at)
    asked = np.maximum(windows, 1)
    if not (told.windows[:, None, :] == asked[:, :, None]).any(axis=2).all():
        return None
    law = demand_law(told, asked, weights=protection_shares(at))
    return replace(law, knots=np.where(windows[:, :, None] > 0, law.knots, 0.0 * law.knots))


def levels_with(level: float) -> tuple[float, ...]:
    """:data:`LAW_LEVELS` and one more.

    Examples
    --------
    >>> levels_with(0.97)
    (0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99)
    """
    return tuple(sorted({*LAW_LEVELS, level}))


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandAsked:
    """A quantile of ``n`` items' demand over the protection interval, and the numbers and steps behind it.

    Parameters
    ----------
    quantile, expected : arrays of shape (n,)
        Units; NaN without a forecast.
    details, steps
        For a proposal.
    """

    quantile: UnitsArray
    expected: UnitsArray
    details: Mapping[str, UnitsArray]
    steps: tuple[Step, ...]


def demand_asked(at: Position, told: Cumulative, *, cycle_service: float) -> DemandAsked:
    """The demand that is not exceeded with a probability, until the order after the next one arrives.

    Where the lead time is certain it is the quantile as forecast for that window; where it varies, that of the
    mixture over lead times.

    Raises
    ------
    MissingInputError
        If a level, or an item's window, was not forecast.
    """
    if at.lead_times is None or not at.lead_times.vary.any():
        window = protection_windows(at)[:, 0]
        exact = quantile_at(told, window, level=cycle_service)
        return DemandAsked(quantile=exact, expected=mean_at(told, window), details={"demand_quantile": exact}, steps=())
    vary = at.lead_times.vary
    law = law_of(at, told, levels=levels_with(cycle_service))
    exact = law.knots[:, 0, law.levels.tolist().index(cycle_service)]
    mixed = np.where(vary, law.quantile(cycle_service), np.nan)
    numbers = law_numbers(law.knots, levels=law.levels, weights=law.weights, windows=protection_windows(at))
    return DemandAsked(
        quantile=np.where(vary, mixed, exact),
        expected=law.mean,
        details={
            "demand_quantile": np.where(vary, np.nan, exact),
            **{name: np.where(vary, values, np.nan) for name, values in numbers.items()},
        },
        steps=(Step(name="demand_quantile", formula="quantile(cycle_service)", values=mixed),),
    )


def mean_window(at: Position) -> UnitsArray:
    """Expected periods an order must last, shape (n,)."""
    if at.lead_times is None:
        return planned_window(at).astype(np.float64)
    return np.asarray((protection_windows(at) * at.lead_times.shares).sum(axis=1))
