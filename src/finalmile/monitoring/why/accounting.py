"""An exact account of a change of loss: mix, bias and noise, group by group, that adds up to the change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from finalmile.frames import IntArray
from finalmile.monitoring.why.dimensions import Codes, Dimension, Doubles
from finalmile.monitoring.why.rows import LossRows

PARTS = ("mix", "bias", "noise")
_DENSE = 8_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounting:
    r"""Where a change of the loss rate (WAPE) comes from.

    With share :math:`s_g` of the exposure and rate :math:`r_g` of leaf :math:`g`, and bars for the mean of the two
    windows, :math:`\Delta W = \sum_g \Delta s_g (\bar r_g - \bar W) + \sum_g \bar s_g \Delta r_g`. The first sum is
    the *mix*: exposure moved to leaves that are harder than the rest. The second is the *rate*: the same leaf got
    worse. Leaves are added up to groups, and a group's rate is split into what its own signed error explains (*bias*:
    the absolute value of its sum) and what is left (*noise*). Signed errors are summed over the group and not over
    the leaf, because the sum over few rows is mostly noise, and the more so in the shorter window.

    Parameters
    ----------
    before, after
        Loss over exposure of the whole in the reference and in the current window; ``None`` where nothing was sold,
        and then every effect is 0.
    effects : array of shape (g, 3)
        Mix, bias and noise of each group, in units of the rate. They add up to ``after - before`` to rounding.
    """

    before: float | None
    after: float | None
    effects: Doubles

    @property
    def change(self) -> float | None:
        """``after - before``."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def totals(self) -> dict[str, float]:
        """Mix, bias and noise of the whole."""
        return dict(zip(PARTS, self.effects.sum(axis=0).tolist(), strict=True))


def account(rows: LossRows, /, *, leaf: IntArray | None = None, group: IntArray | Codes | None = None) -> Accounting:
    """The account of what changed between the two windows of some rows.

    Parameters
    ----------
    leaf : array of shape (n,), int64
        Leaf of each row, at which mix is told from rate: the series by default, every combination of the dimensions
        where series are not known.
    group : array of shape (n,), int
        Group of each row; leaves never cross groups. Everything is one group by default.

    Examples
    --------
    Shop a sold 10 units with 1 too many forecast, then 10 with 3; shop b 10 with 4, then 30 with 12:

    >>> rows = LossRows(current=np.array([False, True, False, True]), loss=np.array([1.0, 3.0, 4.0, 12.0]),
    ...                 exposure=np.array([10.0, 10.0, 10.0, 30.0]), error=np.array([1.0, 3.0, 4.0, 12.0]))
    >>> told = account(rows, group=np.array([0, 0, 1, 1]))
    >>> told.before, told.after
    (0.25, 0.375)
    >>> {name: round(part, 4) for name, part in told.totals.items()}
    {'mix': 0.05, 'bias': 0.075, 'noise': 0.0}
    """
    groups = np.zeros(rows.n, dtype=np.int64) if group is None else group.astype(np.int64)
    size = int(groups.max()) + 1 if rows.n else 1
    fine = leaves(rows) if leaf is None else leaf
    where, count = _dense(fine * size + groups, (int(fine.max()) + 1 if rows.n else 1) * size)
    exposure, loss = (_per_leaf(values, where, rows.current, count) for values in (rows.exposure, rows.loss))
    total = exposure.sum(axis=1)
    if not (total > 0).all():
        rates = [float(loss[i].sum() / total[i]) if total[i] > 0 else None for i in (0, 1)]
        return Accounting(before=rates[0], after=rates[1], effects=np.zeros((size, 3)))
    share, cost = exposure / total[:, None], loss / total[:, None]
    carried = _carried(share, cost)
    whole, owner = cost.sum(axis=1), np.zeros(count, dtype=np.int64)
    owner[where] = groups
    mix = np.bincount(owner, weights=carried - (share[1] - share[0]) * whole.mean(), minlength=size)
    rate = np.bincount(owner, weights=cost[1] - cost[0] - carried, minlength=size)
    bias = _bias(rows, groups, size)
    return Accounting(
        before=float(whole[0]),
        after=float(whole[1]),
        effects=np.stack([mix, bias, rate - bias], axis=1).astype(np.float64),
    )


