"""What calibration asks of anything that forecasts a mean."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from finalmile.frames import FloatArray, Frequency, IntArray, Panel


class PointModel(Protocol):
    """Gives the mean of every period ahead; no quantiles."""

    def history(self, frequency: Frequency) -> int:
        """Periods of history a forecast looks at."""
        ...

    def mean(self, panel: Panel, /, *, horizon: int) -> FloatArray:
        """Expected units, shape (n, horizon); finite and never negative, whatever the history."""
        ...

    def one_step(self, panel: Panel, /, *, periods: int) -> FloatArray:
        """Forecast of each of the last ``periods`` periods made one period before, shape (n, periods).

        NaN before a series was listed.
        """
        ...

    def write(self, folder: Path, /) -> None:
        """Write what :func:`finalmile.forecasters.artefact.load` needs besides the settings."""
        ...


class WindowModel(Protocol):
    """Gives quantiles of demand over whole windows directly."""

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels it was trained for, ascending."""
        ...

    @property
    def longest(self) -> int:
        """Longest window it was trained for."""
        ...

    def quantiles(self, panel: Panel, windows: IntArray, /) -> FloatArray:
        """Quantiles at every trained level of demand over windows of shape (n, w); shape (n, w, levels)."""
        ...

    def write(self, folder: Path, /) -> None:
        """Write what loading needs besides the settings."""
        ...
