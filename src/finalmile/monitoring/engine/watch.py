"""Streams, their residuals and their evidence, stepped together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from finalmile.frames import Frequency, IntArray
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.engine.detector import Bets, Calibration, calibrate, e_cusum, log_mean_exp, shiryaev_roberts
from finalmile.monitoring.engine.residual import Residualiser

_STRETCH_BET = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """``s`` streams, each watched by ``c`` one-sided channels.

    Parameters
    ----------
    source : array of shape (c,)
        Stream of each channel.
    sign : array of shape (c,)
        1 where a rise of the stream is harm, -1 where a fall is.
    tolerance : array of shape (c,)
        Harmless shift in units of innovations.
    log_r : array of shape (c, k)
        Statistics of the detectors.
    run : array of shape (c,)
        Log evidence of the current stretch alone; where it falls to zero a new stretch starts.
    since : array of shape (c,)
        First period of the current stretch.
    shift, shift_looks : array of shape (c,)
        Sum of signed residuals over the stretch, and how many.
    recent : array of shape (s,)
        Exponentially weighted mean of residuals: where the stream is now.
    """

    residuals: Residualiser
    bets: Bets
    source: IntArray
    sign: Doubles
    tolerance: Doubles
    calibration: Calibration
    log_r: Doubles
    run: Doubles
    since: IntArray
    shift: Doubles
    shift_looks: Doubles
    recent: Doubles

    @classmethod
    def start(
        cls,
        reference: Doubles,
        periods: IntArray,
        *,
        frequency: Frequency,
        source: IntArray,
        sign: Doubles,
        tolerance: Doubles,
        least_z: float,
        bets: Bets,
        calendar: Doubles | None = None,
        plain: bool = False,
        lags: tuple[int, ...] | None = None,
        least_sd: float | Doubles = 1e-12,
    ) -> Watch:
        """Fit on reference streams of shape (s, T); ``tolerance`` of shape (s,) is in the streams' own unit.

        The tolerance of a channel is at least ``least_z`` innovations.
        """
        residuals, z = Residualiser.fit(
            reference, periods, frequency=frequency, calendar=calendar, plain=plain, lags=lags, least_sd=least_sd
        )
        harmless = np.maximum(tolerance * residuals.gain / residuals.sd, least_z)
        channels = len(source)
        return cls(
            residuals=residuals,
            bets=bets,
            source=source,
            sign=sign,
            tolerance=harmless[source],
            calibration=calibrate(sign[:, None] * z[source], bets=bets),
            log_r=np.full((channels, len(bets.sizes)), -np.inf),
            run=np.zeros(channels),
            since=np.full(channels, residuals.last + 1, dtype=np.int64),
            shift=np.zeros(channels),
            shift_looks=np.zeros(channels),
            recent=np.zeros(len(reference)),
        )

    def step(self, period: int, values: Doubles, *, span: float, calendar: Doubles | None = None) -> Watch:
        """The next look of every stream, shape (s,); NaN leaves a stream as it was. ``span`` is that of ``recent``."""
        residuals, z, residual = self.residuals.step(period, values, calendar=calendar)
        signed = self.sign * z[self.source]
        log_r, pay = shiryaev_roberts(
            self.log_r, signed, tolerance=self.tolerance, bets=self.bets, calibration=self.calibration
        )
        known = np.isfinite(signed)
        fresh = known & (self.run <= 0)
        moved = np.where(known, self.sign * residual[self.source], 0.0)
        weight = 2.0 / (span + 1.0)
        return replace(
            self,
            residuals=residuals,
            log_r=log_r,
            run=e_cusum(self.run, pay[:, min(_STRETCH_BET, pay.shape[1] - 1)]),
            since=np.where(fresh, period, self.since),
            shift=np.where(fresh, 0.0, self.shift) + moved,
            shift_looks=np.where(fresh, 0.0, self.shift_looks) + known,
            recent=np.where(np.isfinite(residual), (1 - weight) * self.recent + weight * residual, self.recent),
        )

    def evidence(self, channels: IntArray) -> Doubles:
        """Log evidence of groups of channels, shape (g,), from channel numbers of shape (g, j)."""
        return log_mean_exp(log_mean_exp(self.log_r)[channels])

    def effect(self) -> Doubles:
        """Mean signed residual over the current stretch, shape (c,); 0 before the first look."""
        return self.shift / np.maximum(self.shift_looks, 1.0)

    def joined(self, others: Watch) -> Watch:
        """These streams and channels, then the others."""
        return replace(
            self,
            residuals=self.residuals.joined(others.residuals),
            calibration=self.calibration.joined(others.calibration),
            source=np.hstack([self.source, others.source + len(self.recent)]),
            sign=np.hstack([self.sign, others.sign]),
            tolerance=np.hstack([self.tolerance, others.tolerance]),
            log_r=np.vstack([self.log_r, others.log_r]),
            run=np.hstack([self.run, others.run]),
            since=np.hstack([self.since, others.since]),
            shift=np.hstack([self.shift, others.shift]),
            shift_looks=np.hstack([self.shift_looks, others.shift_looks]),
            recent=np.hstack([self.recent, others.recent]),
        )

    def restarted(self, channels: IntArray) -> Watch:
        """The same watch with these channels' evidence at its start."""
        log_r, run = self.log_r.copy(), self.run.copy()
        log_r[channels], run[channels] = -np.inf, 0.0
        return replace(self, log_r=log_r, run=run)
