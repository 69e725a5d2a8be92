"""Words for what became of a column."""

from __future__ import annotations

import math

_WORDS = {
    "level": ("values are higher than", "values are lower than"),
    "spread": ("values are more spread out than", "values are less spread out than"),
    "skew": ("high values reach further than", "low values reach further than"),
    "tail_hi": ("more rows are very high than", "fewer rows are very high than"),
    "tail_lo": ("more rows are very low than", "fewer rows are very low than"),
    "far": ("more rows are far beyond all values known than", ""),
    "tiny": ("more rows are close to 0 without being 0 than", ""),
    "zero": ("more rows are 0 than", "fewer rows are 0 than"),
    "null": ("more rows are missing than", "fewer rows are missing than"),
    "distinct": ("more values differ from each other than", "values repeat more often than"),
    "top": ("more rows share the highest value than", ""),
    "mode": ("more rows share one value than", ""),
    "whole": ("more rows are whole numbers than", "fewer rows are whole numbers than"),
    "other": ("more rows have a rare value than", "fewer rows have a rare value than"),
    "unseen": ("more rows have a value never seen before than", ""),
    "rows": ("there are more rows than", "there are fewer rows than"),
}

_SCORES = ("level", "spread", "skew")
_LOGS = ("distinct", "rows")


def effect(scalar: str, usual: float, now: float) -> float:
    """How far a scalar moved: of logarithms as a ratio, else in its own unit."""
    return math.expm1(min(max(now - usual, -50.0), 50.0)) if scalar in _LOGS else now - usual


def unit(scalar: str) -> str:
    """Unit that a scalar is told in."""
    if scalar in _SCORES:
        return "reference sd"
    return {"rows": "log rows", "distinct": "log distinct values"}.get(scalar, "share of rows")


def phrase(scalar: str, *, rose: bool) -> str:
    """What it means that a scalar rose or fell."""
    if scalar in _WORDS:
        return _WORDS[scalar][0 if rose else 1]
    return f"the {scalar} is {'higher' if rose else 'lower'} than"


def figures(scalar: str, usual: float, now: float) -> str:
    """From what to what."""
    if scalar in _SCORES:
        return f"{now - usual:+.2f} reference sd"
    if scalar in _LOGS:
        return f"{100 * effect(scalar, usual, now):+.0f} %"
    return f"{100 * max(now, 0.0):.1f} % of rows instead of {100 * usual:.1f} %"


def capital(text: str) -> str:
    """The same with its first letter large."""
    return text[:1].upper() + text[1:]
