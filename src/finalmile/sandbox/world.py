"""A simulated past: the tables a retailer would hand over, and the truth it would not know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from finalmile.frames import BoolArray, FloatArray, Frequency, IntArray
from finalmile.sandbox.assortment import CATEGORIES, NEVER, REGIONS, Assortment
from finalmile.sandbox.offers import Offers
from finalmile.sandbox.regime import RegimeChange
from finalmile.sandbox.shop import Shop

TABLES = ("sales", "items", "stock", "receipts", "open_orders", "future")
KNOWN_AHEAD_DAYS = 28
DELISTED_AFTER_DAYS = 60
HOLDING_RATE_PER_YEAR = 0.25


@dataclass(frozen=True, kw_only=True)
class World:
    """What a :class:`Retailer` lived through, day by day.

    The tables (``sales``, ``items``, ``stock``, ``receipts``, ``open_orders``, ``future``) have the shapes that
    ingest takes and hold only what a shop would know. ``demand``, ``touched`` and ``regimes`` are the truth.

    Parameters
    ----------
    start, days
        First day, and number of days lived.
    true_demand, expected : array of shape (n, days)
        Units customers wanted, and the mean they were drawn from.
    """

    start: date
    days: int
    country: str
    currency: str
    assortment: Assortment
    offers: Offers
    shop: Shop
    true_demand: FloatArray
    expected: FloatArray
    regimes: tuple[RegimeChange, ...]
    touched_products: tuple[BoolArray, ...]

    @property
    def end(self) -> date:
        """Last day lived."""
        return self.start + timedelta(days=self.days - 1)

    @property
    def regime_dates(self) -> tuple[date, ...]:
        """First day of each regime change."""
        return tuple(self.start + timedelta(days=regime.day) for regime in self.regimes)

    @cached_property
    def touched(self) -> tuple[frozenset[str], ...]:
        """``unique_id`` of the series that each regime change touches."""
        return tuple(
            frozenset(self.assortment.ids[products[self.assortment.product]].tolist())
            for products in self.touched_products
        )

    @cached_property
    def sales(self) -> pl.DataFrame:
        """A row per listed day: ``unique_id, ds, y, price, promo, on_hand``.

        ``y`` is what was sold, ``on_hand`` what was left in the evening.
        """
        rows, days = np.nonzero(self.listed)
        product = self.assortment.product[rows]
        return pl.DataFrame(
            {
                **self._keys(rows, days),
                "y": self.shop.sold[rows, days],
                "price": self.offers.price[product, days],
                "promo": self.offers.promo[product, days],
                "on_hand": self.shop.on_hand[rows, days],
            }
        )

    @cached_property
    def demand(self) -> pl.DataFrame:
        """Hidden truth: ``unique_id, ds, demand, expected, lost`` of the same rows as :attr:`sales`."""
        rows, days = np.nonzero(self.listed)
        wanted = self.true_demand[rows, days]
        return pl.DataFrame(
            {
                **self._keys(rows, days),
                "demand": wanted,
                "expected": self.expected[rows, days],
                "lost": wanted - self.shop.sold[rows, days],
            }
        )

    @cached_property
    def items(self) -> pl.DataFrame:
        """One row per series listed so far, with the terms of its first day; ``moq`` is one pack."""
        rows = np.flatnonzero(self.listed.any(axis=1))
        shop = self.assortment
        products = [shop.product_of(row) for row in map(int, rows)]
        suppliers = [shop.supplier_of(row) for row in map(int, rows)]
        price = self.offers.regular[shop.product[rows], np.argmax(self.listed[rows], axis=1)].astype(np.float64)
        frame = pl.DataFrame(
            {
                "unique_id": pl.Series(shop.ids[rows], dtype=pl.String),
                "product_id": [p.product_id for p in products],
                "location_id": [shop.store_of(row) for row in map(int, rows)],
                "category": [CATEGORIES[p.category].name for p in products],
                "region": [REGIONS[int(region)] for region in shop.store_region[shop.store[rows]]],
                "country": [self.country] * len(rows),
                "supplier_id": [s.supplier_id for s in suppliers],
                "unit_cost": [round(p.price * p.cost_share, 2) for p in products],
                "unit_price": price.round(2),
                "holding_rate_per_year": [HOLDING_RATE_PER_YEAR] * len(rows),
                "lead_time_days": [s.lead_time_days for s in suppliers],
                "lead_time_sd_days": [s.lead_time_sd_days for s in suppliers],
                "review_period_days": [s.review_period_days for s in suppliers],
                "moq": [p.pack_size for p in products],
                "pack_size": [p.pack_size for p in products],
                "order_cost": [s.order_cost for s in suppliers],
            }
        )
        return frame.sort("unique_id")

    @cached_property
    def stock(self) -> pl.DataFrame:
        """``unique_id, at, on_hand``: an evening's count for each listed day."""
        rows, days = np.nonzero(self.listed)
        keys = self._keys(rows, days)
        return pl.DataFrame(
            {"unique_id": keys["unique_id"], "at": keys["ds"], "on_hand": self.shop.on_hand[rows, days]}
        )

    @cached_property
    def receipts(self) -> pl.DataFrame:
        """Order lines delivered so far: order_id, supplier, unique_id, quantity, ordered_at, due, received_at."""
        return self._orders(self.shop.arrives < self.days).with_columns(
            received_at=self._dates(self.shop.arrives[self.shop.arrives < self.days])
        )

    @cached_property
    def open_orders(self) -> pl.DataFrame:
        """Order lines still on their way after the last day, late ones included."""
        return self._orders(self.shop.arrives >= self.days)

    @cached_property
    def future(self) -> pl.DataFrame:
        """The offer of each day, past and four weeks ahead: ``unique_id, ds, price, promo, known_at``.

        Every offer was decided 28 days before it held.
        """
        width = self.offers.price.shape[1]
        ahead = np.repeat(self.listed[:, -1:], width - self.days, axis=1)
        rows, days = np.nonzero(np.concatenate([self.listed, ahead], axis=1))
        product = self.assortment.product[rows]
        keys = self._keys(rows, days)
        decided = keys["ds"].cast(pl.Datetime("us")) - timedelta(days=KNOWN_AHEAD_DAYS)
        return pl.DataFrame(
            {
                **keys,
                "price": self.offers.price[product, days],
                "promo": self.offers.promo[product, days],
                "known_at": decided.dt.replace_time_zone("UTC"),
            }
        )

    @cached_property
    def listed(self) -> BoolArray:
        """Whether each series is sold on each day, shape (n, days)."""
        day = np.arange(self.days)
        launch = self.assortment.of_product("launch")[:, None]
        death = self.assortment.of_product("death")[:, None]
        on_sale: BoolArray = (day >= launch) & (day <= np.minimum(death + DELISTED_AFTER_DAYS, NEVER))
        return on_sale

    @property
    def fill_rate(self) -> float | None:
        """Share of demanded units that the shop's own ordering could sell; ``None`` without demand."""
        wanted = float(self.true_demand.sum(dtype=np.float64))
        return float(self.shop.sold.sum(dtype=np.float64)) / wanted if wanted else None

    def tables(self) -> Mapping[str, pl.DataFrame]:
        """The tables a shop hands over, by the name ingest knows them by."""
        return {name: getattr(self, name) for name in TABLES}

    def save(self, folder: Path) -> dict[str, Path]:
        """Write each table as ``<name>.parquet`` into an existing folder, the truth as ``demand.parquet``."""
        paths: dict[str, Path] = {}
        for name, frame in {**self.tables(), "demand": self.demand}.items():
            paths[name] = folder / f"{name}.parquet"
            frame.write_parquet(paths[name])
        return paths

    def _dates(self, days: IntArray) -> pl.Series:
        frequency = Frequency("day")
        return frequency.start(np.asarray(days, dtype=np.int64) + frequency.index_of(self.start))

    def _keys(self, rows: IntArray, days: IntArray) -> dict[str, pl.Series]:
        names = pl.Series(self.assortment.ids, dtype=pl.String)
        return {"unique_id": names.gather(rows).alias("unique_id"), "ds": self._dates(days)}

    def _orders(self, chosen: BoolArray) -> pl.DataFrame:
        shop, assortment = self.shop, self.assortment
        rows = shop.series[chosen]
        suppliers = [assortment.supplier_of(row).supplier_id for row in range(len(assortment.ids))]
        stores = [assortment.store_of(row) for row in range(len(assortment.ids))]
        frame = pl.DataFrame(
            {
                "supplier": pl.Series(suppliers, dtype=pl.String).gather(rows),
                "store": pl.Series(stores, dtype=pl.String).gather(rows),
                "unique_id": pl.Series(assortment.ids, dtype=pl.String).gather(rows),
                "quantity": shop.quantity[chosen],
                "ordered_at": self._dates(shop.ordered[chosen]),
                "due": self._dates(shop.due[chosen]),
            }
        )
        order_id = pl.format("PO-{}-{}-{}", "supplier", "store", pl.col("ordered_at").dt.strftime("%Y%m%d"))
        return frame.select(order_id.alias("order_id"), pl.exclude("store"))
