"""Text cells of CSV files that a spreadsheet would run as a formula: guarded when written, as they were when read."""

from __future__ import annotations

import polars as pl

_RUN = r"[=+\-@\t\r]"
_GUARDED, _TO_GUARD = rf"^'('*{_RUN})", rf"^('*{_RUN})"


def guarded(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with an apostrophe before every text, and every column name, that a spreadsheet would run.

    These are the ones that begin with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return, whatever apostrophes
    they have in front, so that :func:`unguarded` always gives back what was there. Columns of numbers stay.

    Examples
    --------
    >>> guarded(pl.DataFrame({"unique_id": ["=1+1", "milk"], "y": [-1.0, 2.0]})).rows()
    [("'=1+1", -1.0), ('milk', 2.0)]
    """
    return _replaced(frame, _TO_GUARD, "'${1}")


def unguarded(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame without the apostrophes that :func:`guarded` wrote.

    Examples
    --------
    >>> unguarded(pl.DataFrame({"unique_id": ["'=1+1", "'s Gravenhage"]})).rows()
    [('=1+1',), ("'s Gravenhage",)]
    """
    return _replaced(frame, _GUARDED, "${1}")


def _replaced(frame: pl.DataFrame, pattern: str, by: str) -> pl.DataFrame:
    names = pl.Series(frame.columns, dtype=pl.String).str.replace(pattern, by).to_list()
    texts = pl.col(pl.String, pl.Categorical, pl.Enum).cast(pl.String).str.replace(pattern, by)
    return frame.with_columns(texts).rename(dict(zip(frame.columns, names, strict=True)))
