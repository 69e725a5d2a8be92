"""MLflow models of the flavour every flavour has: pyfunc."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from finalmile.errors import MissingInputError
from finalmile.forecasters.loaders.contract import Rows, columns, copied, library, loaders

INSTALL = "mlflow"


@loaders.add("mlflow")
@dataclass(frozen=True, slots=True)
class MLflow:
    """A pyfunc model: the folder that ``--path`` names, or ``models:/name@alias``.

    Loading it runs its code: needs trust.

    What an alias points to is copied when it is registered; moving the alias later changes nothing here.

    Parameters
    ----------
    uri
        ``models:/name@alias``, ``models:/name/3`` or ``runs:/...``; MLFLOW_TRACKING_URI says where.
    names
        Names of the columns it is asked with, comma-separated; those of its own signature by default.
    """

    unpickles: ClassVar[bool] = True
    reaches_out: ClassVar[bool] = False
    takes: ClassVar[str] = "rows"
    uri: str = ""
    names: str = ""

    def collect(self, path: Path | None, folder: Path, /) -> None:
        """Copy the model's folder, downloaded where a URI was given."""
        if not self.uri:
            copied(path, folder, name="model", what="the folder of an MLflow model (the one that holds MLmodel)")
        else:
            os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
            mlflow = library("mlflow", install=INSTALL)
            (folder / "fetched").mkdir()
            try:
                found = mlflow.artifacts.download_artifacts(artifact_uri=self.uri, dst_path=str(folder / "fetched"))
            except mlflow.exceptions.MlflowException as fault:
                raise MissingInputError(f"{self.uri} could not be fetched: {str(fault)[:300]}") from fault
            shutil.copytree(found, folder / "model")
            shutil.rmtree(folder / "fetched")
        if not (folder / "model" / "MLmodel").is_file():
            raise MissingInputError(f"{path or self.uri} holds no MLmodel; give the folder that mlflow saved")

    def load(self, folder: Path, outputs: Sequence[str], /) -> _PyFunc:
        """The model; it answers frames with the columns of its signature."""
        del outputs
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        model = library("mlflow.pyfunc", install=INSTALL).load_model(str(folder / "model"))
        schema = model.metadata.get_input_schema()
        named = list(schema.input_names()) if schema is not None and schema.has_input_names() else []
        return _PyFunc(model, [name.strip() for name in self.names.split(",") if name.strip()] or named, schema)


class _PyFunc:
    def __init__(self, model: Any, names: Sequence[str], schema: Any) -> None:
        self._names, self._schema = names, schema
        self._model: Any = model

    def rows(self, features: Rows, /) -> Rows:
        given: Any = features
        if self._names:
            given = library("pandas", install="pandas").DataFrame(features, columns=self._names)
            given = given.astype(self._types()) if self._schema is not None else given
        told: Any = self._model.predict(given)
        return columns(getattr(told, "to_numpy", lambda: told)())

    def _types(self) -> dict[str, Any]:
        """Types its signature asks for; floats are not made whole numbers where one is missing."""
        wanted = zip(self._schema.input_names(), self._schema.input_types(), strict=True)
        return {name: kind.to_pandas() for name, kind in wanted if kind.name in ("float", "integer", "long")}

    def close(self) -> None:
        self._model = None
