"""Numbers of things in sentences."""

from __future__ import annotations


def number_of(n: int, thing: str) -> str:
    """So many things, in the plural where there are several.

    Examples
    --------
    >>> number_of(1, "line"), number_of(1200, "line")
    ('1 line', '1,200 lines')
    """
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"
