"""Attributes of items, lined up with ids."""

from __future__ import annotations

import numpy as np
import polars as pl

from finalmile.frames import NameArray
from finalmile.simulation import UnitsArray


class Attributes:
    """Item attributes lined up with ids; of an item that is told twice, the first row counts."""

    def __init__(self, ids: NameArray, items: pl.DataFrame) -> None:
        self.ids = ids
        wanted = pl.DataFrame({"unique_id": pl.Series(ids, dtype=pl.String)})
        if items.is_empty() or "unique_id" not in items.columns:
            self._frame = wanted
        else:
            self._frame = wanted.join(
                items.unique("unique_id", keep="first", maintain_order=True),
                on="unique_id",
                how="left",
                maintain_order="left",
            )

    def number(self, name: str) -> UnitsArray:
        """A numeric attribute, NaN where it is not given."""
        if name not in self._frame.columns:
            return np.full(self._frame.height, np.nan)
        return self._frame[name].cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy().astype(np.float64)

    def text(self, name: str) -> NameArray:
        """A text attribute, empty where it is not given."""
        if name not in self._frame.columns:
            return np.full(self._frame.height, "", dtype=object)
        values: NameArray = self._frame[name].cast(pl.String).fill_null("").to_numpy().astype(object)
        return values
