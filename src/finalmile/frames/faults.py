"""All faults of a frame, gathered so that they can be raised once, each with its column, rows and mend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from finalmile.errors import CONTROL

_SHOWN = 3
_NO_CONTROL = "remove them: names hold no line breaks, tabs, escape codes or marks that turn the reading direction"


@dataclass(slots=True, kw_only=True)
class Faults:
    """What is wrong with one source.

    Parameters
    ----------
    source
        The file or frame, as the user named it.
    rows
        How many rows it has.
    parts
        Name and number of rows of each file, in order, where the source is several files.

    Examples
    --------
    >>> faults = Faults(source="sales.csv", rows=3)
    >>> _ = faults.add("y", "is not a number", mend="write 1.5", bad=pl.Series([False, True, False]),
    ...            values=pl.Series(["1", "x", "2"]))
    >>> faults.found
    ["y: 1 of 3 rows is not a number: row 2 ('x'); write 1.5"]
    """

    source: str
    rows: int
    parts: Sequence[tuple[str, int]] = ()
    found: list[str] = field(default_factory=list[str])

    def say(self, column: str, what: str, *, mend: str) -> None:
        """Note a fault of the column as a whole."""
        self.found.append(f"{column}: {what}; {mend}")

    def add(self, column: str, what: str, *, mend: str, bad: pl.Series, values: pl.Series | None = None) -> bool:
        """Note a fault of the rows where ``bad`` is true; whether there were any."""
        return self.add_at(column, what, mend=mend, at=bad.fill_null(value=False).arg_true(), values=values)

    def add_at(self, column: str, what: str, *, mend: str, at: pl.Series, values: pl.Series | None = None) -> bool:
        """Note a fault of the rows at these 0-based positions; whether there were any."""
        if len(at):
            told = f"{len(at):,} of {self.rows:,} rows {what}: {self.places(at, values)}"
            self.found.append(f"{column}: {told}; {mend}")
        return len(at) > 0

    def add_steering(self, names: pl.Series) -> bool:
        """Note names with control characters: names are shown in logs, terminals and files, and may not steer them."""
        bad = names.str.contains(CONTROL)
        return self.add(names.name, "hold control characters", mend=_NO_CONTROL, bad=bad, values=names)

    def places(self, at: pl.Series, values: pl.Series | None = None) -> str:
        """The first of these row positions in words, with the values found there."""
        first = at.head(_SHOWN).to_list()
        told = [self.place(row) + ("" if values is None else f" ({_value(values[row])})") for row in first]
        more = len(at) - len(told)
        return ", ".join(told) + (f" and {more:,} more" if more else "")

    def place(self, row: int) -> str:
        """Where the row at a 0-based position is: rows count from 1 and headers do not count."""
        if len(self.parts) < 2:
            return f"row {row + 1}"
        ends = np.cumsum([rows for _, rows in self.parts])
        part = int(np.searchsorted(ends, row, side="right"))
        before = int(ends[part - 1]) if part else 0
        return f"{self.parts[part][0]} row {row - before + 1}"


def _value(value: object) -> str:
    return "empty" if value is None else repr(value) if isinstance(value, str) else str(value)
