"""Any forecaster of means, with calibrated quantiles per period and of demand over whole windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from finalmile.forecasters import rolling
from finalmile.forecasters.calibration import CONFORMAL, CQR, PERIOD, Calibration, spread_scale
from finalmile.forecasters.levels import recent_level, recent_spread
from finalmile.forecasters.parts import write
from finalmile.forecasters.point import PointModel, WindowModel
from finalmile.forecasters.spans import spans_of
from finalmile.forecasters.windows_of_history import METHOD as HISTORY
from finalmile.forecasters.windows_of_history import historical_quantiles
from finalmile.frames import (
    Cumulative,
    FloatArray,
    Forecast,
    Frequency,
    IntArray,
    NameArray,
    OneStep,
    Panel,
    rising_windows,
    same_windows,
)

BEYOND = " (beyond calibrated windows)"


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """A fitted forecaster: a model of the mean, perhaps one of windows, and a calibration.

    Demand over a window is answered from the best rung that is there: ``"cqr"`` (window model, conformally
    corrected), ``"conformal"`` (mean, conformally corrected), ``"history (uncalibrated)"``. A window longer than
    any calibrated one takes the correction of the longest, and its method ends in ``"(beyond calibrated windows)"``.
    Of windows told together, none is told less than a shorter one.

    Parameters
    ----------
    kind
        Name of the recipe in the registry of forecasters.
    settings
        Settings of the recipe, as JSON.
    frequency
        Of the panel it was fitted on; it answers for no other.
    trained_until
        Period number of the last period it learned from.
    learns
        Whether the model itself learned from data; a rule does not, and may be calibrated anywhere in the past.
    known_one_step
        One-step forecasts made out of sample.
    notes
        Sentences about how it came about that a user should read.
    """

    kind: str
    settings: Mapping[str, object]
    frequency: Frequency
    trained_until: int
    model: PointModel
    window_model: WindowModel | None = None
    calibration: Calibration | None = None
    known_one_step: OneStep
    learns: bool = False
    notes: tuple[str, ...] = field(default=())

    @property
    def needs(self) -> int:
        """Periods of history a prediction looks at."""
        return self.model.history(self.frequency)

    def reference(self) -> OneStep:
        """One-step forecasts made out of sample over the periods before it was fitted."""
        return self.known_one_step

    def predict(
        self,
        panel: Panel,
        /,
        *,
        horizon: int,
        quantiles: Sequence[float] = (),
        windows: IntArray | None = None,
        levels: Sequence[float] = (),
    ) -> Forecast:
        """Forecast every series of the panel from its cutoff; an empty panel gives an empty forecast.

        Raises
        ------
        ValueError
            A frequency it was not fitted for, a horizon or window below 1, a level outside (0, 1), or windows of
            another shape than (n, w).
        """
        _check(self.frequency, panel, horizon=horizon, windows=windows, levels=(*quantiles, *levels))
        reach = horizon if windows is None else max(horizon, int(windows.max(initial=1)))
        mean = self.model.mean(panel, horizon=reach)
        return Forecast(
            ids=panel.ids,
            frequency=panel.frequency,
            cutoff=panel.cutoff,
            mean=mean[:, :horizon],
            quantiles=self._per_period(panel, mean[:, :horizon], sorted(quantiles)),
            cumulative=None if windows is None else self._cumulative(panel, mean, windows, tuple(sorted(levels))),
        )

    def recalibrate(self, panel: Panel, /) -> Calibrated:
        """The same model, its corrections measured again on what has come since; takes seconds.

        Origins the model has learned from are kept as they were, for there it would look too good.
        """
        earliest = self.trained_until if self.learns else panel.first + spans_of(panel.frequency).cold
        calibration = rolling.renewed(
            self.calibration,
            panel,
            model=self.model,
            window_model=self.window_model,
            earliest=earliest,
            origins=getattr(self.model, "cutoffs", None),
        )
        return replace(self, calibration=calibration)

    def save(self, folder: Path, /) -> None:
        """Write everything needed to answer again into an empty folder; no pickle."""
        write(self, folder)

    def _per_period(self, panel: Panel, mean: FloatArray, quantiles: Sequence[float]) -> dict[float, FloatArray]:
        if not quantiles:
            return {}
        ahead = same_windows(panel.n, list(range(1, mean.shape[1] + 1)))
        values = self._spread_out(panel, mean, ahead, quantiles, rung=PERIOD)
        if values is None:
            values = historical_quantiles(panel, windows=np.ones_like(ahead), mean=mean, levels=quantiles)
        return {level: values[..., at] for at, level in enumerate(quantiles)}

    def _cumulative(self, panel: Panel, mean: FloatArray, windows: IntArray, levels: tuple[float, ...]) -> Cumulative:
        total = np.take_along_axis(mean.cumsum(axis=1, dtype=np.float64), windows - 1, axis=1).astype(np.float32)
        values, method = self._corrected(panel, total, windows, levels)
        whole = self.calibration is not None and self.calibration.whole_units and method != HISTORY
        longest = self._longest(method, levels)
        methods: NameArray = np.full(panel.n, method, dtype=object)
        if longest is not None:
            methods[(windows > longest).any(axis=1)] = method + BEYOND
        return Cumulative(
            windows=windows,
            mean=total,
            levels=levels,
            values=rising_windows(windows, values, whole=whole),
            methods=methods,
            calibration_id="" if method == HISTORY or self.calibration is None else self.calibration.identity,
        )

    def _corrected(
        self, panel: Panel, total: FloatArray, windows: IntArray, levels: tuple[float, ...]
    ) -> tuple[FloatArray, str]:
        known, model = self.calibration, self.window_model
        if known is not None and model is not None and all(known.longest(CQR, level) for level in levels):
            said = self._said(known, model.quantiles(panel, windows), panel, total, windows, levels)
            scale = spread_scale(total, recent_spread(panel)[:, None], windows)
            return self._add(said, scale, panel, windows, levels, rung=CQR), CQR
        values = self._spread_out(panel, total, windows, levels, rung=CONFORMAL)
        if values is not None:
            return values, CONFORMAL
        return historical_quantiles(panel, windows=windows, mean=total, levels=levels), HISTORY

    def _said(
        self,
        known: Calibration,
        quantiles: FloatArray,
        panel: Panel,
        total: FloatArray,
        windows: IntArray,
        levels: Sequence[float],
    ) -> FloatArray:
        spread, level_of_series = recent_spread(panel), recent_level(panel)
        told = [
            known.before_correction(
                level,
                quantiles=quantiles,
                mean=total,
                spread=spread,
                windows=windows,
                level_of_series=level_of_series,
            )
            for level in levels
        ]
        return np.stack(told, axis=2) if told else np.empty((*windows.shape, 0), dtype=np.float32)

    def _spread_out(
        self, panel: Panel, total: FloatArray, windows: IntArray, levels: Sequence[float], *, rung: str
    ) -> FloatArray | None:
        known = self.calibration
        if known is None or not all(known.longest(rung, level) for level in levels):
            return None
        length = windows if rung == CONFORMAL else 1
        scale = spread_scale(total, recent_spread(panel)[:, None], length)
        centre = np.repeat(total[..., None], len(levels), axis=2)
        return self._add(centre, scale, panel, windows, levels, rung=rung)

    def _add(
        self,
        centre: FloatArray,
        scale: FloatArray,
        panel: Panel,
        windows: IntArray,
        levels: Sequence[float],
        *,
        rung: str,
    ) -> FloatArray:
        assert self.calibration is not None
        level_of_series = recent_level(panel)
        values = centre.astype(np.float32)
        for at, level in enumerate(levels):
            step = self.calibration.correct(rung, level, windows=windows, level_of_series=level_of_series)
            values[..., at] += step * scale
        return np.maximum.accumulate(self.calibration.rounded(values), axis=2)

    def _longest(self, method: str, levels: tuple[float, ...]) -> int | None:
        if self.calibration is None or method == HISTORY or not levels:
            return None
        return min(self.calibration.longest(method, level) for level in levels)


def _check(
    frequency: Frequency, panel: Panel, *, horizon: int, windows: IntArray | None, levels: Sequence[float]
) -> None:
    faults: list[str] = []
    if panel.frequency != frequency:
        faults.append(f"the panel's periods are {panel.frequency}, the forecaster was fitted on {frequency}; fit again")
    if horizon < 1:
        faults.append(f"horizon is {horizon}; it must be at least 1 period")
    faults += [f"level {level} is outside (0, 1)" for level in levels if not 0 < level < 1]
    if windows is not None and (windows.ndim != 2 or len(windows) != panel.n):
        faults.append(f"windows have shape {windows.shape}; they must be ({panel.n}, windows per series)")
    elif windows is not None and windows.size and int(windows.min()) < 1:
        faults.append(f"a window of {int(windows.min())} periods was asked for; it must be at least 1")
    if faults:
        raise ValueError("; ".join(faults))
