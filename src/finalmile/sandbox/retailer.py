"""The simulated retailer: say what kind of shop, get its past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from finalmile.sandbox.assortment import Assortment, assemble, make_product, make_supplier
from finalmile.sandbox.demand import draw_demand, expected_demand, touched_products
from finalmile.sandbox.offers import make_offers
from finalmile.sandbox.regime import RegimeChange
from finalmile.sandbox.shop import lead_times, run_shop, terms_of
from finalmile.sandbox.world import KNOWN_AHEAD_DAYS, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Retailer:
    """Settings of a simulated chain of shops whose true demand is known.

    Demand is a negative binomial count around a mean with weekday and yearly profiles, trend, price elasticity,
    promotions, launches, discontinued products and a regional day-to-day factor. The shop orders by a textbook
    policy, so its stock-outs hide demand from its sales. All chance comes from the seed and a name (of a product,
    a series, a store): adding products leaves every other series as it was, and a longer world begins with the
    shorter one.

    Parameters
    ----------
    products, stores, days, start
        Size, and first day. Each product is sold in each store.
    country, currency
        Said in the tables; they do not change demand.
    intermittent, new, dying
        Shares of products that sell about once in four days, that are launched between days 90 and 640, and that
        are discontinued between days 240 and 800.
    promotions_per_year, price_moves_per_year
        Expected week-long promotions and lasting price changes of a product.
    suppliers, lead_time_days
        How many, and the range of their mean lead times.
    service_z
        Safety factor of the shop's own textbook policy; 1.65 aims at 95 % of order cycles without a stock-out.
    regimes
        Changes of known day, kind and size.

    Examples
    --------
    >>> world = Retailer(products=3, stores=2, days=60, new=0, dying=0).simulate()
    >>> world.sales.height, world.sales.columns
    (360, ['unique_id', 'ds', 'y', 'price', 'promo', 'on_hand'])
    >>> bool((world.demand["demand"] >= world.sales["y"]).all())
    True
    """

    seed: int = 0
    products: int = 50
    stores: int = 4
    days: int = 912
    start: date = date(2024, 1, 1)
    country: str = "DE"
    currency: str = "EUR"
    intermittent: float = 0.25
    new: float = 0.1
    dying: float = 0.06
    promotions_per_year: float = 5.0
    price_moves_per_year: float = 2.0
    suppliers: int = 6
    lead_time_days: tuple[int, int] = (3, 14)
    service_z: float = 1.65
    regimes: tuple[RegimeChange, ...] = ()

    def __post_init__(self) -> None:
        if min(self.products, self.stores, self.days, self.suppliers) < 1:
            raise ValueError(f"products, stores, days and suppliers must be at least 1, got {self}")
        for name in ("intermittent", "new", "dying"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share in [0, 1], got {getattr(self, name)}")
        if not 1 <= self.lead_time_days[0] <= self.lead_time_days[1]:
            raise ValueError(f"lead_time_days is a range of at least one day, got {self.lead_time_days}")

    def assortment(self) -> Assortment:
        """Products, stores and suppliers, before anything was sold."""
        products = tuple(
            make_product(
                self.seed,
                number,
                suppliers=self.suppliers,
                intermittent=self.intermittent,
                new=self.new,
                dying=self.dying,
            )
            for number in range(self.products)
        )
        suppliers = tuple(
            make_supplier(self.seed, number, lead_time_days=self.lead_time_days) for number in range(self.suppliers)
        )
        return assemble(products, suppliers, stores=self.stores, seed=self.seed)

    def simulate(self) -> World:
        """Live through all days."""
        assortment = self.assortment()
        offers = make_offers(
            assortment.products,
            days=self.days + KNOWN_AHEAD_DAYS,
            seed=self.seed,
            promotions_per_year=self.promotions_per_year,
            price_moves_per_year=self.price_moves_per_year,
        )
        mean = expected_demand(
            assortment, offers, start=self.start, days=self.days, regimes=self.regimes, seed=self.seed
        )
        demand = draw_demand(assortment, mean, regimes=self.regimes, seed=self.seed)
        shop = run_shop(
            demand,
            terms_of(assortment, offers.promo, z=self.service_z, seed=self.seed),
            lead=lead_times(assortment, days=self.days, seed=self.seed),
        )
        return World(
            start=self.start,
            days=self.days,
            country=self.country,
            currency=self.currency,
            assortment=assortment,
            offers=offers,
            shop=shop,
            true_demand=demand,
            expected=mean,
            regimes=self.regimes,
            touched_products=tuple(touched_products(assortment, r, seed=self.seed) for r in self.regimes),
        )
