"""The estimated loss: how well a forecast will do, before anything of it has come true."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from finalmile.metrics.scored import Floats
from finalmile.monitoring.engine.bounds import bounded
from finalmile.monitoring.loss.estimated import EstimatedState, SpreadReference, arrived, expected_errors, learn
from finalmile.monitoring.registry import checks
from finalmile.records import Finding

_ENOUGH = 10


@checks.add("estimated_loss")
@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatedLossCheck:
    """Estimates the loss of forecasts whose actuals are still to come, with an interval, and says that it is one.

    How large errors are for a given spread of the forecast, by volume class, is learned before the version went live;
    how far such estimates were off on the last looks gives the interval. It sees what forecasts themselves show: a mix
    that turned to products that are hard to forecast, intervals that widened. It is blind to concept drift: where
    demand no longer follows what the model learned, forecasts look as they always did, and only actuals tell.

    Parameters
    ----------
    confidence
        Of the interval: the share of looks to come whose loss lies inside it, if they are as the last ones were.
    tolerance
        Rise of the estimate over the reference that is no harm, as a ratio.
    classes
        Volume classes.
    """

    confidence: float = 0.90
    tolerance: float = 0.10
    classes: int = 5

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1 or self.tolerance < 0 or self.classes < 1:
            raise ValueError("confidence must be in (0, 1), tolerance at least 0 and classes at least 1")

    def start(self, reference: SpreadReference) -> EstimatedState:
        """Learn how losses follow from forecasts.

        Raises
        ------
        MissingInputError
            Fewer than 20 periods have forecasts that came true.
        """
        return learn(reference, classes=self.classes)

    def estimate(self, state: EstimatedState, forecast: Floats, spread: Floats | None, /, *, period: int) -> Finding:
        """What is expected of the forecasts of one period, or of several together, made by the look of ``period``.

        Parameters
        ----------
        forecast, spread : arrays of one shape
            Predicted means, and half the distance of the quantiles that the reference had.
        """
        forecast = bounded(forecast)
        expected = expected_errors(state, forecast, spread)
        known = np.isfinite(expected)
        mean = float(np.maximum(forecast[known], 0.0).sum()) if known.any() else 0.0
        at = state.frequency.start_of(period)
        if mean <= 0 or len(state.off) < _ENOUGH:
            return Finding(
                check="estimated_loss",
                subject="fleet",
                at=at,
                value=None,
                benchmark=state.wape,
                unit="WAPE, estimated",
                severity="warning",
                why=_missing(state, known_any=bool(known.any())),
            )
        value = float(expected[known].sum()) / mean
        low, high = (value * math.exp(float(q)) for q in self._interval(state))
        breached = low > state.wape * (1.0 + self.tolerance)
        return Finding(
            check="estimated_loss",
            subject="fleet",
            at=at,
            value=value,
            benchmark=state.wape,
            effect=value / max(state.wape, 1e-9) - 1.0,
            unit="WAPE, estimated",
            n=int(known.sum()),
            breached=breached,
            severity="warning" if breached else "info",
            why=(
                f"An estimate, before actuals: forecasts are expected to miss by {value:.0%} of sales, "
                f"{self.confidence:.0%} between {low:.0%} and {high:.0%}; {state.wape:.0%} was normal. "
                "Blind to changes that forecasts do not show."
            ),
        )

    def update(
        self, state: EstimatedState, period: int, /, *, actual: Floats, forecast: Floats, spread: Floats | None
    ) -> EstimatedState:
        """Hold the estimate of a period against what came true, arrays of shape (n,); once for each period."""
        return state if period <= state.last else arrived(state, period, actual, forecast, spread)

    def _interval(self, state: EstimatedState) -> tuple[float, float]:
        tail = (1.0 - self.confidence) / 2
        ordered, n = np.sort(state.off), len(state.off)
        cut = max(math.floor(tail * (n + 1)) - 1, 0)  # of n + 1 looks, the one to come included, so many lie below
        return float(ordered[cut]), float(ordered[n - 1 - cut])


def _missing(state: EstimatedState, *, known_any: bool) -> str:
    if len(state.off) < _ENOUGH:
        return f"Only {len(state.off)} estimates have come true so far; from {_ENOUGH} on the loss is estimated."
    if not known_any and state.by_spread:
        return "The forecasts carry no quantiles, which the estimate was learned from: forecast with quantiles."
    return "No forecast above zero: there is nothing that its loss could be compared with."
