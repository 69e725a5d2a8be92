"""Errors of groups of products - a category, a store - held against what all groups share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from finalmile.frames import BoolArray, IntArray, NameArray
from finalmile.metrics.scored import Floats
from finalmile.monitoring import packing
from finalmile.monitoring.engine.alarmed import Alarmed
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.loss.members import rows_of

_LAYOUT = 4
_SMOOTHING = 0.05
_SHARED_FROM = 3
_ROWS_EACH = 3
_LEAST_VARIANCE = 1e-4
_MOST_WEIGHT = 1.0 / 3.0
_LEAST_MEAN = 1e-3

Groups = Mapping[str, NameArray]
"""Attribute of the items, ``"category"``, to its value for every row; ``None`` and ``""`` are no group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupState:
    """Everything the check of groups remembers; stream 2i is the loss of group i, stream 2i + 1 its bias.

    Parameters
    ----------
    attribute, name : array of shape (g,)
        What a group is: ``category`` and ``drinks``.
    size : array of shape (g,)
        Products of the group in the reference.
    wape, units : array of shape (g,)
        Normal loss, and units added to both sides of a group's ratios.
    usual, weight : arrays of shape (2g,)
        Mean of each raw stream over the reference, and how much it counts in what the groups share.
    streams
        Evidence.
    ids : array of shape (n,)
    counts : array of shape (n,)
        Products of the reference, and how much a unit of each counts in the streams; see :func:`counts_of`.
    recent : array of shape (g, 5)
        Exponentially weighted means: |error|, sold, forecast, money of |error|, money of forecast minus sold.
    """

    attribute: NameArray
    name: NameArray
    size: IntArray
    wape: Doubles
    units: Doubles
    usual: Doubles
    weight: Doubles
    streams: Alarmed
    ids: NameArray
    counts: Doubles
    recent: Doubles

    def to_bytes(self) -> bytes:
        """Everything, as a versioned ``npz`` without pickle."""
        return packing.to_bytes(self, version=_LAYOUT)

    @classmethod
    def from_bytes(cls, blob: bytes) -> GroupState:
        """The inverse of :meth:`to_bytes`; ``CorruptError`` for anything else."""
        return packing.from_bytes(cls, blob, version=_LAYOUT)


