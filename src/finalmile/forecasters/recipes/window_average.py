"""Mean of the same phase over the last eight seasons: hard to beat per series, and never surprising."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from finalmile.forecasters.artefact import about
from finalmile.forecasters.one_step import rolled_one_step
from finalmile.forecasters.rules import fit_rule, load_rule
from finalmile.forecasters.spans import spans_of
from finalmile.forecasters.window_means import averaged_seasons, window_means
from finalmile.frames import FloatArray, Frequency, Panel
from finalmile.ports import Fitted, forecasters


@dataclass(frozen=True, slots=True)
class WindowAverage:
    """Mean of the same hour of the week, weekday or month over the last seasons.

    Weekly series have no weekday, and few of them live through eight years: there it is the plain mean of the last
    weeks. Censored and unknown periods are left out; a phase without a known one takes the recent level, borrowed
    from the category where the series is new.

    Parameters
    ----------
    seasons
        How many to average, 8 by default: about two months of days, as in the M5 literature.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([[5, 0, 0, 0, 0, 0, 2, 3, 0, 0, 0, 0, 0, 4]], dtype=np.float32)
    >>> panel = Panel(ids=np.array(["a"], dtype=object), frequency=Frequency("day"), first=0, y=y, censored=y == 9)
    >>> WindowAverage().mean(panel, horizon=7)
    array([[4., 0., 0., 0., 0., 0., 3.]], dtype=float32)
    """

    seasons: int = 8

    def __post_init__(self) -> None:
        if self.seasons < 1:
            raise ValueError(f"seasons is {self.seasons}; it must be at least 1")

    def history(self, frequency: Frequency) -> int:
        """Periods of history a forecast looks at."""
        spans = spans_of(frequency)
        return max(self.seasons * averaged_seasons(frequency)[0], 2 * spans.recent)

    def mean(self, panel: Panel, /, *, horizon: int) -> FloatArray:
        """Expected units, shape (n, horizon)."""
        return window_means(panel, seasons=self.seasons, horizon=horizon)

    def one_step(self, panel: Panel, /, *, periods: int) -> FloatArray:
        """Forecast of each of the last periods made one period before."""
        return rolled_one_step(self, panel, periods=periods)

    def fit(self, panel: Panel, /, *, seed: int = 0) -> Fitted:  # noqa: ARG002  # nothing is drawn
        """Calibrate the rule on the panel."""
        return fit_rule(self, panel, kind="window_average", settings=asdict(self))

    @classmethod
    def load(cls, folder: Path, /) -> Fitted:
        """What was saved, ready to answer again."""
        settings = cast("dict[str, int]", about(folder)["settings"])
        return load_rule(cls(**settings), folder, kind="window_average", settings=settings)

    def write(self, folder: Path, /) -> None:
        """Nothing: the rule has learned nothing."""


forecasters.add("window_average")(WindowAverage)  # not a decorator: other modules build on the class itself
