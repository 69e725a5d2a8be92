"""What a model that was made elsewhere must answer, and what a loader tells of itself."""

from __future__ import annotations

import importlib
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from finalmile.errors import ConfigError, MissingInputError, MissingLibraryError
from finalmile.plugins import Registry

if TYPE_CHECKING:
    import polars as pl

Rows = npt.NDArray[np.float64]
_PLACE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


class RowModel(Protocol):
    """Answers rows of declared features."""

    def rows(self, features: Rows, /) -> Rows:
        """Answers of shape (m, k) for features of shape (m, F): one column for each declared output."""
        ...

    def close(self) -> None:
        """Let go of everything; nothing is asked afterwards."""
        ...


class PanelModel(Protocol):
    """Answers whole series from their sales."""

    def sales(self, sales: pl.DataFrame, /, *, horizon: int, frequency: str) -> pl.DataFrame:
        """``unique_id, ds, mean`` for the ``horizon`` periods after the last one of ``sales``.

        ``sales`` holds ``unique_id, ds, y, censored`` and covariates, complete between listing and cutoff;
        ``frequency`` is one of ``hour``, ``day``, ``week``, ``month``.
        """
        ...

    def close(self) -> None:
        """Let go of everything; nothing is asked afterwards."""
        ...


class Loader(Protocol):
    """One way to bring a model to answer: settings, and how it loads. Registered under a name.

    Parameters
    ----------
    unpickles
        Whether loading runs whatever code the file holds: then it loads only where that is trusted.
    takes
        ``"rows"`` of declared features, ``"sales"``, or ``"either"``: rows where features are declared.
    reaches_out
        Whether it needs the network, and what the environment says about it.
    """

    unpickles: ClassVar[bool]
    takes: ClassVar[str]
    reaches_out: ClassVar[bool]

    def collect(self, path: Path | None, folder: Path, /) -> None:
        """Copy what loading needs into an empty folder, where it is kept for good.

        Raises
        ------
        MissingInputError
            Something needed was not given or is not there.
        """
        ...

    def load(self, folder: Path, outputs: Sequence[str], /) -> RowModel | PanelModel:
        """The model from what :meth:`collect` kept.

        Raises
        ------
        MissingLibraryError
            The library it was made with is not installed.
        CorruptError
            The files do not hold what they should.
        """
        ...


loaders: Registry[Loader] = Registry("loader", package="finalmile.forecasters.loaders")


def library(name: str, *, install: str) -> Any:
    """A library that is imported only here.

    Raises
    ------
    MissingLibraryError
        It is not installed.

    Examples
    --------
    >>> library("no_such_library", install="no-such-library")
    Traceback (most recent call last):
    finalmile.errors.MissingLibraryError: no_such_library is needed here and not installed: pip install no-such-library
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        raise MissingLibraryError(missing.name or name, install) from missing


def function_at(place: str) -> Any:
    """The function that ``pkg.mod:fn`` names.

    Raises
    ------
    ConfigError
        It is not written so, or there is none.

    Examples
    --------
    >>> function_at("math:floor")(2.5)
    2
    >>> function_at("math.floor")
    Traceback (most recent call last):
    finalmile.errors.ConfigError: function: 'math.floor' is not written pkg.mod:fn
    """
    if not _PLACE.fullmatch(place):
        raise ConfigError("function", [f"{place!r} is not written pkg.mod:fn"])
    module, _, name = place.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as missing:
        raise ConfigError("function", [f"{place!r}: no module is called {missing.name!r}; check --path"]) from missing
    except AttributeError as missing:
        raise ConfigError("function", [f"{place!r}: the module has no {name!r}"]) from missing
    if not callable(found):
        raise ConfigError("function", [f"{place!r} is no function"])
    return found


def columns(told: Any) -> Rows:
    """Whatever a library answered as float64 of shape (m, k); a flat answer is one column.

    Examples
    --------
    >>> columns([1, 2]).shape
    (2, 1)
    """
    answers: Rows = np.asarray(told, dtype=np.float64)
    return answers[:, None] if answers.ndim == 1 else answers


def copied(path: Path | None, folder: Path, *, name: str, what: str) -> None:
    """Copy a file or a folder under a fixed name, following no link out of it.

    Raises
    ------
    MissingInputError
        Nothing was given, or it is not there.
    """
    if path is None:
        raise MissingInputError(f"{what} was not given; say where it is with --path")
    if not path.exists():
        raise MissingInputError(f"{path} is not there; --path must name {what}")
    if path.is_dir():
        shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".git"))
    else:
        shutil.copyfile(path, folder / name)