def groupable(attributes: Groups, *, least: int = 2, most: int = 200) -> list[str]:
    """Attributes with so many values that groups by them mean something, in the order given.

    At least three rows per value on average: an attribute that tells nearly every product apart makes no groups.

    Examples
    --------
    >>> six = {"category": np.array(list("aabbbb")), "sku": np.array(list("123456")), "shop": np.array(["x"] * 6)}
    >>> groupable(six)
    ['category']
    """
    usable = [(name, len(_named(values)), len(values)) for name, values in attributes.items()]
    return [name for name, count, rows in usable if least <= count <= min(most, rows // _ROWS_EACH)]


def groups_of(attributes: Groups, *, chosen: list[str]) -> tuple[NameArray, NameArray]:
    """Attribute and name of every group, shape (g,) each."""
    pairs = [(attribute, name) for attribute in chosen for name in _named(attributes[attribute])]
    return np.array([one for one, _ in pairs], dtype=object), np.array([name for _, name in pairs], dtype=object)


def members(attributes: Groups, attribute: NameArray, name: NameArray, *, n: int) -> BoolArray:
    """Which of ``n`` rows belong to each group, shape (g, n); an attribute that is gone has no members."""
    inside = np.zeros((len(name), n), dtype=np.bool_)
    for key in dict.fromkeys(attribute.tolist()):
        if key in attributes:
            values = np.array(["" if one is None else str(one) for one in attributes[key].tolist()])
            for g in np.flatnonzero(attribute == key):
                inside[g] = values == str(name[g])
    return inside


def group_sums(
    inside: BoolArray | Doubles, actual: Floats, forecast: Floats
) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """|error|, sold, forecast and products judged of each group, shape (g, T), from arrays of shape (n, T).

    ``inside`` of shape (g, n) says who belongs to it, or how much each counts.
    """
    known = np.isfinite(actual) & np.isfinite(forecast)
    a, f = np.where(known, actual, 0.0), np.where(known, forecast, 0.0)
    of = inside.astype(np.float64)
    return of @ np.abs(f - a), of @ a, of @ f, of @ known.astype(np.float64)


def counts_of(actual: Floats, forecast: Floats) -> Doubles:
    r"""How much a unit of each product counts in its groups, shape (n,), in (0, 1], from arrays of shape (n, T).

    .. math:: w_i = \bar f_i / \max(\overline{(f_i - y_i)^2}, \bar f_i)

    One over the variance-to-mean ratio: what makes a shift that all products of a group share stand out most. Sales as
    even as Poisson counts are summed as they are; a best seller whose sales leap about drowns no other. A product that
    is hardly ever forecast counts fully.

    Examples
    --------
    >>> counts_of(np.array([[3.0, 5.0], [0.0, 40.0]]), np.array([[4.0, 4.0], [20.0, 20.0]])).round(2)
    array([1.  , 0.05])
    """
    known = np.isfinite(actual) & np.isfinite(forecast)
    a, f = np.where(known, actual, 0.0).astype(np.float64), np.where(known, forecast, 0.0).astype(np.float64)
    looks = np.maximum(known.sum(axis=1), 1)
    mean, square = np.maximum(f.sum(axis=1), 0.0) / looks, ((f - a) ** 2).sum(axis=1) / looks
    return np.asarray((mean + _LEAST_MEAN) / (np.maximum(square, mean) + _LEAST_MEAN), dtype=np.float64)


def counts_for(state: GroupState, ids: NameArray) -> Doubles:
    """:func:`counts_of` products in any order, shape (n,); one that is new counts as the median does."""
    if not len(state.counts):
        return np.ones(len(ids))
    return np.append(state.counts, np.median(state.counts))[rows_of(state.ids, ids)]


def normal_of(error: Doubles, sold: Doubles, n: Doubles) -> tuple[Doubles, Doubles]:
    """Normal WAPE and smoothing units of each group, shape (g,) each."""
    looks = np.maximum((n > 0).sum(axis=1), 1)
    total = np.maximum(sold.sum(axis=1), 0.0)
    units = np.maximum(_SMOOTHING * total / looks, 1e-9)
    return np.maximum(error.sum(axis=1) / np.maximum(total, units), 1e-6), units


def raw_streams(
    error: Doubles, sold: Doubles, forecast: Doubles, n: Doubles, *, wape: Doubles, units: Doubles
) -> Doubles:
    """Log WAPE and log of forecast over sold of each group in turn, shape (2g, T); NaN where nothing can be judged."""
    more = units[:, None]
    below = np.maximum(sold, 0.0) + more
    loss = np.log((error + wape[:, None] * more) / below)
    level = np.log((np.maximum(forecast, 0.0) + more) / below)
    both: Doubles = np.stack([loss, level], axis=1).reshape(2 * len(wape), -1)
    return np.where(np.repeat(n > 0, 2, axis=0), both, np.nan)


def weights_of(raw: Doubles) -> Doubles:
    """How much each stream counts in what groups share: one over its variance, shape (2g,); 0 where nothing is known.

    Examples
    --------
    >>> weights_of(np.array([[0.0, 2.0], [0.0, 4.0]]))
    array([1.  , 0.25])
    """
    known = np.isfinite(raw)
    n = known.sum(axis=1)
    filled = np.where(known, raw, 0.0)
    mean = filled.sum(axis=1) / np.maximum(n, 1)
    variance = np.where(known, (filled - mean[:, None]) ** 2, 0.0).sum(axis=1) / np.maximum(n, 1)
    weight: Doubles = np.where(n > 1, 1.0 / np.maximum(variance, _LEAST_VARIANCE), 0.0)
    return weight


def without_shared(raw: Doubles, attribute: NameArray, *, usual: Doubles, weight: Doubles) -> Doubles:
    """Streams of shape (2g, T) less the weighted median shift of the groups of an attribute, from three groups on.

    No group counts for more than a third, so that what one of them does alone is never what all share.
    """
    left = raw.copy()
    for key in dict.fromkeys(attribute.tolist()):
        for kind in (0, 1):
            rows = 2 * np.flatnonzero(attribute == key) + kind
            moved = raw[rows] - usual[rows, None]
            if len(rows) >= _SHARED_FROM:
                left[rows] -= _medians(moved, weight[rows])
    return left


def _medians(values: Doubles, weight: Doubles) -> Doubles:
    """Weighted median of each column without its NaN, mean of both neighbours at a tie; 0 for a column without any."""
    known = np.isfinite(values)
    share = np.where(known, np.maximum(weight, 1e-12)[:, None], 0.0)
    for _ in range(3):
        share = share / np.maximum(share.sum(axis=0), 1e-300)
        share = np.minimum(share, _MOST_WEIGHT)
    order = np.argsort(np.where(known, values, np.inf), axis=0, kind="stable")
    ordered = np.take_along_axis(np.where(known, values, 0.0), order, axis=0)
    total = np.cumsum(np.take_along_axis(share, order, axis=0), axis=0)
    half = 0.5 * total[-1]
    last = len(values) - 1
    low = np.minimum((total < half - 1e-9).sum(axis=0), last)
    high = np.minimum((total <= half + 1e-9).sum(axis=0), np.maximum(known.sum(axis=0) - 1, 0))
    column: IntArray = np.arange(values.shape[1], dtype=np.int64)
    middle: Doubles = 0.5 * (ordered[low, column] + ordered[high, column])
    return np.where(known.any(axis=0), middle, 0.0)


def _named(values: NameArray) -> list[str]:
    return sorted({str(one) for one in values.tolist() if one is not None and str(one)})
