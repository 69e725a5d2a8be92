"""A fitted forecaster again from its folder, whatever its kind."""

from __future__ import annotations

from pathlib import Path

from finalmile.errors import MissingInputError
from finalmile.forecasters.loaders.kept import SERVING
from finalmile.forecasters.parts import ABOUT, FORMAT, Parts, about, read_parts
from finalmile.forecasters.registered import KIND, load_registered
from finalmile.ports import Fitted, forecasters

__all__ = ["ABOUT", "FORMAT", "Parts", "about", "load", "read_parts"]


def load(folder: Path) -> Fitted:
    """The fitted forecaster that :meth:`Fitted.save` wrote into a folder.

    Raises
    ------
    CorruptError
        A file is missing, or does not hold what it should.
    UnknownNameError
        It was fitted by a recipe that is not installed here.
    MissingInputError
        It is a registered model of rows, which forecasts only where its features are given.
    """
    if not (folder / ABOUT).exists() and (folder / SERVING).exists():
        raise MissingInputError(
            "this version answers rows whose features are given, at the endpoint; to forecast with it, register it "
            "with made_by: pkg.mod:fn in its features file, a function that makes the features from sales"
        )
    kind = str(about(folder)["kind"])
    if kind == KIND:
        return load_registered(folder)
    recipe = forecasters[kind]
    fitted: Fitted = recipe.load(folder)  # type: ignore[attr-defined]  # a class of the registry, as Forecaster says
    return fitted
