"""How often quantiles held: what the coverage check is given, and what it remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from finalmile.frames import Frequency, IntArray, NameArray
from finalmile.metrics.scored import Floats
from finalmile.metrics.volume import VolumeClasses
from finalmile.monitoring import packing
from finalmile.monitoring.engine.alarmed import Alarmed
from finalmile.monitoring.engine.bounds import bounded
from finalmile.monitoring.engine.design import Doubles

_LAYOUT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageReference:
    """Counts of quantiles that held before a version went live: ``s`` kinds of quantile, look by look.

    Parameters
    ----------
    frequency, first
        Period length, and period number of column 0.
    kinds : array of shape (s,)
        What each row counts, in words: ``"q0.9 of slow movers"``, ``"lead-time window q0.98 of fast movers"``.
    certified : array of shape (s,)
        Share, in (0, 1), that should be at or below the quantile.
    held, n : array of shape (s, T)
        Outcomes at or below the quantile, and outcomes judged; censored ones are in neither.
    pinball : array of shape (s, T)
        Sum of pinball losses of the same outcomes, in units.
    calendar : array of shape (T, k)
        Regressors that explain good and bad days.
    """

    frequency: Frequency
    first: int
    kinds: NameArray
    certified: Doubles
    held: Doubles
    n: Doubles
    pinball: Doubles
    calendar: Doubles | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageLook:
    """The counts of one period, shape (s,) each, for the kinds named; kinds may be missing or new."""

    period: int
    kinds: NameArray
    held: Doubles
    n: Doubles
    pinball: Doubles
    calendar: Doubles | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageState:
    """Everything the coverage check remembers; stream i is the share of kind i, stream s + i its log pinball loss.

    Parameters
    ----------
    share, pinball
        Evidence: shares are held against what was certified, pinball losses against the reference.
    kinds, certified : array of shape (s,)
    usual : array of shape (s,)
        Normal pinball loss per outcome.
    held, n : array of shape (s,)
        Outcomes since the present stretch of evidence began.
    """

    share: Alarmed
    pinball: Alarmed
    kinds: NameArray
    certified: Doubles
    usual: Doubles
    held: Doubles
    n: Doubles

    def to_bytes(self) -> bytes:
        """Everything, as a versioned ``npz`` without pickle."""
        return packing.to_bytes(self, version=_LAYOUT)

    @classmethod
    def from_bytes(cls, blob: bytes) -> CoverageState:
        """The inverse of :meth:`to_bytes`; ``CorruptError`` for anything else."""
        return packing.from_bytes(cls, blob, version=_LAYOUT)


def counts(
    actual: Floats, quantiles: Mapping[float, Floats], *, volume: IntArray, classes: VolumeClasses, what: str = ""
) -> tuple[NameArray, Doubles, Doubles, Doubles, Doubles]:
    """Kinds, certified shares, and how often each quantile held, of how many, with the pinball loss; by volume class.

    Parameters
    ----------
    actual : array of shape (n,)
        Units; NaN where nothing is known or the outcome is censored.
    quantiles
        Level to values of shape (n,).
    volume : array of shape (n,)
        Class of each series, from :meth:`VolumeClasses.of` on its mean demand before the cutoff.
    what
        Put before the kind: ``"lead-time window "``.

    Examples
    --------
    >>> one = VolumeClasses(())
    >>> kinds, certified, held, n, loss = counts(
    ...     np.array([1.0, 3.0, np.nan]), {0.5: np.array([2.0, 2.0, 2.0])}, volume=np.zeros(3, dtype=int), classes=one)
    >>> kinds.tolist(), certified.tolist(), held.tolist(), n.tolist(), loss.tolist()
    (['q0.5'], [0.5], [1.0], [2.0], [1.0])
    """
    rows: list[tuple[str, float, float, float, float]] = []
    actual = bounded(actual)
    for level, values in ((level, bounded(told)) for level, told in quantiles.items()):
        known = np.isfinite(actual) & np.isfinite(values)
        for number in range(classes.count):
            mine = known & (volume == number)
            off = actual[mine] - values[mine]
            loss = float(np.maximum(level * off, (level - 1) * off).sum())
            name = f"{what}q{level:g}{_class_name(number, classes.count)}"
            rows.append((name, level, float((off <= 0).sum()), float(mine.sum()), loss))
    columns = [np.array([row[k] for row in rows], dtype=np.float64) for k in range(1, 5)]
    return np.array([row[0] for row in rows], dtype=object), columns[0], columns[1], columns[2], columns[3]


def _class_name(number: int, count: int) -> str:
    if count == 1:
        return ""
    return f" of volume class {number + 1} of {count}"


def shares(held: Doubles, n: Doubles) -> Doubles:
    """Share that held, NaN where nothing was judged.

    Examples
    --------
    >>> shares(np.array([9.0, 0.0]), np.array([10.0, 0.0]))
    array([0.9, nan])
    """
    share: Doubles = np.where(n > 0, held / np.maximum(n, 1.0), np.nan)
    return share
