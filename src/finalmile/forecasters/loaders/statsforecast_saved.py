"""statsforecast: an object with its models that was saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from finalmile.forecasters.loaders.contract import copied, library, loaders
from finalmile.forecasters.loaders.statsforecast import INSTALL, FreshModels


@loaders.add("statsforecast_saved")
@dataclass(frozen=True, slots=True)
class SavedStatsForecast:
    """The file that ``StatsForecast.save`` wrote. Loading it runs its code: needs trust.

    Its models are fitted anew on the sales up to each cutoff.

    Parameters
    ----------
    column
        Which of its models answers; the first by default.
    """

    unpickles: ClassVar[bool] = True
    reaches_out: ClassVar[bool] = False
    takes: ClassVar[str] = "sales"
    column: str = ""

    def collect(self, path: Path | None, folder: Path, /) -> None:
        """Copy the file."""
        copied(path, folder, name="model.pkl", what="the file that StatsForecast.save wrote")

    def load(self, folder: Path, outputs: Sequence[str], /) -> FreshModels:
        """Its models, not fitted."""
        del outputs
        saved = library("statsforecast", install=INSTALL).StatsForecast.load(folder / "model.pkl")
        return FreshModels(saved.models, self.column)
