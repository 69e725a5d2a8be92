"""What a worker counts, in a file that outlives it: every other process reads it, nobody waits for anybody.

The file is an array of 64-bit words with one writer. It holds named counters, a histogram for each kind of latency, and
tallies whose names come up while it runs, such as the strikes against a version.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from finalmile.serving.histogram import BUCKETS, Histogram, bucket_of

TOTALS = (
    "requests",
    "rows",
    "errors_client",
    "errors_server",
    "refused",
    "fallbacks",
    "swaps",
    "load_failures",
    "logged",
    "lost",
    "relayed",
    "record_errors",
)
"""Grow for ever, over restarts too."""

GAUGES = ("in_flight", "log_waiting", "log_oldest_us", "epoch", "pid", "ready", "draining", "started_ns", "beat_ns")
"""Say how things are; begin at zero when a worker starts."""

LATENCIES = ("request", "model", "log")
"""Kinds of latency, each a histogram: the whole request, the model alone, waiting for the log."""

PATTERN = "slot-*.counters"
_MAGIC = 0x464D434E54523031
_NAMED = 2
_AT = {name: _NAMED + at for at, name in enumerate((*TOTALS, *GAUGES))}
_HISTOGRAMS = 64
_TALLIES = _HISTOGRAMS + len(LATENCIES) * BUCKETS
_NAME_WORDS, _TALLY_COUNT = 15, 512
_TALLY_WORDS = _NAME_WORDS + 1
_WORDS = _TALLIES + _TALLY_COUNT * _TALLY_WORDS
_OTHER, _FREE, _STRIKES = b"other", b"-", (b"strikes ", b"odd ")
_KINDS = ("answers", "strikes", "odd")


class Counters:
    """The counters of one worker's slot, for that worker to write.

    Parameters
    ----------
    path
        Made where it is not there; a file of another layout is replaced.

    Attributes
    ----------
    kept_words
        Where somebody may remember what :meth:`tally` gave; emptied when words change their meaning.
    """

    def __init__(self, path: Path, /) -> None:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fits = os.fstat(handle).st_size == _WORDS * 8
            if not fits:
                os.ftruncate(handle, 0)
                os.ftruncate(handle, _WORDS * 8)
            self._map = mmap.mmap(handle, _WORDS * 8)
        finally:
            os.close(handle)
        self.words = memoryview(self._map).cast("q")
        if self.words[0] != _MAGIC:
            self.words[0] = _MAGIC
        for name in GAUGES:
            self.words[_AT[name]] = 0
        self.words[_AT["pid"]], self.words[_AT["started_ns"]] = os.getpid(), time.monotonic_ns()
        self.kept_words: dict[str, int] = {}
        entries = list(_entries(bytes(self._map)))
        self._known = {label: at for at, label, _ in entries if label != _FREE}
        self._kept: set[bytes] | None = None
        self._free = [at for at, label, _ in entries if label == _FREE]

    def add(self, name: str, by: int = 1, /) -> None:
        """Count something named in :data:`TOTALS`."""
        self.words[_AT[name]] += by

    def set(self, name: str, value: int, /) -> None:
        """Say how something named in :data:`GAUGES` is."""
        self.words[_AT[name]] = value

    def took(self, kind: str, micros: float, /) -> None:
        """Count a latency."""
        self.words[first_bucket(kind) + bucket_of(micros)] += 1

    def tally(self, name: str, /) -> int:
        """Word that counts what comes up under a name, such as ``"strikes demand@3"``; add to it in :attr:`words`.

        Names are cut to 120 bytes; past 512 of them everything else counts under ``"other"``.
        """
        label = _label(name)
        at = self._known.get(label)
        if at is None:
            at = self._entry(label if self._room() else _OTHER)
        return _TALLIES + at * _TALLY_WORDS + _NAME_WORDS

    def keep(self, versions: Collection[str], /) -> None:
        """Have room for the versions that are served, such as ``"demand@3"``: forget what others counted.

        Strikes are forgotten last, where no other room is left: somebody may compare them with those counted before.
        """
        self._kept = {_label(f"{kind} {one}") for kind in _KINDS for one in versions}
        for label in [one for one in self._known if self._departed(one) and not one.startswith(_STRIKES)]:
            self._forget(label)
        self.kept_words.clear()

    def _departed(self, label: bytes) -> bool:
        return self._kept is not None and b" " in label and label not in self._kept

    def _room(self) -> bool:
        if not self._free and len(self._known) >= _TALLY_COUNT - 1:
            departed = next((one for one in self._known if self._departed(one)), None)
            if departed is not None:
                self._forget(departed)
        return bool(self._free) or len(self._known) < _TALLY_COUNT - 1

    def _forget(self, label: bytes) -> None:
        at = self._known.pop(label)
        self.words[_TALLIES + at * _TALLY_WORDS + _NAME_WORDS] = 0
        self._write(at, _FREE)
        self._free.append(at)

    def _entry(self, label: bytes) -> int:
        at = self._known.get(label)
        if at is None:
            at = self._known[label] = self._free.pop() if self._free else len(self._known)
            self._write(at, label)
        return at

    def _write(self, at: int, label: bytes) -> None:
        start = (_TALLIES + at * _TALLY_WORDS) * 8
        self._map[start : start + _NAME_WORDS * 8] = label.ljust(_NAME_WORDS * 8, b"\0")

    def beat(self) -> None:
        """Say that the worker is alive."""
        self.words[_AT["beat_ns"]] = time.monotonic_ns()

    def close(self) -> None:
        """Let go of the file; what was counted stays in it."""
        self.words.release()
        self._map.close()


def word_of(name: str, /) -> int:
    """Place of a named counter in :attr:`Counters.words`, for code that counts every request."""
    return _AT[name]


def first_bucket(kind: str, /) -> int:
    """Place of the first bucket of a kind of latency in :attr:`Counters.words`."""
    return _HISTOGRAMS + LATENCIES.index(kind) * BUCKETS


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Counters as they stood when they were read.

    Parameters
    ----------
    tallies
        What came up under names, such as ``"strikes demand@3"``.
    """

    totals: Mapping[str, int]
    gauges: Mapping[str, int]
    latencies: Mapping[str, Histogram]
    tallies: Mapping[str, int]

    @classmethod
    def read(cls, path: Path, /) -> Counted | None:
        """What a file says; ``None`` where it is not there or not one of ours."""
        try:
            raw = path.read_bytes()
        except OSError:
            return None
        if len(raw) != _WORDS * 8:
            return None
        words = np.frombuffer(raw, dtype=np.int64)
        starts = {kind: first_bucket(kind) for kind in LATENCIES}
        return cls(
            totals={name: int(words[_AT[name]]) for name in TOTALS},
            gauges={name: int(words[_AT[name]]) for name in GAUGES},
            latencies={kind: Histogram(counts=words[at : at + BUCKETS]) for kind, at in starts.items()},
            tallies={label.decode("utf-8", "replace"): count for _, label, count in _entries(raw) if label != _FREE},
        )

    def alive(self, *, within_s: float = 5.0) -> bool:
        """Whether the worker said so within some seconds."""
        return 0 <= time.monotonic_ns() - self.gauges["beat_ns"] < within_s * 1e9 and self.gauges["beat_ns"] > 0


