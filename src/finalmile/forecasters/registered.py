"""Models made elsewhere that forecast whole series: asked in a process of their own, calibrated like any other."""

from __future__ import annotations

import io
import shutil
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl

from finalmile.errors import ModelFaultError
from finalmile.forecasters import rolling
from finalmile.forecasters.calibrated import Calibrated
from finalmile.forecasters.isolation import Bounds, Process, wire
from finalmile.forecasters.isolation.process import LARGEST
from finalmile.forecasters.loaders.kept import CODE, FILES, SERVING, Kept
from finalmile.forecasters.one_step import rolled_one_step
from finalmile.forecasters.parts import about, read_parts
from finalmile.forecasters.spans import spans_of
from finalmile.forecasters.window_means import window_means
from finalmile.frames import FloatArray, Frequency, IntArray, OneStep, Panel

KIND = "registered"
REFERENCE_PERIODS = {"hour": 48, "day": 28, "week": 12, "month": 6}
_CODES = {"hour": 1, "day": 2, "week": 3, "month": 4}
_SEASONS = 8


class Registered:
    """A registered model as a model of means: sales up to the panel's cutoff go in, ``unique_id, ds, mean`` come out.

    Its process is started when it is first asked, again where it died, and ended with this object. A series it
    leaves out gets the average of its same phases; one that answers for none at all, or with figures that cannot be
    demand, is at fault.

    Parameters
    ----------
    folder
        The artefact.
    seconds
        Most that one answer may take.
    """

    def __init__(self, folder: Path, *, seconds: float = 600.0) -> None:
        self.folder, self.kept = folder, Kept.read(folder)
        self._bounds = Bounds(answer_seconds=seconds)
        self._change = threading.Lock()
        self._process: Process | None = None

    def history(self, frequency: Frequency) -> int:
        """Periods of history it is told: four times what is called recent, at least 64."""
        return max(4 * spans_of(frequency).recent, 64)

    def mean(self, panel: Panel, /, *, horizon: int) -> FloatArray:
        """Expected units, shape (n, horizon), never negative.

        Raises
        ------
        ModelFaultError
            It raised, died, was late, or answered with what cannot be demand.
        """
        if panel.n == 0:
            return np.zeros((0, horizon), dtype=np.float32)
        told = _spread(self._asked(wire.SALES, panel, horizon), panel, horizon)
        missing = np.isnan(told)
        if missing.any():
            told = np.where(missing, window_means(panel, seasons=_SEASONS, horizon=horizon), told)
        return np.maximum(told, 0).astype(np.float32)

    def features(self, panel: Panel, /, *, horizon: int) -> pl.DataFrame:
        """``unique_id, ds`` and declared features for every period ahead, by the function they are declared with."""
        return self._asked(wire.FEATURES, panel, horizon)

    def one_step(self, panel: Panel, /, *, periods: int) -> FloatArray:
        """Forecast of each of the last periods made one period before."""
        return rolled_one_step(self, panel, periods=periods)

    def write(self, folder: Path, /) -> None:
        """Copy what was registered."""
        shutil.copyfile(self.folder / SERVING, folder / SERVING)
        for name in (FILES, CODE):
            if (self.folder / name).is_dir():
                shutil.copytree(self.folder / name, folder / name)

    def close(self) -> None:
        """End its process; asked again, it starts another."""
        with self._change:
            process, self._process = self._process, None
        if process is not None:
            process.close()

    def _asked(self, verb: int, panel: Panel, horizon: int) -> pl.DataFrame:
        written = io.BytesIO()
        sales_of(panel.last(self.history(panel.frequency))).write_ipc(written)
        code = _CODES[panel.frequency.unit]
        told = self._running().table(verb, written.getvalue(), horizon=horizon, frequency=code)
        return pl.read_ipc(io.BytesIO(told))

    def _running(self) -> Process:
        with self._change:
            if self._process is None or not self._process.alive:
                loader = self.kept.made()
                self._process = Process(
                    self.folder, bounds=self._bounds, reaches_out=loader.reaches_out, secrets=self.kept.secrets
                )
                weakref.finalize(self, self._process.close)
            return self._process


