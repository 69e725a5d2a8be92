"""One global direct model of trees: the mean of every period ahead, and quantiles of demand over whole windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np

from finalmile.forecasters import rolling
from finalmile.forecasters.artefact import about, read_parts
from finalmile.forecasters.calibrated import Calibrated
from finalmile.forecasters.direct.artefact import read_mean, read_windows
from finalmile.forecasters.direct.likely import Likely
from finalmile.forecasters.direct.mean_model import DirectMean, train_mean
from finalmile.forecasters.direct.schema import Schema
from finalmile.forecasters.direct.window_model import DirectWindows, train_windows
from finalmile.forecasters.recipes.window_average import WindowAverage
from finalmile.forecasters.rules import fit_rule
from finalmile.forecasters.spans import spans_of
from finalmile.frames import FloatArray, OneStep, Panel
from finalmile.ports import Fitted, forecasters

_FEWEST_VALUES = 200
_DRAFT = 0.4  # rows and trees of the mean that only calibrates, relative to the one that forecasts
_ESTIMATES = 2  # of demand that met an empty shelf: more take their time and hardly change orders
_MODELS = 3  # grown side by side: the mean, the draft of it, and the windows


@forecasters.add("lightgbm")
@dataclass(frozen=True, slots=True)
class LightGBM:
    """Gradient-boosted trees over all series at once, each relative to its own scale.

    Better than rules per series where money sits: on fast sellers and on totals, and wherever price, promotion,
    events or the hierarchy explain demand. It needs two seasons of history; with less it fits the window average
    instead and says so in ``notes``.

    The newest months are held out first: models that have not seen them make the window quantiles, the rolling
    calibration and the one-step reference; then the mean is learned again from everything. The window quantiles
    stay those that were calibrated.

    Where the shelf ran empty it learns the demand that was likely behind the sales, see
    :class:`~finalmile.forecasters.direct.likely.Likely`: those are the periods in which most was asked for.

    Parameters
    ----------
    horizon
        Periods ahead to train for; by default 28 days, 13 weeks, 6 months, 168 hours.
    levels
        Levels of window demand to train for, ascending; others lie on lines between them, corrected conformally.
    known_ahead
        Covariates that will be known for the periods ahead; by default those of which the panel says anything past
        its cutoff. Others are left out, but for ``price``, whose last value is carried on.
    rounds, window_rounds
        Trees of the mean, and of each level of window demand.
    rows, window_rows
        Training rows at most; more are thinned by name and period.
    threads
        Threads for training and prediction; the library's own default is never used.
    """

    horizon: int | None = None
    levels: tuple[float, ...] = (0.5, 0.98)
    known_ahead: tuple[str, ...] | None = None
    rounds: int = 200
    window_rounds: int = 150
    rows: int = 400_000
    window_rows: int = 120_000
    threads: int = 2

    def __post_init__(self) -> None:
        for name in ("horizon", "rounds", "window_rounds", "rows", "window_rows", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")
        if (
            not self.levels
            or sorted(set(self.levels)) != list(self.levels)
            or not 0 < min(self.levels) <= max(self.levels) < 1
        ):
            raise ValueError(f"levels are {self.levels}; they must ascend and lie in (0, 1), for example (0.5, 0.98)")

    def fit(self, panel: Panel, /, *, seed: int = 0) -> Fitted:
        """Learn from everything in the panel, calibration included."""
        too_short = _too_short(panel)
        if too_short:
            return fit_rule(
                WindowAverage(), panel, kind="window_average", settings=asdict(WindowAverage()), notes=(too_short,)
            )
        horizon = self.horizon or spans_of(panel.frequency).horizon
        schema = Schema.of(panel, known_ahead=self.known_ahead)
        held = _held_out(panel, windows=_windows(panel, horizon))
        past = panel.at(panel.cutoff - held, ahead=horizon + 1)
        likely = self._likely(panel, past, schema, horizon, seed)
        before = likely.at(np.flatnonzero(panel.listed_at < past.length), past.length)
        with ThreadPoolExecutor(max_workers=min(self.threads, _MODELS)) as pool:
            draft = pool.submit(self._mean, past, before.expected, schema, horizon, seed, share=_DRAFT)
            held_windows = pool.submit(self._windows, past, before, schema, horizon, seed)
            final = pool.submit(self._mean, panel, likely.expected, schema, horizon, seed, share=1.0)
            drafted, windows = draft.result(), held_windows.result()
            calibration = rolling.roll(
                panel, model=drafted, window_model=windows, earliest=past.cutoff, windows=_windows(panel, horizon)
            )
            known_one_step = OneStep(ids=panel.ids, first=past.cutoff + 1, mean=drafted.one_step(panel, periods=held))
        return Calibrated(
            kind="lightgbm",
            settings=self._settings(),
            frequency=panel.frequency,
            trained_until=panel.cutoff,
            model=final.result(),
            window_model=windows,
            calibration=calibration,
            known_one_step=known_one_step,
            learns=True,
            notes=() if calibration else ("History is too short to calibrate quantiles: they carry no promise.",),
        )

    @classmethod
    def load(cls, folder: Path, /) -> Fitted:
        """What was saved, ready to answer again; the structure of every tree is checked first."""
        parts, told = read_parts(folder), about(folder)
        settings = cast("Mapping[str, object]", told["settings"])
        threads = int(cast("int", settings["threads"]))
        return Calibrated(
            kind="lightgbm",
            settings=settings,
            frequency=parts.frequency,
            trained_until=parts.trained_until,
            model=read_mean(folder, threads=threads),
            window_model=read_windows(folder, threads=threads),
            calibration=parts.calibration,
            known_one_step=parts.known_one_step,
            learns=True,
            notes=parts.notes,
        )

    def _grow_threads(self) -> int:
        """Trees grow faster side by side, one thread each, than one after another on two that wait for each other."""
        return max(1, self.threads // _MODELS)

    def _settings(self) -> dict[str, object]:
        known = None if self.known_ahead is None else list(self.known_ahead)
        return {**asdict(self), "levels": list(self.levels), "known_ahead": known}

    def _likely(self, panel: Panel, past: Panel, schema: Schema, horizon: int, seed: int) -> Likely:
        """Demand to learn from; where the shelf ran empty estimated around drafts, each nearer to it than the last."""
        likely = Likely.known(panel)
        if panel.censored.any():
            listed = np.flatnonzero(panel.listed_at < past.length)
            for _ in range(_ESTIMATES):
                known = likely.at(listed, past.length).expected
                likely = Likely.around(self._mean(past, known, schema, horizon, seed, share=_DRAFT), panel)
        return likely

    def _mean(
        self, panel: Panel, demand: FloatArray, schema: Schema, horizon: int, seed: int, *, share: float
    ) -> DirectMean:
        return train_mean(
            panel,
            schema,
            demand=demand,
            horizon=horizon,
            rounds=max(1, int(self.rounds * share)),
            most_rows=int(self.rows * share),
            settings={"learning_rate": 0.08 if share == 1 else 0.16},
            threads=self.threads,
            grow_threads=self._grow_threads(),
            seed=seed,
        )

    def _windows(self, panel: Panel, likely: Likely, schema: Schema, horizon: int, seed: int) -> DirectWindows:
        return train_windows(
            panel,
            schema,
            likely=likely,
            longest=max(_windows(panel, horizon)),
            levels=self.levels,
            rounds=self.window_rounds,
            most_rows=self.window_rows,
            threads=self.threads,
            grow_threads=self._grow_threads(),
            seed=seed,
        )


def _windows(panel: Panel, horizon: int) -> tuple[int, ...]:
    """Windows to calibrate: the usual ones up to the horizon, and the horizon itself."""
    usual = spans_of(panel.frequency).windows
    return tuple(sorted({*(window for window in usual if window < horizon), horizon}))


def _held_out(panel: Panel, *, windows: Sequence[int]) -> int:
    """Periods held out for calibration: 16 origins and the longest window, at most a third of the history."""
    wanted = max(windows) + (rolling.ORIGINS - 1) * spans_of(panel.frequency).step
    span = panel.length - int(panel.listed_at.min(initial=0))
    return max(1, min(wanted, span // 3))


def _too_short(panel: Panel) -> str | None:
    season = panel.frequency.season_length
    known = panel.length - int(panel.listed_at.min(initial=panel.length))
    values = int(np.isfinite(panel.demand()).sum())
    if known >= 2 * season and values >= _FEWEST_VALUES:
        return None
    return (
        f"{known} periods and {values} known values are too little for lightgbm, which needs {2 * season} periods and "
        f"{_FEWEST_VALUES} values: the window average was fitted instead."
    )
