"""Two distributions in a picture of a few hundred bytes."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np

from finalmile.monitoring.effects import Counted
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.profile.table import Table

_BINS = 28
_NAMES = 12
WIDTH, HEIGHT = 140, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Shares of rows of both samples in the same cells, shape (c,) each.

    Parameters
    ----------
    bars
        Whether cells are names, drawn as bars; otherwise ranges of equal width.
    left, right
        What the first and the last cell are.
    """

    reference: Doubles
    current: Doubles
    bars: bool
    left: str
    right: str


def shape_of_tables(reference: Table, current: Table) -> Shape | None:
    """Shares in ranges of equal width that hold the middle 99 % of both; what is beyond is in the outermost."""
    if not (reference.n and current.n):
        return None
    ends = [_quantile(table, share) for table in (reference, current) for share in (0.005, 0.995)]
    low, high = min(ends), max(ends)
    if not np.isfinite(high - low):
        return None
    edges = np.linspace(low, high, _BINS + 1)[1:-1] if high > low else np.zeros(0)
    shares = (np.diff(np.concatenate([[0.0], _cdf(table, edges), [1.0]])) for table in (reference, current))
    ours, theirs = shares
    return Shape(reference=ours, current=theirs, bars=False, left=f"{low:.3g}", right=f"{high:.3g}")


def shape_of_counts(pair: Counted) -> Shape | None:
    """Shares of the most frequent names; the rest is the last cell."""
    n, m = pair.n
    if not (n and m):
        return None
    p, q = pair.reference / n, pair.current / m
    order = np.argsort(-(p + q), kind="stable")
    first, rest = order[:_NAMES], order[_NAMES:]
    ours, theirs = (np.append(x[first], x[rest].sum()) if len(rest) else x[first] for x in (p, q))
    labels = pair.labels or tuple(str(at) for at in range(len(p)))
    last = "all others" if len(rest) else labels[int(first[-1])]
    return Shape(reference=ours, current=theirs, bars=True, left=labels[int(first[0])], right=last)


def svg(shape: Shape, *, label: str) -> str:
    """An image that scales: reference filled, current as a line, or two bars for each name."""
    top = float(max(shape.reference.max(), shape.current.max(), 1e-12))
    ours, theirs = (np.rint((1 - x / top) * (HEIGHT - 2)).astype(int) + 1 for x in (shape.reference, shape.current))
    step = WIDTH / len(ours)
    lines = _bars(ours, theirs, step) if shape.bars else _steps(ours, theirs, step)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">{lines}</svg>'


def _steps(ours: np.ndarray, theirs: np.ndarray, step: float) -> str:
    paths = ["".join(f"V{y}H{(at + 1) * step:.0f}" for at, y in enumerate(side.tolist())) for side in (ours, theirs)]
    return f'<path class="r" d="M0 {HEIGHT}{paths[0]}V{HEIGHT}z"/><path class="c" d="M0 {HEIGHT}{paths[1]}V{HEIGHT}"/>'


def _bars(ours: np.ndarray, theirs: np.ndarray, step: float) -> str:
    wide = max(step * 0.4, 1.0)
    both: list[str] = []
    for name, side, shift in (("r", ours, 0.08), ("d", theirs, 0.5)):
        parts = (
            f"M{(at + shift) * step:.0f} {HEIGHT}V{y}h{wide:.0f}V{HEIGHT}z"
            for at, y in enumerate(side.tolist())
            if y < HEIGHT
        )
        both.append(f'<path class="{name}" d="{"".join(parts)}"/>')
    return "".join(both)


def _quantile(table: Table, share: float) -> float:
    return float(table.knots[min(int(np.searchsorted(table.upto, share * table.n)), len(table.knots) - 1)])


def _cdf(table: Table, at: Doubles) -> Doubles:
    shares = np.interp(at, table.knots, table.upto / table.n, left=0.0, right=1.0)
    return np.nan_to_num(shares)
