"""One column of two samples: what changed in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from finalmile.monitoring.effects import Counted, Effect, EffectSize, Ordered, counted, effects
from finalmile.monitoring.effects.pairs import ordered_columns
from finalmile.monitoring.profile.columns import CategoryColumn, Column, NumberColumn, OtherColumn
from finalmile.monitoring.report.sparkline import Shape, shape_of_counts, shape_of_tables

_HEADLINE = {"number": "ks", "category": "total_variation"}
_NAMED = 5
SHARES = ("missing", "unseen", "outside")
"""Changes of a share of rows that can be given a threshold like an effect size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnReport:
    """What changed in one column.

    Parameters
    ----------
    kind
        ``"number"``, ``"category"`` or ``"other"``.
    reference_type, current_type
        Empty where a side has not got the column.
    effects
        By name, the headline first: a share of rows, so that columns of all kinds can be ranked.
    missing
        How the share of missing rows changed.
    outside, unseen
        Share of current rows beyond the range of the reference, or with a value it never had; ``None`` where that
        has no meaning.
    reference_told, current_told
        Mean and deviation, or the most frequent values, in words.
    note
        Why there is no effect size; empty where there are.
    """

    name: str
    kind: str
    reference_type: str
    current_type: str
    reference_rows: int = 0
    current_rows: int = 0
    effects: tuple[Effect, ...] = ()
    missing: Effect | None = None
    outside: Effect | None = None
    unseen: Effect | None = None
    unseen_names: tuple[str, ...] = ()
    reference_told: str = ""
    current_told: str = ""
    shape: Shape | None = None
    note: str = ""

    @property
    def headline(self) -> Effect | None:
        """The effect that columns are ranked by."""
        return self.effects[0] if self.effects else None

    @property
    def every(self) -> tuple[Effect, ...]:
        """Effects and changes of shares."""
        return (*self.effects, *(one for one in (self.missing, self.outside, self.unseen) if one is not None))

    @property
    def score(self) -> float:
        """The largest share of rows that is elsewhere, chance taken off; columns that cannot be compared are first."""
        if self.note and self.reference_type != self.current_type:
            return 2.0
        told = [one for one in (self.headline, self.missing, self.outside, self.unseen) if one is not None]
        return max((one.low or 0.0 for one in told), default=0.0)

    @property
    def breached(self) -> bool:
        """Whether a threshold that a user set is passed."""
        return any(one.breached for one in self.every)


@np.errstate(over="ignore", invalid="ignore")
def compared(
    reference: Column, current: Column, *, wanted: Sequence[str], thresholds: Mapping[str, float]
) -> ColumnReport:
    """The report of a column that both sides have."""
    told = _bare(reference, current)
    pair: Ordered | Counted
    if isinstance(reference, NumberColumn) and isinstance(current, NumberColumn):
        pair = ordered_columns(reference, current)
        told = replace(told, shape=shape_of_tables(pair.reference, pair.current))
        told = replace(told, outside=_outside(reference, pair, threshold=thresholds.get("outside")))
    elif isinstance(reference, CategoryColumn) and isinstance(current, CategoryColumn):
        pair = counted(reference, current)
        told = replace(told, shape=shape_of_counts(pair))
        if reference.complete:
            told = _with_unseen(told, reference, pair, threshold=thresholds.get("unseen"))
    else:
        return replace(told, note=_no_pair(reference, current))
    told = replace(told, effects=_effects(pair, reference.kind, wanted=wanted, thresholds=thresholds))
    return replace(told, missing=_missing(reference, current, threshold=thresholds.get("missing")))


def one_sided(column: Column, *, gone: bool) -> ColumnReport:
    """The report of a column that only one side has."""
    note = "is gone from the current data" if gone else "is new: the reference has no such column"
    return ColumnReport(
        name=column.name,
        kind=column.kind,
        reference_type=column.dtype if gone else "",
        current_type="" if gone else column.dtype,
        reference_rows=column.rows if gone else 0,
        current_rows=0 if gone else column.rows,
        note=note,
    )


