"""The words of an explanation: what a part is called, by how much it misses, and no figure that says nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

import numpy as np

from finalmile.frames import BoolArray
from finalmile.monitoring.why.accounting import Accounting, account
from finalmile.monitoring.why.causes import Event, share
from finalmile.monitoring.why.rows import LossRows
from finalmile.monitoring.why.slices import Slice, rows_inside

_LONGEST = 60
_LAST = ("with ", "without ")
_NONE = frozenset({"no", "none"})
_NOT_KNOWN = frozenset({"unknown", "null", "nan", "n/a", "<na>"})
_NEARLY_ALL = 0.9
_LEAST_RISE = 0.01
_LEAST_TOLD = 0.005
_NEW_BIAS = 0.25
_LARGE = 1000.0
_REASONS = {"mix": "more is sold of what is hard to forecast", "bias": "forecasts lean to one side"}


def where(words: Mapping[str, str], /) -> str:
    """A slice by its conditions, on one line.

    Examples
    --------
    >>> where({"store": "4", "promo": "no"}), where({"brand": "null"}), where({"promo_type": "none"})
    ('store 4 without promo', 'unknown brand', 'without promo_type')
    """
    told = [_condition(_plain(name), _plain(value)) for name, value in words.items()]
    named = [one for one in told if not one.startswith(_LAST)]
    listed = " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
    return " ".join([*([listed] if listed else []), " and ".join(one for one in told if one.startswith(_LAST))]).strip()


def sentence(
    rows: LossRows,
    whole: Accounting,
    best: Slice | None,
    /,
    *,
    since: int | None,
    events: Sequence[Event],
    day: Callable[[int], date | datetime | int],
) -> str:
    """One sentence for a planner: which part went wrong, how, since when, how much of the rise that is.

    Parameters
    ----------
    whole
        The account of all rows.
    best
        The slice that is told; ``None`` where none is sure.
    since
        First period of the change; ``None`` where time is not known.
    """
    when = "" if since is None else f" since {day(since)}"
    if best is None:
        return _of_everything(whole, when)
    mine = rows_inside(rows, best.literals)
    if _is_nearly_all(rows, mine) and not _is_worse(whole):
        return _of_everything(whole, when)
    told = f"Forecasts of {_part(rows, best, mine)} {how(best)}{when}{_of_the_rise(rows, whole, mine)}"
    for one in events:
        at = "" if one.period is None else f" on {day(one.period)}"
        told += f"; {one.words}{at}"
    return f"{told}."


def rate(wape: float, /) -> str:
    """A WAPE in words: three decimals, or three digits where it is a thousand and more.

    Examples
    --------
    >>> rate(0.35), rate(2.5e98)
    ('0.350', '2.5e+98')
    """
    return f"{wape:.3f}" if wape < _LARGE else f"{wape:.3g}"


def how(one: Slice, /) -> str:
    """In which way the forecasts of a slice are wrong, and by how much where that can be said."""
    if one.bias is not None and one.loss and _leans(one.bias, one.bias_before or 0.0, one.loss):
        if one.bias >= 1.0:
            return f"are {_times(1 + one.bias)} what is sold"
        return f"are {share(abs(one.bias))} too {'low' if one.bias < 0 else 'high'}"
    if one.loss is None:
        return "expect sales where there are none"
    if not one.loss_before:
        return "miss by more than before"
    ratio = one.loss / one.loss_before
    if ratio >= 2.0:
        return f"miss by {_times(ratio)} as much as before"
    return f"miss by {share(ratio - 1)} more than before" if ratio >= 1 + _LEAST_RISE else "miss by more than expected"


def _leans(bias: float, before: float, loss: float) -> bool:
    new = abs(bias) - (abs(before) if bias * before > 0 else 0.0)
    return abs(bias) > max(0.5 * loss, _LEAST_TOLD) and abs(bias) > abs(before) and new > _NEW_BIAS * abs(bias)


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times" if ratio < 100 else "over 100 times"


def _condition(name: str, value: str) -> str:
    if value.lower() in _NONE:
        return f"without {name}"
    if value == "yes":
        return f"with {name}"
    if value == "known":
        return f"known {name}"
    return f"unknown {name}" if value.lower() in _NOT_KNOWN else f"{name} {value}"


def _plain(text: str) -> str:
    """On one line, without what cannot be printed, and not longer than can be read."""
    told = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split()) or "unknown"
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"


def _part(rows: LossRows, best: Slice, mine: BoolArray) -> str:
    named = where(best.words)
    if _is_nearly_all(rows, mine):
        return f"nearly everything ({named})"
    return f"sales {named}" if named.startswith(_LAST) else named


def _is_nearly_all(rows: LossRows, mine: BoolArray) -> bool:
    return bool(mine[rows.current].mean() >= _NEARLY_ALL)


def _is_worse(whole: Accounting) -> bool:
    return (whole.change or 0.0) > _LEAST_RISE * (whole.before or 0.0)


def _of_everything(whole: Accounting, when: str) -> str:
    assert whole.before is not None
    assert whole.after is not None
    span = f"WAPE {rate(whole.before)} to {rate(whole.after)}"
    if not _is_worse(whole):
        return f"Forecasts are no worse than before ({span}); no part stands out."
    name, most = max(whole.totals.items(), key=lambda one: one[1])
    reason = _REASONS.get(name, "errors are more scattered") if most > 0 else ""
    mostly = f" Mostly {reason}." if reason else ""
    return f"Forecasts are worse{when} ({span}), and no part stands out.{mostly}"


def _of_the_rise(rows: LossRows, whole: Accounting, mine: BoolArray) -> str:
    """How much of the change of the whole lies in a slice; what became of the whole where it is no worse."""
    assert whole.before is not None
    assert whole.after is not None
    if not _is_worse(whole):
        return f"; all forecasts together are no worse than before (WAPE {rate(whole.before)} to {rate(whole.after)})"
    effects = account(rows, group=mine.astype(np.int64)).effects
    part = float(effects[1].sum()) / (whole.change or 1.0) if len(effects) == 2 else 1.0
    if part < _LEAST_TOLD:
        return ""
    return "; that is all of the rise" if part > 1 - _LEAST_TOLD else f"; that is {share(part)} of the rise"
