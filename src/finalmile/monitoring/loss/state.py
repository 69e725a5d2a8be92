"""What the loss check is given, and what it remembers between looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.frames import BoolArray, Frequency, IntArray, NameArray
from finalmile.metrics.scored import Floats
from finalmile.monitoring import packing
from finalmile.monitoring.engine import Watch
from finalmile.monitoring.engine.bounds import bounded
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.engine.dispersion import Dispersion
from finalmile.monitoring.engine.spread import Spread
from finalmile.monitoring.loss.streams import Scale

_LAYOUT = 4
_MEANS, _RANKS, _COUNTS = 0.1, 0.1, 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class LossReference:
    """How a version did before it went live: one-step forecasts that had not seen what they forecast.

    Parameters
    ----------
    ids : array of shape (n,)
    frequency, first
        Period length, and period number of column 0.
    actual, forecast : array of shape (n, T)
        Units; NaN where a period may not be judged. Beyond 1e60 they count as that.
    calendar : array of shape (T, k)
        Regressors that explain good and bad days, for example holidays; the looks must then bring the same.
    """

    ids: NameArray
    frequency: Frequency
    first: int
    actual: Floats
    forecast: Floats
    calendar: Doubles | None = None

    def __post_init__(self) -> None:
        _bound(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LossLook:
    """One period that has become known.

    Parameters
    ----------
    period
        Period number.
    ids : array of shape (n,)
        Products of this look; new ones and missing ones are fine.
    actual, forecast : array of shape (n,)
        Units; NaN where the product may not be judged (out of stock) or nothing is known. Beyond 1e60 as that.
    value_per_unit : array of shape (n,)
        What one unit of forecast error costs, in the project's currency; prices the findings.
    calendar : array of shape (k,)
        As in the reference.
    """

    period: int
    ids: NameArray
    actual: Floats
    forecast: Floats
    value_per_unit: Floats | None = None
    calendar: Doubles | None = None

    def __post_init__(self) -> None:
        _bound(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Products met after the reference, until they have looks enough of their own.

    Parameters
    ----------
    ids : array of shape (w,)
    sold, forecast : array of shape (w, J)
        Looks so far in units, oldest first; NaN where not yet filled.
    looks : array of shape (w,)
    """

    ids: NameArray
    sold: Doubles
    forecast: Doubles
    looks: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LossState:
    """Everything the loss check remembers; :meth:`to_bytes` keeps it.

    Parameters
    ----------
    last
        Period number of the newest look.
    fleet
        Streams: log WAPE, log of forecast over sold. Channels: loss up, forecast high, forecast low.
    fleet_alarm : array of shape (2,)
        Period since which loss and bias are in alarm; -1 where they are not.
    bias_channel
        Channel of ``fleet`` that the last alarm of the bias came from: 1 for high forecasts, 2 for low ones.
    days : array of shape (d, 5)
        The last looks: period, sum of |error|, sold, forecast, money of the errors (NaN without prices).
    ids : array of shape (n,)
    products
        Streams 2i and 2i + 1 and channels 3i to 3i + 2 belong to product i: |error| up, forecast high, forecast low.
    spread
        Stream i is how far product i sold from its forecast, over what such forecasts usually miss by; not learned
        of products with few looks, and of slow ones.
    counts
        Product i's sales around what was expected of them; learned of the same products.
    mae : array of shape (n,)
        Reference mean of |error| in units.
    bias : array of shape (n,)
        Reference mean of the signed error over ``mae``.
    base, level : array of shape (n,)
        Mean sales of the reference, and where sales are now, in units per period.
    seen, listed : array of shape (n,)
        Period of the last look with data; period since which a product is listed, -1 where it is not.
    waiting
        Products that are not yet watched.
    """

    frequency: Frequency
    last: int
    scale: Scale
    fleet: Watch
    fleet_alarm: IntArray
    bias_channel: int
    days: Doubles
    ids: NameArray
    products: Watch
    spread: Spread
    counts: Dispersion
    mae: Doubles
    bias: Doubles
    base: Doubles
    level: Doubles
    seen: IntArray
    listed: IntArray
    waiting: Waiting

    def to_bytes(self) -> bytes:
        """Everything, as a versioned ``npz`` without pickle."""
        return packing.to_bytes(self, version=_LAYOUT)

    @classmethod
    def from_bytes(cls, blob: bytes) -> LossState:
        """The inverse of :meth:`to_bytes`; ``CorruptError`` for anything else."""
        return packing.from_bytes(cls, blob, version=_LAYOUT)

    @property
    def widening(self) -> Doubles:
        """Factor on each product's normal |error| at its present level of sales, shape (n,)."""
        return self.scale.curve.widening(self.level, self.base)

    @property
    def evidence(self) -> Doubles:
        """Log evidence of each product, shape (n,): a mixture whose weights are 1 on average over the products.

        A tenth is on |error| and signed error of all products. A tenth on ranks of misses and eight tenths on counts
        are shared out among those of which they were learned, for of the others they can prove nothing; where the
        reference was too short for counts, ranks have nine tenths.
        """
        means, ranks, counts = self._weights
        with np.errstate(divide="ignore"):
            scatter = np.logaddexp(self.spread.log_evidence + np.log(ranks), self.counts.log_evidence + np.log(counts))
        mixed: Doubles = np.logaddexp(self.products.evidence(self.channels) + np.log(means), scatter)
        return mixed

    @property
    def own_evidence(self) -> Doubles:
        """Log evidence of each product by itself, shape (n,): none has weights of more than 1.

        In :attr:`evidence` a product whose scatter is watched has weights above 1, which others lend that have less;
        alone it would reach a threshold as many times as soon by mistake.
        """
        own: Doubles = self.evidence - np.log(np.maximum(sum(self._weights), 1.0))
        return own

    @property
    def _weights(self) -> tuple[Doubles, Doubles, Doubles]:
        """What counts of |error| and signed error, of ranks and of counts, each of shape (n,); 0 where not learned."""
        ranked, counted = self.spread.learned, self.counts.learned
        ranks = (_RANKS if counted.any() else _RANKS + _COUNTS) / (_share(ranked) or 1.0)
        counts = _COUNTS / (_share(counted) or 1.0)
        return np.full(len(self.ids), _MEANS), np.where(ranked, ranks, 0.0), np.where(counted, counts, 0.0)

    @property
    def channels(self) -> IntArray:
        """Channel numbers of each product, shape (n, 3)."""
        return np.arange(3 * len(self.ids), dtype=np.int64).reshape(-1, 3)


def _bound(told: LossReference | LossLook) -> None:
    object.__setattr__(told, "actual", bounded(told.actual))
    object.__setattr__(told, "forecast", bounded(told.forecast))


def _share(learned: BoolArray) -> float:
    return float(learned.mean()) if len(learned) else 0.0