def by(rows: LossRows, dimension: Dimension, /) -> pl.DataFrame:
    """One row per value of a dimension: its mix, bias and noise, their sum, and its share of the whole change.

    Largest first; shares add up to 1, and are null where nothing changed.

    Examples
    --------
    >>> from finalmile.monitoring.why.dimensions import category
    >>> rows = LossRows(current=np.array([False, True, False, True]), loss=np.array([1.0, 3.0, 4.0, 4.0]),
    ...                 exposure=np.array([10.0, 10.0, 10.0, 10.0]))
    >>> by(rows, category("shop", ["a", "a", "b", "b"]))["change"].round(4).to_list()
    [0.1, 0.0]
    """
    told = account(rows, group=dimension.codes)
    size = len(dimension.labels)
    effects = np.zeros((size, 3))
    effects[: len(told.effects)] = told.effects[:size]
    change = effects.sum(axis=1)
    share = change / told.change if told.change else np.full(size, np.nan)
    return pl.DataFrame(
        {
            dimension.name: list(dimension.labels),
            **{name: effects[:, i] for i, name in enumerate(PARTS)},
            "change": change,
            "share": pl.Series(share).fill_nan(None),
        }
    ).sort("change", descending=True)


def leaves(rows: LossRows) -> IntArray:
    """Number of each row's leaf: its series, or its combination of dimensions where series are not known."""
    if rows.series is not None:
        return rows.series.astype(np.int64)
    return combined([(one.codes, len(one.labels)) for one in rows.dimensions], rows.n)


def combined(columns: list[tuple[Codes, int]], n: int) -> IntArray:
    """Dense numbers of combinations of codes, each column with how many codes it has; shape (n,)."""
    told: IntArray = np.zeros(n, dtype=np.int64)
    size = 1
    for codes, count in columns:
        told, size = told * count + codes, size * count
        if size > _DENSE:
            told, size = _dense(told, size)
    return _dense(told, size)[0]


def _dense(numbers: IntArray, size: int) -> tuple[IntArray, int]:
    """The same numbers, those that do not occur left out, and how many are left."""
    if size > _DENSE:
        found, place = np.unique(numbers, return_inverse=True)
        return place.astype(np.int64), len(found)
    seen = np.zeros(size, dtype=np.bool_)
    seen[numbers] = True
    order = np.cumsum(seen, dtype=np.int64) - 1
    return order[numbers], int(seen.sum())


def _per_leaf(values: Doubles, leaf: IntArray, current: npt.NDArray[np.bool_], size: int) -> Doubles:
    """Sums of both windows, shape (2, size)."""
    told: Doubles = np.bincount(leaf + size * current, weights=values.astype(np.float64), minlength=2 * size).astype(
        float
    )
    return told.reshape(2, size)


def _carried(share: Doubles, cost: Doubles) -> Doubles:
    """Change of share times the leaf's mean rate; that of the one window where it sold only in one, 0 in none."""
    sold = share > 0
    rate = np.divide(cost, share, out=np.zeros_like(cost), where=sold)
    told: Doubles = (share[1] - share[0]) * rate.sum(axis=0) / np.maximum(sold.sum(axis=0), 1)
    return told


def _bias(rows: LossRows, groups: IntArray, size: int) -> Doubles:
    """Part of each group's rate effect that its own signed error explains."""
    if rows.error is None:
        return np.zeros(size)
    exposure, signed = (_per_leaf(values, groups, rows.current, size) for values in (rows.exposure, rows.error))
    total = exposure.sum(axis=1)[:, None]
    share, lean = exposure / total, np.abs(signed) / total
    told: Doubles = lean[1] - lean[0] - _carried(share, lean)
    return told
