"""The terms each item is ordered on: what items say, and what the settings assume where they say nothing."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

from finalmile.errors import MissingInputError
from finalmile.frames import BoolArray, FloatArray, IntArray, NameArray, Panel
from finalmile.inventory import Position, position
from finalmile.simulation import UnitsArray
from finalmile.workflows.shop import Shop


def positions(
    shop: Shop,
    panel: Panel,
    *,
    on_hand: UnitsArray,
    arriving: UnitsArray | None = None,
) -> Position:
    """What a policy is told about each series of the panel, as known at its cutoff.

    Raises
    ------
    MissingInputError
        If an item has no lead time and none is assumed.
    """
    given = _Attributes(panel.ids, shop.known.items(panel.cutoff))
    lead, lead_assumed = lead_periods(shop, panel.ids, given)
    price = _or(given.number("unit_price"), last_price(panel))
    cost = given.number("unit_cost")
    cost_assumed = np.isnan(cost)
    assume = shop.config.assume
    return position(
        panel.ids,
        on_hand=on_hand,
        arriving=arriving,
        lead_periods=lead,
        review_periods=_review(shop, given),
        moq=_or(given.number("moq"), 0.0),
        pack_size=_or(given.number("pack_size"), 1.0),
        max_stock=_or(given.number("max_stock"), np.inf),
        unit_cost=np.where(cost_assumed, price * assume.unit_cost_share, cost),
        unit_price=price,
        order_cost=_or(given.number("order_cost"), assume.order_cost),
        supplier=given.text("supplier_id"),
        assumed=cost_assumed | lead_assumed,
    )


def holding_rate(shop: Shop, ids: NameArray, *, cutoff: int) -> UnitsArray:
    """Cost of holding stock for a year as a share of its value, by item."""
    given = _Attributes(ids, shop.known.items(cutoff)).number("holding_rate_per_year")
    return _or(given, shop.config.assume.holding_rate_per_year)


def lead_periods(shop: Shop, ids: NameArray, given: _Attributes) -> tuple[IntArray, BoolArray]:
    """Whole periods from order to arrival, rounded up, and which of them are assumed."""
    days = given.number("lead_time_days")
    unknown = np.isnan(days)
    if unknown.any():
        days = np.where(unknown, _assumed_lead(shop, ids, unknown), days)
    return np.ceil(days / shop.frequency.days - 1e-9).astype(np.int64), unknown


def _assumed_lead(shop: Shop, ids: NameArray, unknown: BoolArray) -> UnitsArray:
    assumed = shop.config.assume.lead_time_days
    if assumed is None:
        first = ", ".join(repr(str(name)) for name in ids[unknown][:3])
        raise MissingInputError(
            f"lead time unknown for {int(unknown.sum())} of {len(ids)} items ({first}): give lead_time_days in items, "
            "or assume one in finalmile.yaml, for example  assume: {lead_time_days: [3, 14]}"
        )
    low, high = assumed
    return np.array(
        [np.floor(low + chance(str(name), shop.config.assume.seed) * (high - low + 1 - 1e-9)) for name in ids]
    )


def chance(name: str, seed: int) -> float:
    """A number in [0, 1) that belongs to a name, whatever stands beside it.

    Examples
    --------
    >>> chance("a", 0) == chance("a", 0), chance("a", 0) != chance("b", 0)
    (True, True)
    """
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big") / 2**64


def last_price(panel: Panel) -> UnitsArray:
    """Newest price of each series up to the cutoff; NaN where none was ever given."""
    prices: FloatArray | None = panel.covariates.get("price")
    if prices is None:
        return np.full(panel.n, np.nan)
    known = prices[:, : panel.length]
    there = ~np.isnan(known)
    last = panel.length - 1 - there[:, ::-1].argmax(axis=1)
    return np.where(there.any(axis=1), known[np.arange(panel.n), last], np.nan).astype(np.float64)


def _review(shop: Shop, given: _Attributes) -> IntArray:
    days = _or(given.number("review_period_days"), shop.config.plan.review_period_days)
    return np.maximum(np.ceil(days / shop.frequency.days - 1e-9), 1).astype(np.int64)


def _or(values: UnitsArray, default: UnitsArray | float) -> UnitsArray:
    return np.where(np.isnan(values), default, values)


class _Attributes:
    """Item attributes lined up with ids."""

    def __init__(self, ids: NameArray, items: pl.DataFrame) -> None:
        wanted = pl.DataFrame({"unique_id": pl.Series(ids, dtype=pl.String)})
        if items.is_empty() or "unique_id" not in items.columns:
            self._frame = wanted
        else:
            self._frame = wanted.join(items.unique("unique_id"), on="unique_id", how="left", maintain_order="left")

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
