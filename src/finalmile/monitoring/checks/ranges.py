"""The range check: values that cannot be, or that were declared or never known to occur."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
import polars as pl

from finalmile.frames import BoolArray, FloatArray
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.inputs.columns import numbers
from finalmile.monitoring.inputs.reference import NumericReference, Reference
from finalmile.monitoring.registry import checks
from finalmile.records import Finding

_ENOUGH_ROWS = 1_000


@checks.add("ranges")
@dataclass(frozen=True, slots=True, kw_only=True)
class RangeCheck:
    """Counts values that are infinite, outside a declared range, negative where none ever was, or far outside.

    Infinite values and those outside a declared range breach where more than ``share`` of the rows have them, negative
    ones in a column whose reference of at least 1,000 rows has none likewise. What merely lies beyond the reference is
    told with the share of rows, and breaches above ``share_beyond``: new highs happen.

    Parameters
    ----------
    declared
        Lowest and highest possible value by column; infinite for no limit.
    share
        Share of rows, in [0, 1], that may be impossible.
    share_beyond
        Share of rows that may lie beyond the reference by more than ``margin`` times its width.
    margin
        How far beyond, in widths of the reference range.
    """

    declared: Mapping[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    share: float = 0.0
    share_beyond: float = 0.01
    margin: float = 0.5

    def __post_init__(self) -> None:
        if not (0 <= self.share < 1 and 0 <= self.share_beyond < 1 and self.margin >= 0):
            raise ValueError("share and share_beyond must be in [0, 1), and margin at least 0")
        for name, (low, high) in self.declared.items():
            if not low <= high:
                raise ValueError(f"the declared range of {name} is {low} to {high}; the first must be the lower one")

    def compare(
        self,
        references: Mapping[str, Reference],
        columns: Mapping[str, FloatArray | pl.Series],
        /,
        *,
        noun: str = "input",
        at: date | datetime,
    ) -> list[Finding]:
        """One finding for each numeric column of the references or the declared ranges.

        Examples
        --------
        >>> known = {"sold": NumericReference.of(np.arange(1000.0))}
        >>> [told] = RangeCheck().compare(known, {"sold": np.array([3.0, -2.0, 8.0, 1.0])}, at=date(2024, 3, 1))
        >>> told.value, told.breached
        (0.25, True)
        >>> told.why
        '1 of 4 values of input sold are impossible: 1 negative where none was before, down to -2.'
        """
        names = [name for name, one in references.items() if isinstance(one, NumericReference)]
        names += [name for name in self.declared if name not in names]
        return [self._column(name, references.get(name), columns.get(name), noun=noun, at=at) for name in names]

    def _column(
        self,
        name: str,
        reference: Reference | None,
        values: FloatArray | pl.Series | None,
        *,
        noun: str,
        at: date | datetime,
    ) -> Finding:
        known = _numbers(values)
        if known is None or not len(known):
            return _unknown(f"{noun} {name}", at, there=values is not None)
        table = reference if isinstance(reference, NumericReference) else None
        impossible, reasons = self._impossible(name, table, known)
        beyond = self._beyond(table, known) & ~impossible
        bad, far = float(impossible.mean()), float(beyond.mean())
        breached = bad > self.share or far > self.share_beyond
        return Finding(
            check="ranges",
            subject=f"{noun} {name}",
            at=at,
            value=bad if bad > self.share or not far else far,
            benchmark=self.share if bad > self.share or not far else self.share_beyond,
            unit="share of rows",
            n=len(known),
            breached=breached,
            severity="critical" if bad > self.share else "warning" if breached else "info",
            why=_why(f"{noun} {name}", known, impossible, reasons=reasons, beyond=beyond, table=table),
        )

    def _impossible(self, name: str, table: NumericReference | None, known: Doubles) -> tuple[BoolArray, list[str]]:
        infinite: BoolArray = np.isinf(known)
        low, high = self.declared.get(name, (-np.inf, np.inf))
        outside: BoolArray = ((known < low) | (known > high)) & ~infinite
        never = table is not None and table.rows >= _ENOUGH_ROWS and len(table.points) > 0 and table.points[0] >= 0
        negative: BoolArray = (known < 0) & ~infinite & ~outside & never
        reasons: list[str] = []
        if infinite.any():
            reasons.append(f"{infinite.sum():,} infinite")
        if outside.any():
            reasons.append(f"{outside.sum():,} outside {low:g} to {high:g}, such as {known[outside][0]:g}")
        if negative.any():
            reasons.append(f"{negative.sum():,} negative where none was before, down to {known[negative].min():g}")
        return infinite | outside | negative, reasons

    def _beyond(self, table: NumericReference | None, known: Doubles) -> BoolArray:
        if table is None or not len(table.points):
            return np.zeros(len(known), dtype=np.bool_)
        low, high = float(table.points[0]), float(table.points[-1])
        room = self.margin * (high - low)
        beyond: BoolArray = (known < low - room) | (known > high + room)
        return beyond


def _why(
    subject: str,
    known: Doubles,
    impossible: BoolArray,
    *,
    reasons: Sequence[str],
    beyond: BoolArray,
    table: NumericReference | None,
) -> str:
    n = len(known)
    if impossible.any():
        return f"{impossible.sum():,} of {n:,} values of {subject} are impossible: {', '.join(reasons)}."
    if beyond.any() and table is not None:
        worst = known[beyond][np.argmax(np.abs(known[beyond]))]
        span = f"{table.points[0]:g} to {table.points[-1]:g}"
        return f"{beyond.sum():,} of {n:,} values of {subject} lie far outside {span}, such as {worst:g}."
    return f"All {n:,} values of {subject} are possible."


def _numbers(values: FloatArray | pl.Series | None) -> Doubles | None:
    if values is None:
        return None
    try:
        return numbers(values)
    except (ValueError, TypeError, pl.exceptions.PolarsError):
        return None


def _unknown(subject: str, at: date | datetime, *, there: bool) -> Finding:
    missing = "holds no numbers" if there else "is gone"
    return Finding(
        check="ranges",
        subject=subject,
        at=at,
        value=None,
        benchmark=None,
        severity="warning",
        why=f"The column of {subject} {missing}, so its range cannot be checked; send it again or train without it.",
    )
