"""What is normal for a version, learned from forecasts and actuals before it went live."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.monitoring.engine import Bets, Watch
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.engine.dispersion import Dispersion
from finalmile.monitoring.engine.spread import Spread
from finalmile.monitoring.loss.levels import fit_curve, follow_all
from finalmile.monitoring.loss.members import queue, watch_products
from finalmile.monitoring.loss.state import LossReference, LossState
from finalmile.monitoring.loss.streams import (
    Normal,
    Scale,
    Totals,
    expected_sales,
    fleet_streams,
    product_streams,
    relative_misses,
    row_means,
    scale_of,
    totals,
    trimmed_columns,
    without_outliers,
)

_LEAST_LOOKS = 20
_POOLED_FROM = 20
_SPREAD_FROM = 90
_COUNTS_FROM = 180  # a shorter reference says too little of how counts are dispersed
_SPREAD_BASE = 2.5  # units a look; of slower products a rank says little more than whether one was sold


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """Makes the first state of the loss check from a reference.

    Parameters
    ----------
    fleet_tolerance, bias_tolerance, product_tolerance
        Shifts that are no harm, as ratios.
    join_after
        Looks of its own from which a product is watched; the others wait.
    span
        Looks that the recent level of a product goes back.
    bets, product_bets
        How evidence is gathered.
    """

    fleet_tolerance: float
    bias_tolerance: float
    product_tolerance: float
    join_after: int
    span: int
    bets: Bets
    product_bets: Bets

    def __call__(self, reference: LossReference) -> LossState:
        """The state in which no look has been judged yet.

        Raises
        ------
        MissingInputError
            Fewer than 20 periods of the reference have a product that can be judged.
        """
        known = np.isfinite(reference.actual) & np.isfinite(reference.forecast)
        actual = np.where(known, reference.actual, np.nan).astype(np.float64)
        forecast = np.where(known, reference.forecast, np.nan).astype(np.float64)
        looks = int(known.any(axis=0).sum())
        if looks < _LEAST_LOOKS:
            raise MissingInputError(
                f"the loss check needs forecasts and actuals of {_LEAST_LOOKS} periods before a version goes live, "
                f"this one has {looks}; certify on a longer holdout"
            )
        sums = totals(actual, forecast)
        scale = scale_of(actual, forecast, pooled=bool((known.sum(axis=0) >= _POOLED_FROM).mean() > 0.5))
        return self._state(reference, actual=actual, forecast=forecast, sums=sums, scale=scale)

    def _state(
        self, reference: LossReference, *, actual: Doubles, forecast: Doubles, sums: Totals, scale: Scale
    ) -> LossState:
        fleet = self._watch_fleet(reference, streams=without_outliers(fleet_streams(sums, scale)))
        own = np.isfinite(actual).sum(axis=1) >= self.join_after
        sold, told_before = actual[own], forecast[own]
        base, error = row_means(sold), np.abs(told_before - sold)
        scale = replace(scale, curve=fit_curve(row_means(error), base, least_mae=scale.least_mae))
        before, level = follow_all(base, sold, span=self.span)
        widening = scale.curve.widening(before, base[:, None])
        mae = np.maximum(row_means(error / widening), scale.least_mae)
        if scale.pooled:
            common = trimmed_columns(error / (mae[:, None] * widening))
            scale = replace(scale, error_factor=max(float(common[sums.n > 0].mean()), 1e-9))
        plain = Normal(mae=mae[:, None], bias=np.zeros((len(mae), 1)), widening=np.ones((len(mae), 1)))
        bias = row_means(product_streams(sold, told_before, plain, sums=sums, scale=scale)[1])
        normal = replace(plain, bias=bias[:, None], widening=widening)
        errors, signed = product_streams(sold, told_before, normal, sums=sums, scale=scale)
        return LossState(
            frequency=reference.frequency,
            last=fleet.residuals.last,
            scale=scale,
            fleet=fleet,
            fleet_alarm=np.full(2, -1, dtype=np.int64),
            bias_channel=1,
            days=np.empty((0, 5)),
            ids=reference.ids[own],
            products=watch_products(
                errors,
                signed,
                first=reference.first,
                frequency=reference.frequency,
                tolerance=self.product_tolerance,
                bets=self.product_bets,
            ),
            spread=Spread.start(
                np.where(
                    (base >= _SPREAD_BASE)[:, None],
                    relative_misses(sold, told_before, base=base[:, None], sums=sums, scale=scale),
                    np.nan,
                ),
                least=_SPREAD_FROM,
                next_period=fleet.residuals.last + 1,
            ),
            counts=Dispersion.start(
                np.where((base >= _SPREAD_BASE)[:, None], sold, np.nan),
                expected_sales(told_before, sums=sums, scale=scale),
                least=_COUNTS_FROM,
                next_period=fleet.residuals.last + 1,
            ),
            mae=mae,
            bias=bias,
            base=base,
            level=level,
            seen=np.full(len(mae), fleet.residuals.last, dtype=np.int64),
            listed=np.full(len(mae), -1, dtype=np.int64),
            waiting=queue(reference.ids[~own], actual[~own], forecast[~own], room=self.join_after),
        )

    def _watch_fleet(self, reference: LossReference, *, streams: Doubles) -> Watch:
        periods = np.arange(reference.first, reference.first + streams.shape[1], dtype=np.int64)
        return Watch.start(
            streams,
            periods,
            frequency=reference.frequency,
            source=np.array([0, 1, 1]),
            sign=np.array([1.0, 1.0, -1.0]),
            tolerance=np.log1p([self.fleet_tolerance, self.bias_tolerance]),
            least_z=0.1,
            bets=self.bets,
            calendar=reference.calendar,
            least_sd=0.01,
        )
