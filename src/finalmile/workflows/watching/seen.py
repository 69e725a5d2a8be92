"""What a look sees of one period, and what it tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from finalmile.frames import FloatArray, IntArray, NameArray, Panel
from finalmile.records import Finding, Version
from finalmile.simulation import UnitsArray
from finalmile.workflows import ready_made
from finalmile.workflows.arms import rows_in
from finalmile.workflows.shop import Issued, Shop
from finalmile.workflows.terms import last_price

Some = TypeVar("Some", bound=np.floating[Any])
Made = TypeVar("Made")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A period that has come true, and what was forecast of it.

    Parameters
    ----------
    period
        The period that is judged.
    panel
        Sales up to the newest cutoff that is judged; what came after the period is in it and not to be used.
    told
        Forecasts of the period, as made before it.
    version
        That made them.
    returned
        Whether another version was judged at the look before.
    """

    period: int
    panel: Panel
    told: Issued
    version: Version
    returned: bool = False
    _made: dict[str, Any] = field(default_factory=dict[str, Any], repr=False, compare=False)

    def once(self, name: str, make: Callable[[], Made], /) -> Made:
        """What several looks at this period share, made by the first that asks."""
        if name not in self._made:
            self._made[name] = make()
        made: Made = self._made[name]
        return made

    @property
    def column(self) -> int:
        """Of the period in the panel."""
        return self.period - self.panel.first

    @property
    def ids(self) -> NameArray:
        """Series that were forecast, shape (n,)."""
        return self.told.ids

    @cached_property
    def rows(self) -> IntArray:
        """Rows of the panel that those series have, -1 where none, shape (n,)."""
        return rows_in(self.panel.ids, self.told.ids)

    @cached_property
    def actual(self) -> FloatArray:
        """What was sold, shape (n,): NaN where it is not known or was cut short by a stock-out."""
        return self.of_panel(self.panel.demand()[:, self.column])

    @cached_property
    def price(self) -> UnitsArray:
        """Last price known at the period, shape (n,)."""
        return self.of_panel(np.append(last_price(self.here), np.nan)[self._rows_here])

    @cached_property
    def _rows_here(self) -> IntArray:
        """Rows of :attr:`here` that series of the whole panel have, -1 for those listed later."""
        if self.here.n == self.panel.n:
            return np.arange(self.panel.n, dtype=np.int64)
        return rows_in(self.here.ids, self.panel.ids)

    @cached_property
    def before(self) -> Panel:
        """The panel as it ends with the cutoff that the forecast was made at."""
        return self.panel.at(max(self.told.cutoff, self.panel.first))

    @cached_property
    def here(self) -> Panel:
        """The panel as it ends with the period."""
        return self.panel.at(self.period)

    def of_panel(self, values: npt.NDArray[Some]) -> npt.NDArray[Some]:
        """Values by row of the panel, shape (m,), as those of the series that were forecast, NaN where unknown."""
        if not len(values):
            return np.full(len(self.rows), np.nan, dtype=values.dtype)
        return np.where(self.rows >= 0, values[self.rows], values.dtype.type(np.nan))

    def attribute(self, name: str) -> NameArray:
        """A hierarchy value of the series that were forecast, shape (n,); empty where it is not known."""
        values = self.panel.statics.get(name)
        if values is None or not len(values):
            return np.full(len(self.rows), "", dtype=object)
        return np.where(self.rows >= 0, values[self.rows], "").astype(object)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a look found, and the states to be kept once its findings are."""

    findings: tuple[Finding, ...] = ()
    states: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


Look = Callable[[Shop, str, Seen], Told | None]
"""Watches one period of a model; ``None`` where it does not apply."""


def state_key(name: str, version: Version) -> str:
    """Evidence belongs to a version; that of ready-made forecasts to their source, which brings a version a day."""
    return f"{name}/{version.model}/{version.kind}" if version.kind == ready_made.KIND else f"{name}/{version}"
