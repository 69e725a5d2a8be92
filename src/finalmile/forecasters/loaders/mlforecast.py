"""mlforecast: fitted global models that step ahead on their own lags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from finalmile.forecasters.loaders.contract import copied, library, loaders
from finalmile.forecasters.loaders.series_frames import for_library, from_library

if TYPE_CHECKING:
    import polars as pl


@loaders.add("mlforecast")
@dataclass(frozen=True, slots=True)
class MLForecast:
    """The folder that ``MLForecast.save`` wrote. Loading it runs its code: needs trust.

    It forecasts from the sales it is given (``predict(h, new_df=...)``), with the models as they were fitted.

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
        """Copy the folder."""
        copied(path, folder, name="model", what="the folder that MLForecast.save wrote")

    def load(self, folder: Path, outputs: Sequence[str], /) -> _Model:
        """The fitted object."""
        del outputs
        return _Model(library("mlforecast", install="mlforecast").MLForecast.load(str(folder / "model")), self.column)


class _Model:
    def __init__(self, model: Any, column: str) -> None:
        self._column = column
        self._model: Any = model

    def sales(self, sales: pl.DataFrame, /, *, horizon: int, frequency: str) -> pl.DataFrame:
        del frequency
        told = self._model.predict(h=horizon, new_df=for_library(sales))
        return from_library(told, sales, column=self._column)

    def close(self) -> None:
        self._model = None