def read_all(folder: Path, /) -> dict[str, Counted]:
    """Every slot's counters, by the name of its file."""
    found = ((path.name, Counted.read(path)) for path in sorted(folder.glob(PATTERN)))
    return {name: counted for name, counted in found if counted is not None}


def together(slots: Iterable[Counted], /) -> Counted:
    """All slots added; gauges of those alone that are alive."""
    told = list(slots)
    alive = [one for one in told if one.alive()]
    names = sorted({name for one in told for name in one.tallies})
    return Counted(
        totals={name: sum(one.totals[name] for one in told) for name in TOTALS},
        gauges={name: sum(one.gauges[name] for one in alive) for name in GAUGES},
        latencies={kind: sum((one.latencies[kind] for one in told), Histogram.empty()) for kind in LATENCIES},
        tallies={name: sum(one.tallies.get(name, 0) for one in told) for name in names},
    )


def strikes(folder: Path, /) -> dict[str, int]:
    """Strikes against each version that workers counted: ``{"demand@3": 2}``."""
    return strikes_of(together(read_all(folder).values()))


def strikes_of(told: Counted, /, *, kind: str = "strikes") -> dict[str, int]:
    """Strikes against each version among what was counted.

    Parameters
    ----------
    kind
        ``"odd"`` for those alone that came of features which callers gave.
    """
    start = f"{kind} "
    return {name.removeprefix(start): count for name, count in told.tallies.items() if name.startswith(start)}


def _label(name: str) -> bytes:
    return name.encode()[: _NAME_WORDS * 8]


def _entries(raw: bytes) -> Iterable[tuple[int, bytes, int]]:
    for at in range(_TALLY_COUNT):
        start = (_TALLIES + at * _TALLY_WORDS) * 8
        label = raw[start : start + _NAME_WORDS * 8].rstrip(b"\0")
        if not label:
            return
        count = int.from_bytes(raw[start + _NAME_WORDS * 8 : start + _TALLY_WORDS * 8], "little", signed=True)
        yield at, label, count
