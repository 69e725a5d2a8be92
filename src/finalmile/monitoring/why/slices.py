"""The slices that a change of loss comes from: distinct ones, each with its figures, its evidence and its rivals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from finalmile.frames import BoolArray, IntArray
from finalmile.monitoring.why.dimensions import Dimension, Doubles, inner
from finalmile.monitoring.why.evidence import deviations, log_p
from finalmile.monitoring.why.expected import COUNT, EXPECTED, SIGNED, TOLD, Cells, cells_of
from finalmile.monitoring.why.rows import LossRows, usable
from finalmile.monitoring.why.score import NOW, score, volumes
from finalmile.monitoring.why.search import MOST_LITERALS, Candidate, Literal, inside, search

CONFIDENCE = 0.95
_LOOKED_AT = 24
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Rows whose losses rose unlike the rest.

    Parameters
    ----------
    literals
        Dimension, first and last code of each condition; a row is inside where all hold.
    words
        The same as ``{"store": "3", "price": "2 to 4"}``.
    score
        Logarithm of the likelihood ratio, less the logarithm of the number of slices with as many conditions.
    log_evidence
        Minus the logarithm of the chance of such a rise by noise of days and series, times the number of slices that
        were searched; above 3 is less than one in twenty. ``sure`` says so.
    rows, rows_before
        Rows in the current and in the reference window.
    loss, loss_before
        Loss over exposure, ``None`` where nothing was sold.
    bias, bias_before
        Forecast minus actual over actual; ``None`` where nothing was sold or errors are not signed.
    excess
        Units lost in the current window beyond expectation and beyond what the rest's change leads one to expect.
    share
        Part of the excess of the whole, in [0, 1]: 1 where all of it lies in here.
    """

    literals: tuple[Literal, ...]
    words: dict[str, str]
    score: float
    log_evidence: float
    sure: bool
    rows: int
    rows_before: int
    loss: float | None
    loss_before: float | None
    bias: float | None
    bias_before: float | None
    excess: float
    share: float


def search_rows(rows: LossRows, /, *, confidence: float = CONFIDENCE, most: int = 3) -> list[Slice]:
    """The slices that a rise of loss comes from, most convincing first; none where both windows are alike.

    A second slice is told where it has a rise of its own beyond the rows of the first, or, where there is room, where
    it lies in the first and rose unlike the rest of it. Slices are kept only with a positive score; ``sure`` tells
    those that noise would bring in fewer than one of twenty searches. Rows whose figures are no numbers of units (NaN,
    infinite, 1e100 and more) are left out.

    Parameters
    ----------
    confidence
        In (0, 1); of being sure.
    most
        Slices to tell.
    """
    rows = usable(rows)
    if not rows.n or rows.current.all() or not rows.current.any() or not rows.loss.any():
        return []
    cells = cells_of(rows)
    ratio = error_over_loss(rows, cells)
    found = search(cells, rows.dimensions, error_over_loss=ratio)
    kept = _distinct(found[:_LOOKED_AT], cells, ratio, most=most)
    units = _units(rows, cells, slice(None))
    return [_told(one, rows, cells, units, confidence=confidence) for one in kept]


def error_over_loss(rows: LossRows, cells: Cells) -> float:
    """Variance of a signed error over that of a loss, in the reference; 0 where errors are not signed."""
    if rows.error is None:
        return 0.0
    held = np.where(rows.current, 0.0, 1.0)
    loss, expected, _, signed = cells.weighed[:TOLD]
    beyond, own = (loss - expected) * held, signed * held
    spread = inner(beyond, beyond)
    return inner(own, own) / spread if spread > 0 else 0.0


def rows_inside(rows: LossRows, literals: Sequence[Literal]) -> BoolArray:
    """Which rows lie in a slice, shape (n,)."""
    told = np.ones(rows.n, dtype=np.bool_)
    for d, low, high in literals:
        codes = rows.dimensions[d].codes
        told &= (codes >= low) & (codes <= high)
    return told


def words_of(dimensions: Sequence[Dimension], literals: Sequence[Literal]) -> dict[str, str]:
    """Conditions by name of the dimension; a number that is only ever 0 or 1 is ``"no"`` or ``"yes"``.

    All ranges of a number together are ``"known"``: what is left out is where it is unknown.

    Examples
    --------
    >>> from finalmile.monitoring.why.dimensions import number
    >>> price = number("price", np.arange(81.0))
    >>> words_of([price], [(0, 1, 2)]), words_of([price], [(0, 0, 3)])
    ({'price': '10 to 30'}, {'price': 'below 40'})
    >>> words_of([price], [(0, 0, 7)])
    {'price': 'known'}
    """
    return {dimensions[d].name: _range(dimensions[d], low, high) for d, low, high in literals}


def _range(dimension: Dimension, low: int, high: int) -> str:
    if low == high:
        flag = dimension.labels[: dimension.ranges] == ("0", "1") and low < dimension.ranges
        return ("no", "yes")[low] if flag else dimension.labels[low]
    start, end = dimension.edges[low], dimension.edges[high + 1]
    if math.isinf(start):
        if math.isinf(end):
            return "known"
        return f"below {end:.6g}"
    return f"{start:.6g} and more" if math.isinf(end) else f"{start:.6g} to {end:.6g}"


