r"""Chance that belongs to an item, a scenario and a period, and to nothing else: common random numbers by construction.

Draw ``i`` of an item is a mix of :math:`key + i \gamma` (the generator SplitMix64 jumped to its ``i``-th output), so
every rule that is tried meets the same demand and the same lead times, in any order, on any number of threads.

References
----------
Steele, Lea and Flood (2014), "Fast splittable pseudorandom number generators", OOPSLA.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

KeyArray = npt.NDArray[np.uint64]
GOLDEN = 0x9E3779B97F4A7C15
FIRST = 0xBF58476D1CE4E5B9
SECOND = 0x94D049BB133111EB
ONE = 1 << 32
"""Draws are whole numbers below this; probabilities are thresholds among them."""


def keys_of(ids: Iterable[object], *, seed: int = 0) -> KeyArray:
    """One key per item, from its id and the seed alone.

    Examples
    --------
    >>> keys_of(["a", "b"])[1] == keys_of(["b"])[0]
    np.True_
    """
    start = f"{seed}/".encode()
    digests = [hashlib.blake2b(start + str(name).encode(), digest_size=8).digest() for name in ids]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def draws(keys: KeyArray, count: int) -> KeyArray:
    """Draw number ``count`` of each key, uniform on 0 to 2^32 - 1.

    Examples
    --------
    >>> many = draws(np.arange(10_000, dtype=np.uint64), 7)
    >>> bool(abs(many.mean() / 2**32 - 0.5) < 0.01)
    True
    """
    mixed = keys + np.uint64((count * GOLDEN) % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(FIRST)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(SECOND)
    return (mixed ^ (mixed >> np.uint64(31))) >> np.uint64(32)


def thresholds(probabilities: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Cumulative probabilities as thresholds among draws: outcome ``k`` is drawn where ``k`` thresholds are at most it.

    Parameters
    ----------
    probabilities : array of shape (m, k)
        Non-negative, each row with a positive sum, which is scaled to 1.

    Raises
    ------
    ValueError
        If a row has no mass, or a value is negative or not finite.

    Examples
    --------
    >>> (thresholds([[1, 3]]) / 2**32).tolist()
    [[0.25, 1.0]]
    """
    mass = np.atleast_2d(np.asarray(probabilities, dtype=np.float64))
    if not np.isfinite(mass).all() or (mass < 0).any() or (mass.sum(axis=1) <= 0).any():
        raise ValueError("probabilities must be finite, not negative, and not all zero in any row")
    share = np.cumsum(mass, axis=1) / mass.sum(axis=1, keepdims=True)
    marks: npt.NDArray[np.int64] = np.rint(share * ONE).astype(np.int64)
    marks[:, -1] = ONE
    return marks
