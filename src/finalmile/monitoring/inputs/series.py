"""Features of single series, each a stream of its own: hundreds of thousands of them stepped together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.frames import Frequency, IntArray, NameArray
from finalmile.monitoring import packing
from finalmile.monitoring.engine import Bets, Watch
from finalmile.monitoring.engine.design import Doubles

_LAYOUT = 1
_BLOCK = 50_000
_LEAST_Z = 0.15
_LEAST_SHARE_OF_SIZE = 0.01
_LARGEST = 1e100


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesReference:
    """What each series' features were while nothing was wrong.

    Parameters
    ----------
    ids : array of shape (n,)
    names : array of shape (f,)
        Of the features.
    periods : array of shape (T,)
        Consecutive period numbers.
    values : array of shape (n, f, T)
        NaN where a value is missing.
    """

    frequency: Frequency
    ids: NameArray
    names: NameArray
    periods: IntArray
    values: Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesLook:
    """Features of series in one period, in any order of the series.

    Parameters
    ----------
    ids : array of shape (m,)
        Series without a reference are left out.
    values : array of shape (m, f)
        In the order of the reference's names; NaN where a value is missing.
    """

    period: int
    ids: NameArray
    values: Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesState:
    """Evidence of ``n`` series times ``f`` features: stream ``i f + j``, whose channels are up, then down.

    Parameters
    ----------
    watch
        Streams and channels.
    usual : array of shape (n f,)
        Reference mean.
    harmless : array of shape (n f,)
        Shift that is no harm, in the feature's unit.
    listed : array of shape (n f,)
        Period since which a stream is listed, -1 where it is not.
    """

    ids: NameArray
    names: NameArray
    watch: Watch
    usual: Doubles
    harmless: Doubles
    listed: IntArray

    @property
    def last(self) -> int:
        """Period of the newest look."""
        return self.watch.residuals.last

    @property
    def channels(self) -> IntArray:
        """Channel numbers of each stream, shape (n f, 2)."""
        return np.arange(2 * len(self.usual), dtype=np.int64).reshape(-1, 2)

    def to_bytes(self) -> bytes:
        """Everything, as a versioned ``npz`` without pickle."""
        return packing.to_bytes(self, version=_LAYOUT)

    @classmethod
    def from_bytes(cls, blob: bytes) -> SeriesState:
        """The inverse of :meth:`to_bytes`; ``CorruptError`` for anything else."""
        return packing.from_bytes(cls, blob, version=_LAYOUT)


def start(reference: SeriesReference, *, effect: float, bets: Bets) -> SeriesState:
    """Learn each stream's calendar, persistence and spread; ``effect`` is the harmless shift in its reference sd."""
    streams = reference.values.reshape(-1, reference.values.shape[-1])
    known = np.isfinite(streams)
    count = np.maximum(known.sum(axis=1), 1)
    usual = np.where(known, streams, 0.0).sum(axis=1) / count
    spread = np.sqrt((np.where(known, streams - usual[:, None], 0.0) ** 2).sum(axis=1) / count)
    least = np.maximum(_LEAST_SHARE_OF_SIZE * np.abs(usual), 1e-9)
    harmless = effect * np.maximum(spread, least)
    watch: Watch | None = None
    for first in range(0, len(streams), _BLOCK):
        rows = slice(first, first + _BLOCK)
        part = _watch(streams[rows], reference, tolerance=harmless[rows], least_sd=least[rows], bets=bets)
        watch = part if watch is None else watch.joined(part)
    return SeriesState(
        ids=reference.ids,
        names=reference.names,
        watch=watch or _watch(streams, reference, tolerance=harmless, least_sd=least, bets=bets),
        usual=usual,
        harmless=harmless,
        listed=np.full(len(streams), -1, dtype=np.int64),
    )


def aligned(state: SeriesState, look: SeriesLook) -> Doubles:
    """Values of a look in the order of the streams, shape (n f,); NaN for series that are not in it, and for infinity.

    Beyond 1e100 a value counts as that: it can be squared and divided by any spread.
    """
    known = np.where(np.isfinite(look.values), np.clip(look.values, -_LARGEST, _LARGEST), np.nan)
    if len(look.ids) == len(state.ids) and bool((look.ids == state.ids).all()):
        return known.reshape(-1)
    rows = {name: row for row, name in enumerate(look.ids.tolist())}
    place = np.array([rows.get(name, -1) for name in state.ids.tolist()], dtype=np.int64)
    values = np.full((len(state.ids), len(state.names)), np.nan)
    values[place >= 0] = known[place[place >= 0]]
    return values.reshape(-1)


def _watch(streams: Doubles, reference: SeriesReference, *, tolerance: Doubles, least_sd: Doubles, bets: Bets) -> Watch:
    count = len(streams)
    return Watch.start(
        streams,
        reference.periods,
        frequency=reference.frequency,
        source=np.repeat(np.arange(count), 2).astype(np.int64),
        sign=np.tile([1.0, -1.0], count),
        tolerance=tolerance,
        least_z=_LEAST_Z,
        bets=bets,
        lags=(1,),
        least_sd=least_sd,
    )
