"""Refusing costs and rates that no formula has an answer for."""

from __future__ import annotations

import math


def positive(**values: float) -> None:
    """Raise ``ValueError`` naming the first value that is not above 0 and finite."""
    for name, value in values.items():
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(f"{name} is {value}; it must be a number above 0")


def not_negative(**values: float) -> None:
    """Raise ``ValueError`` naming the first value that is below 0 or not finite."""
    for name, value in values.items():
        if not (value >= 0 and math.isfinite(value)):
            raise ValueError(f"{name} is {value}; it must be a number of 0 or more")