def sales_of(panel: Panel) -> pl.DataFrame:
    """A panel as rows: ``unique_id, ds, y, censored``, covariates and statics, from each series' listing to the cutoff.

    ``y`` is null where sales are unknown. Nothing after the cutoff is in it.
    """
    n, length = panel.y.shape
    columns: dict[str, object] = {
        "unique_id": pl.Series(np.repeat(panel.ids, length), dtype=pl.String),
        "ds": panel.frequency.start(np.tile(np.arange(panel.first, panel.cutoff + 1, dtype=np.int64), n)),
        "y": pl.Series(panel.y.ravel().astype(np.float64)).fill_nan(None),
        "censored": panel.censored.ravel(),
    }
    for name, values in panel.covariates.items():
        columns[name] = pl.Series(values[:, :length].ravel().astype(np.float64)).fill_nan(None)
    for name, texts in panel.statics.items():
        columns[name] = pl.Series(np.repeat(texts, length), dtype=pl.String)
    listed: IntArray = np.repeat(panel.listed_at, length)
    column: IntArray = np.tile(np.arange(length, dtype=np.int64), n)
    return pl.DataFrame(columns).filter(pl.Series(column >= listed))


def calibrated(model: Registered, panel: Panel, /, *, trained_until: int | None) -> Calibrated:
    """A registered model with its calibration and its one-step forecasts over the past.

    Parameters
    ----------
    trained_until
        Period number of the last period that it has learned from: only what came later says how good it is.
        ``None`` where it learns from nothing but the sales it is given each time.
    """
    spans = spans_of(panel.frequency)
    first = int(panel.listed_at.min(initial=panel.length))
    earliest = panel.first + first + min(spans.cold, spans.recent)
    earliest = earliest if trained_until is None else max(earliest, trained_until)
    calibration = rolling.roll(panel, model=model, earliest=earliest)
    periods = max(0, min(REFERENCE_PERIODS[panel.frequency.unit], panel.cutoff - earliest))
    settings: Mapping[str, object] = {"learns": trained_until is not None}
    return Calibrated(
        kind=KIND,
        settings=settings,
        frequency=panel.frequency,
        trained_until=panel.cutoff if trained_until is None else trained_until,
        model=model,
        calibration=calibration,
        known_one_step=OneStep(
            ids=panel.ids, first=panel.cutoff - periods + 1, mean=model.one_step(panel, periods=periods)
        ),
        learns=trained_until is not None,
        notes=() if calibration is not None else _UNCALIBRATED,
    )


_UNCALIBRATED = (
    "Too little has been sold since it was trained to calibrate quantiles: they come from past windows and carry no "
    "promise. Say until when it was trained with --trained-until.",
)


def load_registered(folder: Path, /) -> Calibrated:
    """What was saved, ready to answer again."""
    parts = read_parts(folder)
    learns = bool(cast("Mapping[str, object]", about(folder)["settings"]).get("learns"))
    return Calibrated(
        kind=KIND,
        settings={"learns": learns},
        frequency=parts.frequency,
        trained_until=parts.trained_until,
        model=Registered(folder),
        calibration=parts.calibration,
        known_one_step=parts.known_one_step,
        learns=learns,
        notes=parts.notes,
    )


def _spread(told: pl.DataFrame, panel: Panel, horizon: int) -> FloatArray:
    """The answer as (n, horizon); NaN where it has no row."""
    missing = [name for name in ("unique_id", "ds", "mean") if name not in told.columns]
    if missing:
        raise ModelFaultError("shape", f"the model answers no {', '.join(missing)}; it has {', '.join(told.columns)}")
    means = told["mean"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    unfit = ~(np.abs(means) < LARGEST)
    if unfit.any():
        who = told["unique_id"][int(np.argmax(unfit))]
        raise ModelFaultError(
            "not finite", f"the model answers {int(unfit.sum())} rows with no demand, first of {who!r}"
        )
    rows = {str(one): at for at, one in enumerate(panel.ids)}
    at = np.array([rows.get(str(one), -1) for one in told["unique_id"]], dtype=np.int64)
    ahead = panel.frequency.index(told["ds"].cast(panel.frequency.dtype)) - panel.cutoff - 1
    fits = (at >= 0) & (ahead >= 0) & (ahead < horizon)
    spread = np.full((panel.n, horizon), np.nan, dtype=np.float32)
    spread[at[fits], ahead[fits]] = means[fits]
    if np.isnan(spread).all():
        raise ModelFaultError(
            "shape", f"the model answers none of {panel.n} series for the {horizon} periods asked for"
        )
    return spread
