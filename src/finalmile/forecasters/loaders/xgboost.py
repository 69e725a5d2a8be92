"""XGBoost models, as JSON or UBJSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from finalmile.errors import CorruptError, MissingInputError
from finalmile.forecasters.loaders.contract import Rows, columns, copied, library, loaders

ENDINGS = (".json", ".ubj")


@loaders.add("xgboost")
@dataclass(frozen=True, slots=True)
class XGBoost:
    """A model file as ``Booster.save_model`` writes it (``.json`` or ``.ubj``); NaN is a missing value."""

    unpickles: ClassVar[bool] = False
    reaches_out: ClassVar[bool] = False
    takes: ClassVar[str] = "rows"

    def collect(self, path: Path | None, folder: Path, /) -> None:
        """Copy the model file."""
        if path is not None and path.suffix not in ENDINGS:
            raise MissingInputError(f"{path} is no XGBoost model; save it as .json or .ubj with Booster.save_model")
        copied(path, folder, name=f"model{path.suffix if path else ''}", what="an XGBoost model (.json or .ubj)")

    def load(self, folder: Path, outputs: Sequence[str], /) -> _Booster:
        """The booster, on one thread."""
        del outputs
        xgboost = library("xgboost", install="xgboost")
        booster = xgboost.Booster({"nthread": 1})
        try:
            booster.load_model(str(next(folder.glob("model.*"))))
        except xgboost.core.XGBoostError as fault:
            raise CorruptError(f"XGBoost cannot read the model: {str(fault).splitlines()[0]}") from fault
        return _Booster(booster)


class _Booster:
    def __init__(self, booster: Any) -> None:
        self._booster: Any = booster

    def rows(self, features: Rows, /) -> Rows:
        return columns(self._booster.inplace_predict(features, validate_features=False))

    def close(self) -> None:
        self._booster = None
