"""Taking out of a stream what its own past explains: calendar and autocorrelation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from finalmile.frames import BoolArray, Frequency, IntArray
from finalmile.monitoring.engine.design import Doubles, design, lags_for

_MOST_PERSISTENCE = 0.95
_RIDGE = 1e-9
_RARE = 0.1  # kinds of days that fewer looks than this share are of
_LONGEST_SHADOW = 6.0  # a wild look is leaned on by the next ones as if it were this many standard deviations off


@dataclass(frozen=True, slots=True, kw_only=True)
class Residualiser:
    r"""Standardised innovations of ``s`` streams, one look after another.

    .. math:: r_t = s_t - x_t \beta, \quad e_t = r_t - \sum_l \phi_l r_{t-l}, \quad z_t = e_t / \sigma

    A lag is kept where :math:`|\phi| > 2` standard errors; the sum of a stream's lags is at most 0.95. Values that
    are missing give missing residuals, and count as 0 where a later look leans on them. So do looks on a rare kind of
    day, such as a holiday, that the reference never met, or one of whose days was left out of it: what such a day is
    like was not learned, and it proves nothing.

    Parameters
    ----------
    looks
        Looks in the reference.
    lags
        Periods back.
    beta : array of shape (s, p)
        NaN for a column of the calendar that was not learned.
    phi : array of shape (s, len(lags))
    sd : array of shape (s,)
        Standard deviation of innovations, corrected for fitted parameters.
    recent : array of shape (s, max(lags))
        Last residuals, newest first.
    last
        Period number of the newest look.
    plain
        Whether only an intercept was fitted, whatever the frequency.
    """

    frequency: Frequency
    looks: int
    lags: tuple[int, ...]
    beta: Doubles
    phi: Doubles
    sd: Doubles
    recent: Doubles
    last: int
    plain: bool = False

    @classmethod
    def fit(
        cls,
        values: Doubles,
        periods: IntArray,
        *,
        frequency: Frequency,
        calendar: Doubles | None = None,
        plain: bool = False,
        lags: tuple[int, ...] | None = None,
        least_sd: float | Doubles = 1e-12,
    ) -> tuple[Residualiser, Doubles]:
        """Learn from a reference; gives the residualiser, and the reference's own innovations of shape (s, T).

        Parameters
        ----------
        values : array of shape (s, T)
            NaN where a look is missing.
        periods : array of shape (T,)
            Consecutive period numbers.
        plain
            Fit an intercept only, for streams whose calendar was divided out before.
        lags
            Lags to try; by default those that suit the frequency and the length of the reference.
        least_sd
            Smallest standard deviation, in the unit of ``values``, for all streams or each: a stream that never moved
            must not make every later movement infinitely surprising.
        """
        looks = values.shape[1]
        x = _regressors(periods, frequency=frequency, looks=looks, calendar=calendar, plain=plain)
        known = np.isfinite(values)
        beta = _least_squares(x, np.where(known, values, 0.0), known)
        residual = np.where(known, values - np.einsum("sp,tp->st", beta, x), np.nan)
        lags = lags_for(frequency, looks=looks) if lags is None else lags
        phi = _autoregression(residual, lags)
        innovation = residual - _carried(np.nan_to_num(residual), phi, lags)
        innovation[:, : max(lags)] = np.nan
        sd = np.maximum(_spread(innovation, fitted=x.shape[1] + len(lags)), least_sd)
        recent = residual[:, ::-1][:, : max(lags)]
        recent = np.pad(recent, ((0, 0), (0, max(lags) - recent.shape[1])), constant_values=np.nan)
        if calendar is not None:
            beta[:, x.shape[1] - calendar.shape[1] :][_unlearned(calendar, known)] = np.nan
        fitted = cls(
            frequency=frequency,
            looks=looks,
            lags=lags,
            beta=beta,
            phi=phi,
            sd=sd,
            recent=recent,
            last=int(periods[-1]) if len(periods) else -1,
            plain=plain,
        )
        return fitted, innovation / sd[:, None]

    @property
    def gain(self) -> Doubles:
        """Share of a lasting shift of a stream that shows in each innovation, shape (s,)."""
        gain: Doubles = np.maximum(1.0 - self.phi.sum(axis=1), 1.0 - _MOST_PERSISTENCE)
        return gain

    def joined(self, others: Residualiser) -> Residualiser:
        """These streams, then the others; both must have the same lags and regressors."""
        return replace(
            self,
            beta=np.vstack([self.beta, others.beta]),
            phi=np.vstack([self.phi, others.phi]),
            sd=np.hstack([self.sd, others.sd]),
            recent=np.vstack([self.recent, others.recent]),
        )

    def step(
        self, period: int, values: Doubles, *, calendar: Doubles | None = None
    ) -> tuple[Residualiser, Doubles, Doubles]:
        """The next look; gives the new state, innovations ``z`` and residuals ``r``, each of shape (s,).

        Periods skipped since the last look count as missing.
        """
        skipped = min(period - self.last - 1, self.recent.shape[1])
        recent = _push(self.recent, np.full((len(self.sd), skipped), np.nan)) if skipped > 0 else self.recent
        x = _regressors(
            np.array([period]),
            frequency=self.frequency,
            looks=self.looks,
            calendar=None if calendar is None else calendar[None, :],
            plain=self.plain,
        )[0]
        residual = values - np.where(x == 0, 0.0, self.beta * x).sum(axis=1)
        leaning = np.nan_to_num(recent[:, [lag - 1 for lag in self.lags]])
        z = (residual - (self.phi * leaning).sum(axis=1)) / self.sd
        bound = _LONGEST_SHADOW * self.sd
        moved = replace(self, recent=_push(recent, np.clip(residual, -bound, bound)[:, None]), last=period)
        return moved, z, residual


def _regressors(
    periods: IntArray, *, frequency: Frequency, looks: int, calendar: Doubles | None, plain: bool
) -> Doubles:
    if plain:
        return np.ones((len(periods), 1))
    return design(periods, frequency=frequency, looks=looks, calendar=calendar)


def _unlearned(calendar: Doubles, known: BoolArray) -> BoolArray:
    """Columns of the calendar that each stream, known in looks of shape (s, T), says too little of; shape (s, k)."""
    on: BoolArray = calendar != 0
    met = known.astype(np.int64) @ on.astype(np.int64)
    rare: BoolArray = on.mean(axis=0) < _RARE
    unlearned: BoolArray = (met == 0) | (rare & (met < on.sum(axis=0)))
    return unlearned


def _least_squares(x: Doubles, values: Doubles, known: BoolArray) -> Doubles:
    if known.all() and len(x) >= x.shape[1]:
        return np.linalg.lstsq(x, values.T, rcond=None)[0].T.astype(np.float64)
    pairs: Doubles = np.einsum("tp,tq->tpq", x, x).reshape(len(x), -1)
    squares: Doubles = np.einsum("st,tr->sr", known.astype(np.float64), pairs)
    return _solve(squares.reshape(len(values), x.shape[1], -1), np.einsum("st,tp->sp", values, x))


def _solve(squares: Doubles, products: Doubles) -> Doubles:
    lift: Doubles = _RIDGE * (1.0 + np.einsum("spp->s", squares))
    ridge: Doubles = lift[:, None, None] * np.eye(squares.shape[-1])
    return np.linalg.solve(squares + ridge, products[..., None])[..., 0].astype(np.float64)


def _autoregression(residual: Doubles, lags: tuple[int, ...]) -> Doubles:
    longest = max(lags)
    now = residual[:, longest:]
    if now.shape[1] <= 2 * len(lags):
        return np.zeros((len(residual), len(lags)))
    past = np.stack([residual[:, longest - lag : residual.shape[1] - lag] for lag in lags], axis=-1)
    known = np.isfinite(now) & np.isfinite(past).all(axis=-1)
    now, past = np.where(known, now, 0.0), np.where(known[..., None], past, 0.0)
    phi = _solve(np.einsum("stk,stl->skl", past, past), np.einsum("stk,st->sk", past, now))
    left = np.where(known, now - np.einsum("stk,sk->st", past, phi), 0.0)
    variance = (left**2).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    error = np.sqrt(variance[:, None] / np.maximum((past**2).sum(axis=1), 1e-300))
    phi = np.where(np.abs(phi) > 2 * error, phi, 0.0)
    persistence = phi.sum(axis=1, keepdims=True)
    return np.where(persistence > _MOST_PERSISTENCE, phi * _MOST_PERSISTENCE / np.maximum(persistence, 1e-12), phi)


def _carried(residual: Doubles, phi: Doubles, lags: tuple[int, ...]) -> Doubles:
    carried = np.zeros_like(residual)
    for column, lag in enumerate(lags):
        carried[:, lag:] += phi[:, column, None] * residual[:, : residual.shape[1] - lag]
    return carried


def _spread(innovation: Doubles, *, fitted: int) -> Doubles:
    n = np.isfinite(innovation).sum(axis=1)
    spread: Doubles = np.sqrt(np.nansum(innovation**2, axis=1) / np.maximum(n - fitted, 1))
    return spread


def _push(recent: Doubles, newest: Doubles) -> Doubles:
    return np.hstack([newest, recent])[:, : recent.shape[1]]
