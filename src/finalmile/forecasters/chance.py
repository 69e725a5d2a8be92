"""Chance that depends on a series' name and the period, never on its place in a table."""

from __future__ import annotations

import hashlib

import numpy as np

from finalmile.frames import FloatArray, IntArray, NameArray

_Words = np.ndarray[tuple[int, ...], np.dtype[np.uint64]]


def keys_of(ids: NameArray) -> _Words:
    """A 64-bit key of each name, shape (n,)."""
    digests = b"".join(hashlib.blake2b(str(one).encode(), digest_size=8).digest() for one in ids)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def uniform(keys: _Words, periods: IntArray, *, seed: int) -> FloatArray:
    """Numbers in [0, 1) of the shape of ``keys`` and ``periods`` together, by the splitmix64 finaliser.

    The same name, period and seed give the same number, whatever else is in the data.
    """
    with np.errstate(over="ignore"):
        step = np.uint64(0x9E3779B97F4A7C15)
        word = keys + step * (periods.astype(np.uint64) + np.uint64(1))
        word = word + np.uint64(seed) * np.uint64(0xD1B54A32D192ED03)
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        word ^= word >> np.uint64(31)
    told: FloatArray = (word >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)
    return told
