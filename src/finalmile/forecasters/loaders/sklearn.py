"""scikit-learn models, and whatever else joblib wrote that has ``predict``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from finalmile.errors import CorruptError
from finalmile.forecasters.loaders.contract import Rows, columns, copied, library, loaders


@loaders.add("sklearn")
@dataclass(frozen=True, slots=True)
class Sklearn:
    """A joblib or pickle file of an estimator or pipeline with ``predict``. Loading it runs its code: needs trust.

    Parameters
    ----------
    names
        Names of the columns, comma-separated, for a pipeline that was fitted on a pandas frame; it then gets one.
    """

    unpickles: ClassVar[bool] = True
    reaches_out: ClassVar[bool] = False
    takes: ClassVar[str] = "rows"
    names: str = ""

    def collect(self, path: Path | None, folder: Path, /) -> None:
        """Copy the file."""
        copied(path, folder, name="model.joblib", what="a joblib file")

    def load(self, folder: Path, outputs: Sequence[str], /) -> _Estimator:
        """The estimator."""
        del outputs
        joblib = library("joblib", install="scikit-learn")
        estimator = joblib.load(folder / "model.joblib")
        if not hasattr(estimator, "predict"):
            raise CorruptError(f"the file holds {type(estimator).__name__}, which has no predict")
        return _Estimator(estimator, [name.strip() for name in self.names.split(",") if name.strip()])


class _Estimator:
    def __init__(self, estimator: Any, names: Sequence[str]) -> None:
        self._names = names
        self._estimator: Any = estimator

    def rows(self, features: Rows, /) -> Rows:
        given: Any = features
        if self._names:
            given = library("pandas", install="pandas").DataFrame(features, columns=self._names)
        return columns(self._estimator.predict(given))

    def close(self) -> None:
        self._estimator = None
