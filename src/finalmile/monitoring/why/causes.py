"""What else changed inside a slice: its inputs against the rest's, prices, promotions, stock-outs, missing sales."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finalmile.frames import BoolArray, IntArray
from finalmile.monitoring.why.dimensions import BEYOND, Doubles

_LEAST_TOLD = 0.005
_LEAST_EFFECT = 0.2
_LEAST_PRICE_STEP = 0.03
_LEAST_SHARE_STEP = 0.05
_MANY_TIMES = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InputShift:
    """How an input moved inside a slice while it did not, or moved otherwise, outside.

    Parameters
    ----------
    before, after
        Mean inside in the reference and since; ``None`` where nothing is known.
    outside_before, outside_after
        The same of all other rows.
    missing_before, missing_after
        Share of rows inside without a value, in [0, 1]; what is infinite, or 1e100 and more, is none.
    effect
        Change inside less change outside, in standard deviations of the reference, times its weight.
    """

    name: str
    before: float | None
    after: float | None
    outside_before: float | None
    outside_after: float | None
    missing_before: float
    missing_after: float
    effect: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in or shortly before the window.

    Parameters
    ----------
    kind
        ``"price"``, ``"promotion"``, ``"stock-out"``, ``"missing sales"``, ``"holiday"``, ``"deploy"``.
    period
        When, ``None`` where it is no single moment.
    words
        One clause: ``"prices there fell 20 %"``.
    """

    kind: str
    period: int | None
    words: str


def inputs_of(
    values: Mapping[str, Doubles],
    /,
    *,
    inside: BoolArray,
    after: BoolArray,
    weights: Mapping[str, float] | None = None,
) -> list[InputShift]:
    """Inputs that moved inside a slice unlike outside by at least a fifth of a standard deviation, largest first.

    Parameters
    ----------
    values
        Input to its value in each row, NaN where missing; shape (n,) each.
    inside, after : arrays of shape (n,), bool
        Rows of the slice, and rows since the change.
    weights
        How much the model relies on each input; 1 for all by default.
    """
    told = [_shift(name, one, inside, after, (weights or {}).get(name, 1.0)) for name, one in values.items()]
    moved = [one for one in told if abs(one.effect) >= _LEAST_EFFECT]
    return sorted(moved, key=lambda one: -abs(one.effect))


def _shift(name: str, values: Doubles, inside: BoolArray, after: BoolArray, weight: float) -> InputShift:
    known = np.abs(values) < BEYOND
    means = [
        float(values[part & known].mean()) if (part & known).any() else None
        for part in (inside & ~after, inside & after, ~inside & ~after, ~inside & after)
    ]
    missing = [float((~known[part]).mean()) if part.any() else 0.0 for part in (inside & ~after, inside & after)]
    spread = float(values[known & ~after].std()) if (known & ~after).any() else 0.0
    one = 0.0 if means[0] is None or means[1] is None else means[1] - means[0]
    other = 0.0 if means[2] is None or means[3] is None else means[3] - means[2]
    scale = spread if spread > 0 else max(abs(one), abs(other), 1e-12)
    effect = float(np.clip((one - other) / scale, -99.0, 99.0)) + 5.0 * (missing[1] - missing[0])
    return InputShift(
        name=name,
        before=means[0],
        after=means[1],
        outside_before=means[2],
        outside_after=means[3],
        missing_before=missing[0],
        missing_after=missing[1],
        effect=weight * effect,
    )


def price_step(price: Doubles, period: IntArray, /, *, inside: BoolArray) -> Event | None:
    """The largest lasting step of mean prices inside a slice, at least 3 %; ``None`` without one.

    Examples
    --------
    >>> price, period = np.array([5.0, 5.0, 5.0, 4.0, 4.0, 4.0]), np.arange(6)
    >>> price_step(price, period, inside=np.ones(6, dtype=bool))
    Event(kind='price', period=3, words='prices there fell 20 %')
    """
    known = inside & (price > 1 / BEYOND) & (price < BEYOND)
    if not known.any():
        return None
    days, owner = np.unique(period[known], return_inverse=True)
    mean = np.bincount(owner, weights=np.log(price[known])) / np.bincount(owner)
    if len(days) < 2:
        return None
    sums, count = np.cumsum(mean), np.arange(1, len(mean) + 1)
    before, later = sums[:-1] / count[:-1], (sums[-1] - sums[:-1]) / (count[-1] - count[:-1])
    weigh = np.sqrt(count[:-1] * (count[-1] - count[:-1]))
    at = int(np.argmax(np.abs(later - before) * weigh))
    step = math.expm1(float(later[at] - before[at]))
    if abs(step) < _LEAST_PRICE_STEP:
        return None
    moved = f"rose to {_times(1 + step)} times" if step >= 1 else f"{'fell' if step < 0 else 'rose'} {share(abs(step))}"
    words = f"prices there {moved}"
    return Event(kind="price", period=int(days[at + 1]), words=words)


def share_step(
    kind: str, on: npt.NDArray[np.bool_], what: str, /, *, inside: BoolArray, after: BoolArray
) -> Event | None:
    """That a share of the rows inside a slice moved by five points or more; ``None`` where it did not.

    Examples
    --------
    >>> on = np.array([False, False, True, True])
    >>> share_step("promotion", on, "days on promotion", inside=np.ones(4, dtype=bool), after=on).words
    'days on promotion there rose from none to 100 %'
    """
    parts = (inside & ~after, inside & after)
    if not all(part.any() for part in parts):
        return None
    before, now = (float(on[part].mean()) for part in parts)
    if abs(now - before) < _LEAST_SHARE_STEP:
        return None
    words = f"{what} there {'rose' if now > before else 'fell'} from {share(before)} to {share(now)}"
    return Event(kind=kind, period=None, words=words)


def _times(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio < _MANY_TIMES else f"{ratio:.3g}"


def share(part: float, /) -> str:
    """A share in words: a whole percentage, never 0 % and never beyond 100 %.

    Examples
    --------
    >>> share(0.0), share(0.002), share(0.254), share(1.2)
    ('none', 'under 1 %', '25 %', '100 %')
    """
    if not part > 0:
        return "none"
    return "under 1 %" if part < _LEAST_TOLD else f"{max(round(100 * min(part, 1.0)), 1)} %"
