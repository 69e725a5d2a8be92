"""LightGBM's own prediction code, called without its Python package: one row in half the time, and nothing to import.

The single-row call keeps its settings ready, one set a thread. It keeps the interpreter to itself, for letting go of it
and taking it back costs more than it gives; of more rows other threads run meanwhile, such as the one that writes the
prediction log and would otherwise wait until the loop has nothing to do: with 16 connections a sixth more is answered.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from finalmile.errors import CorruptError, MissingLibraryError
from finalmile.forecasters.direct.tree_text import check_trees
from finalmile.forecasters.loaders.contract import Rows

LETS_GO_AT = 2
_FLOAT64, _NORMAL, _ROW_MAJOR = 1, 0, 1
_PARAMETERS = b"num_threads=1 verbosity=-1"
_NAMES = {"win32": "bin/lib_lightgbm.dll", "darwin": "lib/lib_lightgbm.dylib"}


@cache
def _file() -> str:
    """The shared library, found without importing the package that brings it."""
    found = importlib.util.find_spec("lightgbm")
    if found is None or found.origin is None:
        raise MissingLibraryError("lightgbm", "lightgbm")
    home = Path(found.origin).parent
    named = _NAMES.get(sys.platform, "lib/lib_lightgbm.so")
    for path in (home / named, home / Path(named).name):
        if path.exists():
            return str(path)
    raise MissingLibraryError("lib_lightgbm", "lightgbm")


@cache
def _libraries() -> tuple[Any, Any]:
    """The library twice: keeping the interpreter, and letting go of it."""
    keeping, letting_go = ctypes.PyDLL(_file()), ctypes.CDLL(_file())
    for one in (keeping, letting_go):
        one.LGBM_GetLastError.restype = ctypes.c_char_p
    return keeping, letting_go


def _done(code: int) -> None:
    if code != 0:
        said = _libraries()[0].LGBM_GetLastError().decode("utf-8", "replace")
        raise CorruptError(f"LightGBM refused: {said}")


class _Booster:
    """One model in the library's memory; freed when nobody holds it any more, so after the last call."""

    def __init__(self, text: str) -> None:
        keeping, letting_go = _libraries()
        self.handle, rounds, features = ctypes.c_void_p(), ctypes.c_int(), ctypes.c_int()
        self._free = keeping.LGBM_BoosterFree
        _done(
            letting_go.LGBM_BoosterLoadModelFromString(text.encode(), ctypes.byref(rounds), ctypes.byref(self.handle))
        )
        _done(keeping.LGBM_BoosterGetNumFeature(self.handle, ctypes.byref(features)))
        self.features = features.value

    def __del__(self) -> None:
        if self.handle:
            self._free(self.handle)
            self.handle = ctypes.c_void_p()


class _Fast:
    """What one thread keeps ready for single rows of one model."""

    def __init__(self, booster: _Booster) -> None:
        keeping, _ = _libraries()
        self._booster = booster  # outlives the settings below, which point into it
        self._free, self._predict = keeping.LGBM_FastConfigFree, keeping.LGBM_BoosterPredictForMatSingleRowFast
        self.config = ctypes.c_void_p()
        _done(
            keeping.LGBM_BoosterPredictForMatSingleRowFastInit(
                booster.handle, _NORMAL, 0, -1, _FLOAT64, booster.features, _PARAMETERS, ctypes.byref(self.config)
            )
        )
        self._row = np.zeros(booster.features)
        self._answer = np.zeros(1)
        self._length = ctypes.c_int64()
        self._given = (
            self.config,
            ctypes.c_void_p(self._row.ctypes.data),
            ctypes.byref(self._length),
            ctypes.c_void_p(self._answer.ctypes.data),
        )

    def answer(self, row: Rows) -> float:
        self._row[:] = row
        if self._predict(*self._given):
            _done(-1)
        return float(self._answer[0])

    def __del__(self) -> None:
        if self.config:
            self._free(self.config)


class NativeTrees:
    """One LightGBM text for each output, answered by the library itself, exactly as ``Booster.predict`` answers.

    Safe to ask from many threads at once. :meth:`close` lets go; memory is freed after the last call under way.

    Parameters
    ----------
    texts
        Model texts as LightGBM writes them, one for each output.

    Raises
    ------
    CorruptError
        A text is not sound (see :func:`finalmile.forecasters.direct.tree_text.check_trees`), has several classes,
        linear leaves, or other features than the first.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        for text in texts:
            check_native(text)
        self._boosters: tuple[_Booster, ...] = tuple(_Booster(text) for text in texts)
        self.features = self._boosters[0].features
        if any(booster.features != self.features for booster in self._boosters):
            raise CorruptError("the model texts take different numbers of features; register models of the same rows")
        self._threads = threading.local()

    def rows(self, features: Rows, /) -> Rows:
        """Answers of shape (m, outputs) for features of shape (m, F).

        Raises
        ------
        ValueError
            The rows have another width, or the model was closed.
        """
        if features.ndim != 2 or features.shape[1] != self.features:
            raise ValueError(f"rows have shape {features.shape}; the model takes (m, {self.features})")
        if len(features) == 1:
            return np.array([self.row(features[0])])
        boosters = self._open()
        rows = np.ascontiguousarray(features, dtype=np.float64)
        return np.column_stack([_many(booster, rows) for booster in boosters])

    def row(self, row: Rows, /) -> list[float]:
        """The answer of one row of shape (F,), one figure for each output."""
        try:
            fast: tuple[_Fast, ...] = self._threads.fast
        except AttributeError:
            fast = self._threads.fast = tuple(_Fast(booster) for booster in self._open())
        return [one.answer(row) for one in fast]

    def close(self) -> None:
        """Let go of the models; a call under way ends as it would have."""
        self._boosters = ()
        self._threads = threading.local()

    def _open(self) -> tuple[_Booster, ...]:
        boosters = self._boosters
        if not boosters:
            raise ValueError("the model was closed; load it again")
        return boosters


def check_native(text: str) -> None:
    """Raise where a text must not be read in this process.

    Raises
    ------
    CorruptError
        It is not sound, answers several classes, or has linear leaves, whose integers nobody checks.
    """
    if "\nis_linear=1" in text:
        raise CorruptError("the model text has linear leaves; train without linear_tree, or register it as a callable")
    check_trees(text)
    if "\nnum_class=1\n" not in text:
        raise CorruptError("the model text answers several classes; demand needs one figure a row")


def _many(booster: _Booster, rows: Rows) -> Rows:
    keeping, letting_go = _libraries()
    answers = np.zeros(len(rows))
    length = ctypes.c_int64()
    _done(
        (keeping if len(rows) < LETS_GO_AT else letting_go).LGBM_BoosterPredictForMat(
            booster.handle, ctypes.c_void_p(rows.ctypes.data), _FLOAT64, ctypes.c_int32(len(rows)),
            ctypes.c_int32(booster.features), _ROW_MAJOR, _NORMAL, 0, -1, _PARAMETERS, ctypes.byref(length),
            ctypes.c_void_p(answers.ctypes.data),
        )
    )  # fmt: skip
    return answers