def _bare(reference: Column, current: Column) -> ColumnReport:
    return ColumnReport(
        name=reference.name,
        kind=reference.kind,
        reference_type=reference.dtype,
        current_type=current.dtype,
        reference_rows=reference.rows,
        current_rows=current.rows,
        reference_told=_summary(reference),
        current_told=_summary(current),
    )


def _effects(
    pair: Ordered | Counted, kind: str, *, wanted: Sequence[str], thresholds: Mapping[str, float]
) -> tuple[Effect, ...]:
    names = dict.fromkeys([_HEADLINE[kind], *wanted])
    made: list[EffectSize] = [effects.make(name, threshold=thresholds.get(name)) for name in names]
    return tuple(one(pair) for one in made if isinstance(pair, Ordered) or not one.ordered_only)


def _share(name: str, *, of: tuple[float, float], rows: tuple[float, float], threshold: float | None) -> Effect:
    """How a share of rows changed, told like an effect."""
    part, whole = np.array(of), np.array(rows)
    before, now = np.column_stack([part, whole - part])
    told = effects.make("total_variation", threshold=threshold)(Counted(reference=before, current=now))
    return replace(told, name=name)


def _missing(reference: Column, current: Column, *, threshold: float | None) -> Effect:
    of, rows = (reference.missing, current.missing), (reference.rows, current.rows)
    return _share("missing", of=of, rows=rows, threshold=threshold)


def _outside(reference: NumberColumn, pair: Ordered, *, threshold: float | None) -> Effect | None:
    if not all(pair.n):
        return None
    knots, current = pair.current.knots, pair.current
    low, high = np.minimum(np.searchsorted(knots, [reference.low, reference.high]), len(knots) - 1)
    rows = float(current.below[low] + current.n - current.upto[high])
    return _share("outside", of=(0.0, rows), rows=pair.n, threshold=threshold)


def _with_unseen(
    told: ColumnReport, reference: CategoryColumn, pair: Counted, *, threshold: float | None
) -> ColumnReport:
    if not all(pair.n):
        return told
    fresh = pair.current[len(reference.names) :]
    names = pair.labels[len(reference.names) :]
    order: list[int] = np.argsort(-fresh, kind="stable").tolist()
    first = [names[at] for at in order[:_NAMED]]
    unseen = _share("unseen", of=(0.0, float(fresh.sum())), rows=pair.n, threshold=threshold)
    return replace(told, unseen=unseen, unseen_names=tuple(first))


_EXACT = 2.0**53
"""Whole numbers up to here are told apart in double precision, which everything is compared in."""


def _summary(column: Column) -> str:
    if isinstance(column, NumberColumn):
        if not column.n:
            return "no value"
        wild = f", {column.infinite:,} infinite" if column.infinite else ""
        whole = column.dtype.lower().startswith(("int", "uint", "decimal"))
        far = ", rounded to 53 bits" if whole and max(-column.low, column.high) > _EXACT else ""
        return f"{column.mean:.4g} ± {column.sd:.3g} in {column.low:.4g} to {column.high:.4g}{wild}{far}"
    if isinstance(column, CategoryColumn):
        shares = zip(column.names[:3], column.counts / max(column.n, 1), strict=False)
        return ", ".join(f"{name} {share:.1%}" for name, share in shares) or "no value"
    return f"{column.low} to {column.high}" if column.low else ""


def _no_pair(reference: Column, current: Column) -> str:
    if isinstance(reference, OtherColumn) and isinstance(current, OtherColumn):
        return "" if reference.low or current.low else f"is {reference.dtype}: only its missing rows are counted"
    for column, side in ((reference, "reference"), (current, "current data")):
        if column.dtype == "Null":
            return f"has no value at all in the {side}"
    return f"was {reference.dtype} and is {current.dtype}, which cannot be held against each other"
