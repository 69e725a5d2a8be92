"""Which products, stores and suppliers the simulated retailer has, and what each is like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finalmile.frames import IntArray, NameArray
from finalmile.sandbox.chance import generator

Floats = npt.NDArray[np.float64]

NEVER = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """What products of one kind have in common.

    Parameters
    ----------
    weekday
        Factor per weekday, Monday first; the mean is 1.
    season, peak
        Amplitude of the yearly wave in [0, 1) and the day of the year it peaks.
    christmas
        Extra share of demand at the height of December.
    rate, price
        Median units a day in an average store, and median shelf price.
    elasticity, uplift
        Demand goes with price to the power of minus ``elasticity``; a promotion adds ``uplift`` beyond its price.
    """

    name: str
    weekday: tuple[float, ...]
    season: float
    peak: int
    christmas: float
    rate: float
    price: float
    elasticity: float
    uplift: float


CATEGORIES: tuple[Category, ...] = (
    Category(name="fresh", weekday=(0.88, 0.85, 0.9, 0.98, 1.2, 1.37, 0.82), season=0.10, peak=180,
             christmas=0.25, rate=9.0, price=2.4, elasticity=1.2, uplift=0.4),
    Category(name="pantry", weekday=(0.92, 0.9, 0.93, 0.98, 1.12, 1.3, 0.85), season=0.08, peak=20,
             christmas=0.3, rate=6.0, price=3.2, elasticity=1.6, uplift=0.7),
    Category(name="drinks", weekday=(0.8, 0.82, 0.88, 1.0, 1.3, 1.45, 0.75), season=0.35, peak=200,
             christmas=0.5, rate=7.0, price=4.5, elasticity=1.9, uplift=0.9),
    Category(name="household", weekday=(0.97, 0.95, 0.95, 0.97, 1.05, 1.26, 0.85), season=0.04, peak=90,
             christmas=0.05, rate=2.5, price=6.5, elasticity=1.4, uplift=0.8),
    Category(name="toys", weekday=(0.8, 0.8, 0.85, 0.9, 1.1, 1.6, 0.95), season=0.12, peak=330,
             christmas=1.8, rate=0.9, price=18.0, elasticity=1.8, uplift=0.5),
)  # fmt: skip

REGIONS = ("north", "south", "west")


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product of the chain, the same in every store."""

    product_id: str
    category: int
    rate: float
    dispersion: float
    elasticity: float
    uplift: float
    trend_per_year: float
    price: float
    cost_share: float
    supplier: int
    pack_size: int
    launch: int
    death: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplier:
    """Who delivers, how often one may order, and how long it takes."""

    supplier_id: str
    lead_time_days: float
    lead_time_sd_days: float
    review_period_days: int
    order_cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Assortment:
    """Every product in every store: ``n`` series, sorted by ``unique_id``.

    ``product`` and ``store`` (shape (n,)) say which row of ``products`` and of the store arrays a series has.
    """

    ids: NameArray
    product: IntArray
    store: IntArray
    products: tuple[Product, ...]
    suppliers: tuple[Supplier, ...]
    store_ids: tuple[str, ...]
    store_region: IntArray
    store_size: Floats

    def product_of(self, row: int) -> Product:
        """Product of one series."""
        return self.products[int(self.product[row])]

    def supplier_of(self, row: int) -> Supplier:
        """Supplier of one series."""
        return self.suppliers[self.product_of(row).supplier]

    def store_of(self, row: int) -> str:
        """Store of one series."""
        return self.store_ids[int(self.store[row])]

    def of_product(self, name: str) -> Floats:
        """A field of each series' product, shape (n,)."""
        return np.array([getattr(p, name) for p in self.products], dtype=np.float64)[self.product]

    def of_supplier(self, name: str) -> Floats:
        """A field of each series' supplier, shape (n,)."""
        values = np.array([getattr(s, name) for s in self.suppliers], dtype=np.float64)
        return values[np.array([p.supplier for p in self.products], dtype=np.int64)[self.product]]


def make_product(seed: int, number: int, *, suppliers: int, intermittent: float, new: float, dying: float) -> Product:
    """Draw product ``number`` from its own luck; ``intermittent``, ``new`` and ``dying`` are shares in [0, 1]."""
    product_id = f"P{number + 1:05d}"
    luck = generator(seed, "product", product_id)
    kinds = luck.random(3)
    category = int(luck.integers(len(CATEGORIES)))
    kind = CATEGORIES[category]
    spread = luck.standard_normal(4)
    slow = kinds[0] < intermittent
    life = luck.integers((90, 240), (640, 800))
    return Product(
        product_id=product_id,
        category=category,
        rate=(0.25 if slow else kind.rate) * float(np.exp(0.7 * spread[0])),
        dispersion=float(luck.uniform(0.6, 1.5) if slow else luck.uniform(3, 15)),
        elasticity=kind.elasticity * float(np.exp(0.2 * spread[1])),
        uplift=kind.uplift * float(np.exp(0.3 * spread[2])),
        trend_per_year=float(luck.normal(0.0, 0.08)),
        price=max(0.49, round(kind.price * float(np.exp(0.5 * spread[3])), 1) - 0.01),
        cost_share=float(luck.uniform(0.6, 0.78)),
        supplier=int(luck.integers(suppliers)),
        pack_size=1 if slow else int(luck.choice([1, 4, 6, 12])),
        launch=int(life[0]) if kinds[1] < new else 0,
        death=int(life[1]) if kinds[2] < dying else NEVER,
    )


def make_supplier(seed: int, number: int, *, lead_time_days: tuple[int, int]) -> Supplier:
    """Draw supplier ``number``: mean lead time inside the range, a weekly or faster review."""
    supplier_id = f"SUP{number + 1:02d}"
    luck = generator(seed, "supplier", supplier_id)
    mean = float(luck.integers(lead_time_days[0], lead_time_days[1] + 1))
    return Supplier(
        supplier_id=supplier_id,
        lead_time_days=mean,
        lead_time_sd_days=round(float(luck.uniform(0.05, 0.3)) * mean, 2),
        review_period_days=int(luck.choice([2, 3, 7])),
        order_cost=float(luck.integers(10, 41)),
    )


def assemble(products: tuple[Product, ...], suppliers: tuple[Supplier, ...], *, stores: int, seed: int) -> Assortment:
    """Put every product into every store."""
    store_ids = tuple(f"S{number + 1:03d}" for number in range(stores))
    lucks = [generator(seed, "store", store_id) for store_id in store_ids]
    ids = [f"{store}_{p.product_id}" for store in store_ids for p in products]
    return Assortment(
        ids=np.array(ids, dtype=object),
        product=np.tile(np.arange(len(products), dtype=np.int64), stores),
        store=np.repeat(np.arange(stores, dtype=np.int64), len(products)),
        products=products,
        suppliers=suppliers,
        store_ids=store_ids,
        store_region=np.array([int(luck.integers(len(REGIONS))) for luck in lucks], dtype=np.int64),
        store_size=np.array([float(np.exp(0.35 * luck.standard_normal())) for luck in lucks], dtype=np.float64),
    )
