"""Where effect sizes register."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import polars as pl

from finalmile.monitoring.effects.effect import Effect
from finalmile.monitoring.effects.pairs import Counted, Ordered
from finalmile.plugins import Registry


class EffectSize(Protocol):
    """One figure for how far a current sample is from its reference; never raises on data.

    ``ordered_only`` says that categories have no such figure.
    """

    ordered_only: ClassVar[bool]

    def __call__(self, pair: Ordered | Counted, /) -> Effect:
        """The figure, or one whose value is ``None`` with the reason."""
        ...


effects: Registry[EffectSize] = Registry("effect size", package="finalmile.monitoring.effects.sizes")
"""The built-in effect sizes, one per file."""


class TableEffect(Protocol):
    """One figure for how far all columns together are from their reference; never raises on data."""

    def __call__(self, reference: pl.DataFrame, current: pl.DataFrame, /) -> Any:
        """The figure, with what it comes from."""
        ...


table_effects: Registry[TableEffect] = Registry("table effect", package="finalmile.monitoring.effects.tables")
"""Effect sizes of whole tables, one per file."""
