"""A function of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from finalmile.forecasters.loaders.contract import Rows, columns, function_at, loaders

if TYPE_CHECKING:
    import polars as pl


@loaders.add("callable")
@dataclass(frozen=True, slots=True)
class Callable:
    """``pkg.mod:fn``: of rows where features are declared, else of sales.

    Of rows it takes a float64 array (m, F) and gives (m,) or (m, outputs). Of sales it takes a polars frame
    ``unique_id, ds, y, censored`` up to the cutoff and a horizon, and gives ``unique_id, ds, mean``.

    Parameters
    ----------
    function
        Written ``pkg.mod:fn``. The file or package that ``--path`` names is kept with the version; without one the
        module must be installed where it serves, and must stay what it is.
    """

    unpickles: ClassVar[bool] = False
    reaches_out: ClassVar[bool] = False
    takes: ClassVar[str] = "either"
    function: str = ""

    def collect(self, path: Path | None, folder: Path, /) -> None:
        """Nothing beside the code, which is kept for every loader alike."""

    def load(self, folder: Path, outputs: Sequence[str], /) -> _Function:
        """The function, imported."""
        del folder, outputs
        return _Function(function_at(self.function))


class _Function:
    def __init__(self, function: Any) -> None:
        self._function = function

    def rows(self, features: Rows, /) -> Rows:
        return columns(self._function(features))

    def sales(self, sales: pl.DataFrame, /, *, horizon: int, frequency: str) -> pl.DataFrame:
        del frequency
        told: pl.DataFrame = self._function(sales, horizon)
        return told

    def close(self) -> None:
        pass