def _distinct(found: Sequence[Candidate], cells: Cells, ratio: float, *, most: int) -> list[Candidate]:
    """The best candidate, then those that still gain more than their price without the rows of earlier ones.

    Where that leaves room, the one that gains most beyond its price within the first, against the rest of it.
    """
    kept: list[Candidate] = []
    claimed = np.zeros(len(cells.sums), dtype=np.bool_)
    for one in found:
        mine = inside(cells, one.literals)
        if not kept or _own_gain(cells, mine & ~claimed, ~(mine & claimed), ratio) > one.price:
            kept.append(one)
            claimed |= mine
        if len(kept) == most:
            return kept
    return [*kept, *_within(found, kept, cells, ratio)]


def _within(found: Sequence[Candidate], kept: Sequence[Candidate], cells: Cells, ratio: float) -> list[Candidate]:
    if not kept:
        return []
    first = inside(cells, kept[0].literals)
    best, strongest = list[Candidate](), 0.0
    for one in found:
        mine = inside(cells, one.literals)
        if (mine & ~first).any() or not (first & ~mine).any() or one in kept:
            continue
        gain = _own_gain(cells, mine, first, ratio) - one.price
        if gain > strongest:
            best, strongest = [one], gain
    return best


def _own_gain(cells: Cells, own: BoolArray, among: BoolArray, ratio: float) -> float:
    """What some cells gain against the others of those among which they are."""
    sums, whole = cells.of(own), cells.of(among)
    return float(score(sums, whole=whole, error_over_loss=ratio).gain)


def _told(one: Candidate, rows: LossRows, cells: Cells, units: Doubles, /, *, confidence: float) -> Slice:
    mine = inside(cells, one.literals)
    chance = min(log_p(deviations(rows, cells, mine, signed=False)), 0.0)
    if rows.error is not None:
        chance = min(chance, _bias_chance(rows, cells, mine)) + math.log(2)
    evidence = -chance - one.price - math.log(MOST_LITERALS)
    at = cells.rows(mine)
    now, before = at[rows.current[at]], at[~rows.current[at]]
    figures = {
        "loss": _rate(rows.loss, rows.exposure, now),
        "loss_before": _rate(rows.loss, rows.exposure, before),
        "bias": None if rows.error is None else _rate(rows.error, rows.exposure, now),
        "bias_before": None if rows.error is None else _rate(rows.error, rows.exposure, before),
    }
    excess, share = _excess(cells, mine, units, _units(rows, cells, at))
    return Slice(
        literals=one.literals,
        words=words_of(rows.dimensions, one.literals),
        score=one.score,
        log_evidence=evidence,
        sure=evidence >= -math.log(1 - confidence),
        rows=len(now),
        rows_before=len(before),
        excess=excess,
        share=share,
        **figures,
    )


def _bias_chance(rows: LossRows, cells: Cells, mine: BoolArray) -> float:
    """Logarithm of the chance of a signed error that moved so far, both sides counted; 0 where it came nearer 0."""
    sums = cells.of(mine)
    before, now = (float(of[SIGNED] / of[EXPECTED]) if of[COUNT] > 0 else 0.0 for of in (sums[:NOW], sums[NOW:]))
    now /= volumes(cells, mine)[0]
    if abs(now) <= abs(before):
        return 0.0
    told = deviations(rows, cells, mine, signed=True)
    side = 1.0 if float(told.values.sum()) > 0 else -1.0
    return min(log_p(replace(told, values=side * told.values)) + math.log(2), 0.0)


def _units(rows: LossRows, cells: Cells, at: IntArray | slice) -> Doubles:
    """Units lost and units expected to be lost by some rows, in the reference and in the current window; (2, 2)."""
    window = rows.current[at].astype(np.int64)
    told = [np.bincount(window, weights=one[at], minlength=2) for one in (rows.loss, cells.expected)]
    return np.stack(told, axis=1).astype(np.float64)


def _excess(cells: Cells, mine: BoolArray, whole: Doubles, inner: Doubles) -> tuple[float, float]:
    """Units lost beyond expectation in a slice, and their part of all that was lost beyond expectation anywhere."""
    rest = whole - inner
    rest[rest <= _ROUNDING * whole] = 0.0
    beyond: list[float] = []
    for (before, now), grown in zip((inner, rest), volumes(cells, mine), strict=True):
        level = before[0] / before[1] if before[1] > 0 else 1.0
        beyond.append(float(now[0] - level * grown * now[1]))
    total = beyond[0] + max(beyond[1], 0.0)
    return beyond[0], min(max(beyond[0] / total, 0.0), 1.0) if total > 0 else 0.0


def _rate(amount: Doubles, exposure: Doubles, of: IntArray) -> float | None:
    total = float(exposure[of].sum())
    return float(amount[of].sum()) / total if total > 0 else None
