"""Chances and shares that settings name."""

from __future__ import annotations


def check_chance(name: str, value: float) -> None:
    """Refuse a service level, or another chance, that does not lie between 0 and 1.

    Examples
    --------
    >>> check_chance("fill_rate", 98)
    Traceback (most recent call last):
    ValueError: fill_rate is 98; it must lie between 0 and 1, for example 0.98
    """
    if not 0 < value < 1:
        raise ValueError(f"{name} is {value}; it must lie between 0 and 1, for example 0.98")
