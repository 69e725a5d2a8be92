"""Teunter-Syntetos-Babai: a level for lumpy demand that also notices when a product dies."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np

from finalmile.forecasters.artefact import about
from finalmile.forecasters.intermittent import smoothed_tsb
from finalmile.forecasters.levels import recent_level
from finalmile.forecasters.rules import fit_rule, load_rule
from finalmile.forecasters.spans import spans_of
from finalmile.frames import FloatArray, Frequency, Panel
from finalmile.ports import Fitted, forecasters


@forecasters.add("tsb")
@dataclass(frozen=True, slots=True)
class TSB:
    """Smoothed chance of a sale times smoothed size of one.

    A flat forecast for slow, lumpy series; the chance falls with every period without a sale, so obsolete products
    fade out.

    Parameters
    ----------
    alpha_size
        Weight of the newest sale in the size, in (0, 1].
    alpha_chance
        Weight of the newest period in the chance, in (0, 1]; small values forget slowly.
    """

    alpha_size: float = 0.1
    alpha_chance: float = 0.05

    def __post_init__(self) -> None:
        for name, alpha in asdict(self).items():
            if not 0 < alpha <= 1:
                raise ValueError(f"{name} is {alpha}; it must be above 0 and at most 1")

    def history(self, frequency: Frequency) -> int:
        """Periods of history a forecast looks at: four times what is called recent."""
        return 4 * spans_of(frequency).recent

    def mean(self, panel: Panel, /, *, horizon: int) -> FloatArray:
        """Expected units, the same in every period, shape (n, horizon); new series borrow from their category."""
        demand = panel.last(self.history(panel.frequency)).demand()
        rate = smoothed_tsb(demand, alpha_size=self.alpha_size, alpha_chance=self.alpha_chance)[:, 0]
        cold = np.isfinite(demand).sum(axis=1) < spans_of(panel.frequency).cold
        level = np.where(cold | np.isnan(rate), recent_level(panel), rate)
        return np.repeat(np.maximum(level, 0)[:, None], horizon, axis=1).astype(np.float32)

    def one_step(self, panel: Panel, /, *, periods: int) -> FloatArray:
        """Forecast of each of the last periods made one period before; NaN while a series is new."""
        demand = panel.demand()[:, :-1]
        rates = smoothed_tsb(demand, alpha_size=self.alpha_size, alpha_chance=self.alpha_chance, last=periods)
        new = np.isfinite(demand).cumsum(axis=1)[:, -periods:] < spans_of(panel.frequency).cold
        return np.where(new, np.float32(np.nan), rates)

    def fit(self, panel: Panel, /, *, seed: int = 0) -> Fitted:  # noqa: ARG002  # nothing is drawn
        """Calibrate the rule on the panel."""
        return fit_rule(self, panel, kind="tsb", settings=asdict(self))

    @classmethod
    def load(cls, folder: Path, /) -> Fitted:
        """What was saved, ready to answer again."""
        settings = cast("dict[str, float]", about(folder)["settings"])
        return load_rule(cls(**settings), folder, kind="tsb", settings=settings)

    def write(self, folder: Path, /) -> None:
        """Nothing: the rule has learned nothing."""
