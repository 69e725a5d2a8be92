"""The sales that were read last, from which narrower windows are cut: a business day asks for several."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from finalmile.frames import IntArray, Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A panel, the period it was asked from (``None`` for all), periods with rows, each series' first period."""

    panel: Panel
    since: int | None
    told: IntArray
    begins: IntArray


@dataclass(slots=True)
class LastRead:
    """One panel of past sales, kept until a wider one is read.

    What is cut from it is what reading the narrower window would give, without a second look at the table. It lives
    as long as the object that read it, which is given up when rows arrive.
    """

    _read: _Read | None = None

    def keep(self, panel: Panel, *, since: int | None, told: IntArray, begins: IntArray) -> None:
        """Remember a panel without columns past its cutoff.

        Parameters
        ----------
        since
            First period that was asked for, ``None`` for all; the panel begins with the first one that has rows.
        told
            Periods that have rows.
        begins : array of shape (n,)
            Period in which each series is listed.
        """
        self._read = _Read(panel=panel, since=since, told=np.sort(told), begins=begins)

    def cut(self, cutoff: int, *, periods: int | None) -> Panel | None:
        """The window of so many periods up to a cutoff; ``None`` where it was not read."""
        read = self._read
        since = None if periods is None else cutoff - periods + 1
        if read is None or not read.panel.first <= cutoff <= read.panel.cutoff:
            return None
        if read.since is not None and (since is None or since < read.since):
            return None
        return _window(read, cutoff, since=read.panel.first if since is None else since)


def _window(read: _Read, cutoff: int, *, since: int) -> Panel:
    """Columns from the first period with rows on, of the series listed by the cutoff."""
    inside = read.told[(read.told >= since) & (read.told <= cutoff)]
    first = int(inside[0]) if len(inside) else cutoff
    columns = slice(first - read.panel.first, cutoff - read.panel.first + 1)
    panel = replace(
        read.panel,
        first=first,
        y=read.panel.y[:, columns],
        censored=read.panel.censored[:, columns],
        covariates={name: values[:, columns] for name, values in read.panel.covariates.items()},
    )
    listed = np.flatnonzero(read.begins <= cutoff)
    return panel if len(listed) == panel.n else panel.take(listed)
