"""Why a loss changed, in one sentence that a planner understands and the tables behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime

import numpy as np
import polars as pl

from finalmile.frames import BoolArray
from finalmile.monitoring.why.accounting import account, by
from finalmile.monitoring.why.causes import Event, InputShift, inputs_of, price_step, share, share_step
from finalmile.monitoring.why.dimensions import Doubles
from finalmile.monitoring.why.rows import LossRows, beyond_units, usable
from finalmile.monitoring.why.slices import Slice, rows_inside, search_rows
from finalmile.monitoring.why.words import rate, sentence, where

_NEAR = 7
_MANY_POINTS = 1e5


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What else is known of every row; arrays of shape (n,), each may be left out.

    Parameters
    ----------
    inputs
        Numbers that the model was given, by name; NaN where missing.
    price
        In the project's currency.
    promoted, censored, missing
        Whether a row was on promotion, out of stock, or has no sales yet.
    events
        What happened to everything: deploys, holidays.
    weights
        How much the model relies on each input.
    """

    inputs: Mapping[str, Doubles] = field(default_factory=dict[str, Doubles])
    price: Doubles | None = None
    promoted: BoolArray | None = None
    censored: BoolArray | None = None
    missing: BoolArray | None = None
    events: Sequence[Event] = ()
    weights: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why a loss changed between two windows.

    Parameters
    ----------
    sentence
        For people.
    before, after
        WAPE of the reference and of the current window; ``None`` where nothing was sold.
    since
        First period of the change inside the first slice, or of the current window without one.
    parts
        Mix, bias and noise: they add up to ``after - before``.
    tables
        The same by each dimension, one row per value.
    slices
        Where the losses rose unlike the rest, most convincing first.
    inputs, events
        What changed inside the first slice, or everywhere without one.
    rows
        Rows judged: a product in a period.
    left_out
        Rows not judged because a figure of theirs is no number of units: infinite, or 1e100 and more. The sentence
        says so.
    """

    sentence: str
    before: float | None = None
    after: float | None = None
    since: date | datetime | int | None = None
    parts: Mapping[str, float] = field(default_factory=dict[str, float])
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict[str, pl.DataFrame])
    slices: tuple[Slice, ...] = ()
    inputs: tuple[InputShift, ...] = ()
    events: tuple[Event, ...] = ()
    rows: int = 0
    left_out: int = 0

    @property
    def breached(self) -> bool:
        """Never: an explanation is no check."""
        return False

    @property
    def shown(self) -> Sequence[Slice]:
        """The slices that are sure; where none is, only the most convincing: each of several explains all there is."""
        return [one for one in self.slices if one.sure] or self.slices[:1]

    def lines(self) -> list[str]:
        """The sentence, the account, the slices, and what changed in the first of them."""
        if self.before is None or self.after is None:
            return [self.sentence]
        change = self.after - self.before
        parts = ", ".join(f"{name} {_points(part)}" for name, part in self.parts.items())
        told = [
            self.sentence,
            f"WAPE went from {rate(self.before)} to {rate(self.after)}, {_points(change)} points: {parts}.",
        ]
        for one in self.shown:
            known = "" if one.sure else " (may be chance)"
            told.append(
                f"  {where(one.words)}: {_figure(one.loss_before)} to {_figure(one.loss)}, "
                f"{share(one.share)} of what was lost beyond expectation{known}"
            )
        told += [f"  {one.name}: {_figure(one.before)} to {_figure(one.after)} there" for one in self.inputs[:5]]
        return [*told, *(f"  {one.words}" for one in self.events)]

    def to_dict(self) -> dict[str, object]:
        """Everything, tables as lists of rows."""
        return {
            "sentence": self.sentence,
            "before": self.before,
            "after": self.after,
            "since": self.since,
            "parts": dict(self.parts),
            "tables": {name: table.to_dicts() for name, table in self.tables.items()},
            "slices": [asdict(one) for one in self.slices],
            "inputs": [asdict(one) for one in self.inputs],
            "events": [asdict(one) for one in self.events],
            "rows": self.rows,
            "left_out": self.left_out,
        }


def explain_rows(
    rows: LossRows, /, *, around: Around | None = None, day: Callable[[int], date | datetime | int] = int
) -> Why:
    """Why the loss of some rows changed from the reference to the current window.

    Rows may hold NaN where sales are not known; they are left out of losses, and counted where ``around`` says so.
    Rows with a figure that is no number of units (infinite, 1e100 and more) are left out, and the sentence says so.
    Without rows in both windows, or without sales, the sentence says what is missing.

    Parameters
    ----------
    around
        What else is known of the same rows.
    day
        From a period number to what people call it.
    """
    kept, left_out = usable(rows), beyond_units(rows)
    without = _without(left_out)
    if not kept.n or kept.current.all() or not kept.current.any():
        side = "current" if not kept.n or not kept.current.any() else "reference"
        said = f"Nothing can be said: no row of the {side} window has both a forecast and sales.{without}"
        return Why(sentence=said, left_out=left_out)
    whole = account(kept)
    if whole.change is None:
        said = f"Nothing can be said: nothing was sold in one of the two windows.{without}"
        return Why(sentence=said, rows=kept.n, left_out=left_out)
    found = tuple(search_rows(kept))
    best = next((one for one in found if one.sure), None)
    since = _since(kept, best)
    events, inputs = _around(rows, around or Around(), best, since=since)
    return Why(
        sentence=sentence(kept, whole, best, since=since, events=events, day=day) + without,
        before=whole.before,
        after=whole.after,
        since=None if since is None else day(since),
        parts=whole.totals,
        tables={one.name: by(kept, one) for one in kept.dimensions},
        slices=found,
        inputs=tuple(inputs),
        events=tuple(events),
        rows=kept.n,
        left_out=left_out,
    )


def _without(left_out: int) -> str:
    if not left_out:
        return ""
    rows = "1 row is" if left_out == 1 else f"{left_out} rows are"
    return f" {rows} left out: forecasts or sales that are infinite, or 1e100 and more, are no numbers of units."


def _since(rows: LossRows, best: Slice | None) -> int | None:
    """First period of the stretch up to the end in which losses (or signed errors) inside differ most."""
    if rows.period is None:
        return None
    first = int(rows.period[rows.current].min())
    if best is None:
        return first
    inside = rows_inside(rows, best.literals)
    strongest, at = 0.0, first
    for values in (rows.loss, rows.error):
        if values is None:
            continue
        days, owner = np.unique(rows.period[inside], return_inverse=True)
        mean = np.bincount(owner, weights=values[inside]) / np.bincount(owner)
        before = inside & ~rows.current
        level = float(values[before].mean()) if before.any() else 0.0
        ahead = np.cumsum((mean - level)[::-1])[::-1]
        gain = ahead**2 / np.arange(len(days), 0, -1) / max(float((mean - level)[days < first].var()), 1e-12)
        gain[days < first - _NEAR] = 0.0
        if len(gain) and float(gain.max()) > strongest:
            strongest, at = float(gain.max()), int(days[int(np.argmax(gain))])
    return at


def _around(
    rows: LossRows, around: Around, best: Slice | None, *, since: int | None
) -> tuple[list[Event], list[InputShift]]:
    inside = np.ones(rows.n, dtype=np.bool_) if best is None else rows_inside(rows, best.literals)
    after = rows.current if since is None or rows.period is None else rows.period >= since
    events: list[Event | None] = []
    if around.price is not None and rows.period is not None:
        events.append(price_step(around.price, rows.period, inside=inside))
    for kind, on, what in (
        ("promotion", around.promoted, "the share on promotion"),
        ("stock-out", around.censored, "the share out of stock"),
        ("missing sales", around.missing, "the share without sales data"),
    ):
        if on is not None:
            events.append(share_step(kind, on, what, inside=inside, after=after))
    known = [*(one for one in events if one is not None), *around.events]
    near = [one for one in known if one.period is None or since is None or one.period >= since - _NEAR]
    moved = inputs_of(around.inputs, inside=inside, after=after, weights=around.weights)
    return near, moved


def _points(part: float) -> str:
    """A part of a rate in points of a hundred, with its sign."""
    points = 100 * part
    return f"{points:+.1f}" if abs(points) < _MANY_POINTS else f"{points:+.3g}"


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}"
