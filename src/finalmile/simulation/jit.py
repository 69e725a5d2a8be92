"""Compiling loops where numba is installed; without it, the vectorised twin of each loop gives the same numbers."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")


@lru_cache(maxsize=1)
def numba_installed() -> bool:
    """Whether loops can be compiled here: ``pip install "finalmile[fast]"``."""
    return find_spec("numba") is not None


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """The function compiled on its first call, free of the interpreter's lock; as it is where numba is not installed.

    Machine code is kept beside the module or in the user's cache, so that only the first process ever compiles.

    Examples
    --------
    >>> compiled(lambda x: x + 1)(1)
    2
    """
    if not numba_installed():
        return function
    numba: Any = importlib.import_module("numba")
    try:
        return cast("Callable[P, R]", numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # no folder that a cache can be written to
        return cast("Callable[P, R]", numba.njit(nogil=True)(function))
