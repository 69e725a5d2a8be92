"""A fitted forecaster again from its folder, whatever its kind."""

from __future__ import annotations

from pathlib import Path

from finalmile.forecasters.parts import ABOUT, FORMAT, Parts, about, read_parts
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
    """
    recipe = forecasters[str(about(folder)["kind"])]
    fitted: Fitted = recipe.load(folder)  # type: ignore[attr-defined]  # a class of the registry, as Forecaster says
    return fitted
