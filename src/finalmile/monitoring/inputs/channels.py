"""Which changes of which scalars are looked for, and how much each is trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from finalmile.frames import IntArray
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.inputs.columns import Column, offsets

PLAIN, WEEKDAY, LATE, EARLY = 0, 1, 2, 3
"""Kinds of bet: on a lasting change; on a change of the weekly pattern; on data a period late, or early."""


class Channel(NamedTuple):
    """One thing to look for in a scalar: a rise (sign 1) or a fall (-1) beyond a harmless ``effect`` in its unit."""

    scalar: str
    sign: int
    weight: float
    effect: float
    kind: int = PLAIN


_BOTH = (1, -1)
_NUMERIC = (
    *(Channel(scalar, sign, 0.085, 0.1) for scalar in ("level", "spread", "skew") for sign in _BOTH),
    *(Channel(scalar, 1, 0.06, 0.01) for scalar in ("tail_hi", "tail_lo")),
    Channel("far", 1, 0.05, 0.003),
    Channel("tiny", 1, 0.04, 0.005),
    *(Channel("zero", sign, 0.02, 0.01) for sign in _BOTH),
    *(Channel("null", sign, 0.015, 0.01) for sign in _BOTH),
    *(Channel("distinct", sign, 0.015, 0.1) for sign in _BOTH),
    *(Channel(scalar, 1, 0.015, 0.01) for scalar in ("top", "mode")),
    *(Channel("whole", sign, 0.015, 0.01) for sign in _BOTH),
    Channel("level", 1, 0.08, 0.1, WEEKDAY),
    *(Channel("level", 1, 0.02, 0.0, kind) for kind in (LATE, EARLY)),
)
_ROWS = tuple(Channel("rows", sign, 0.5, 0.1) for sign in _BOTH)
_SHARES = 0.70
_FLOORS = {"rows": 0.03, "distinct": 0.03, "level": 0.025, "spread": 0.025, "skew": 0.025, "mean": 1e-12}
_LEAST_SD = 0.0025
_ROWS_WEIGHT = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Streams and channels of a table: first the number of rows, then column after column.

    Parameters
    ----------
    first : array of shape (1 + columns,)
        First channel of each group; group 0 is the number of rows.
    group : array of shape (c,)
        Group of each channel.
    source : array of shape (c,)
        Stream of each channel.
    sign, effect : arrays of shape (c,)
    log_weight : array of shape (c,)
        Logarithm of the channel's share of the whole table; all shares sum to 1.
    kind : array of shape (c,)
    least_sd : array of shape (s,)
        Smallest standard deviation of each stream.
    """

    first: IntArray
    group: IntArray
    source: IntArray
    sign: Doubles
    effect: Doubles
    log_weight: Doubles
    kind: IntArray
    least_sd: Doubles

    @classmethod
    def of(cls, columns: Sequence[Column]) -> Layout:
        """Of these columns, which share alike what the number of rows leaves."""
        share = (1.0 - _ROWS_WEIGHT) / max(len(columns), 1)
        table: list[tuple[int, int, Channel, float]] = [(0, 0, one, _ROWS_WEIGHT * one.weight) for one in _ROWS]
        names = ["rows"]
        for number, (column, start) in enumerate(zip(columns, offsets(columns), strict=True), start=1):
            scalars = list(column.scalars)
            names += scalars
            table += [(number, start + scalars.index(one.scalar), one, share * one.weight) for one in _channels(column)]
        group = np.array([row[0] for row in table], dtype=np.int64)
        return cls(
            first=np.searchsorted(group, np.arange(len(columns) + 1)).astype(np.int64),
            group=group,
            source=np.array([row[1] for row in table], dtype=np.int64),
            sign=np.array([float(row[2].sign) for row in table]),
            effect=np.array([row[2].effect for row in table]),
            log_weight=np.log(np.array([row[3] for row in table])),
            kind=np.array([row[2].kind for row in table], dtype=np.int64),
            least_sd=np.array([_FLOORS.get(name, _LEAST_SD) for name in names]),
        )


def _channels(column: Column) -> Iterator[Channel]:
    if column.numeric:
        yield from _NUMERIC
        return
    top = column.scalars[:-4]
    for name in top:
        for sign in _BOTH:
            yield Channel(name, sign, _SHARES / (2 * len(top)), 0.01)
    left = 1.0 - (_SHARES if top else 0.0)
    yield Channel("unseen", 1, left / 3, 0.005)
    for name, effect in (("other", 0.01), ("null", 0.01), ("distinct", 0.1)):
        for sign in _BOTH:
            yield Channel(name, sign, left / 9, effect)
