"""How figures are written on the pages: always with a unit, never a number that is not known."""

from __future__ import annotations

import math
from datetime import date, datetime

from finalmile.records import Estimate

UNKNOWN = "not known"


def number(value: object, *, digits: int = 1) -> str:
    """A plain figure with thousands separated; whatever is no finite number is ``not known``.

    Examples
    --------
    >>> number(12345.0), number(0.25, digits=2), number(None), number(float("nan"))
    ('12,345', '0.25', 'not known', 'not known')
    """
    if not isinstance(value, int | float) or not math.isfinite(value):
        return UNKNOWN
    if float(value).is_integer() or abs(value) >= 1000:
        return _minus(f"{value:,.0f}")
    return _minus(f"{value:,.{digits}f}")


def percent(value: object) -> str:
    """A share in [0, 1] in percent.

    Examples
    --------
    >>> percent(0.978)
    '97.8\N{NO-BREAK SPACE}%'
    """
    if not isinstance(value, int | float) or not math.isfinite(value):
        return UNKNOWN
    return _minus(f"{100 * value:.1f}\N{NO-BREAK SPACE}%")


def money(value: object, currency: str, *, signed: bool = False) -> str:
    """Money in whole units of its currency, in cents below 100.

    Examples
    --------
    >>> money(-1234.6, "EUR"), money(12.5, "EUR", signed=True)
    ('\N{MINUS SIGN}1,235\N{NO-BREAK SPACE}EUR', '+12.50\N{NO-BREAK SPACE}EUR')
    """
    if not isinstance(value, int | float) or not math.isfinite(value):
        return UNKNOWN
    digits = 0 if abs(value) >= 100 or value == 0 else 2
    sign = "+" if signed and value > 0 else ""
    return _minus(f"{sign}{value:,.{digits}f}\N{NO-BREAK SPACE}{currency}")


def figure(value: object, unit: str, currency: str = "", *, signed: bool = False) -> str:
    """A figure in its unit: ``"%"`` for a share, ``"money"``, or a word."""
    if unit == "%":
        return percent(value)
    if unit == "money":
        return money(value, currency, signed=signed)
    plain = number(value)
    return plain if plain == UNKNOWN or not unit else f"{plain}\N{NO-BREAK SPACE}{unit}"


def interval(told: Estimate, unit: str, currency: str = "") -> str:
    """The interval of an estimate in words, or why there is none.

    Examples
    --------
    >>> interval(Estimate(value=0.97, low=0.96, high=0.98), "%").replace("\N{NO-BREAK SPACE}", " ")
    '95 % interval 96.0 % to 98.0 %'
    >>> interval(Estimate(value=None, why="no stock counted"), "%")
    'no stock counted'
    """
    if told.low is None or told.high is None:
        return told.why or ("interval not known" if told.value is not None else "")
    bounds = [figure(bound, unit, currency, signed=unit == "money") for bound in (told.low, told.high)]
    return f"{told.level:.0%} interval ".replace("%", "\N{NO-BREAK SPACE}%") + " to ".join(bounds)


def cell(value: object) -> str:
    """A value of a table; up to three digits after the point.

    Examples
    --------
    >>> cell(4.79), cell(1234.5), cell(0.98), cell(None), cell(True), cell(date(2026, 3, 1))
    ('4.79', '1,234', '0.98', '', 'yes', '2026-03-01')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        text = number(value, digits=3 if abs(value) < 10 else 1)
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return value.isoformat() if isinstance(value, date) else str(value)


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")
