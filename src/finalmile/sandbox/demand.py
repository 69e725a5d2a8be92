"""What customers want to buy, whether or not the shelf has it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from finalmile.frames import BoolArray, FloatArray, IntArray
from finalmile.sandbox.assortment import CATEGORIES, REGIONS, Assortment, Floats
from finalmile.sandbox.chance import generator
from finalmile.sandbox.offers import Offers
from finalmile.sandbox.regime import RegimeChange, RegimeKind


def touched_products(assortment: Assortment, regime: RegimeChange, *, seed: int) -> BoolArray:
    """Which products a regime change touches, shape (products,)."""
    return np.array(
        [regime.touches(p.product_id, CATEGORIES[p.category].name, seed=seed) for p in assortment.products],
        dtype=np.bool_,
    )


def expected_demand(
    assortment: Assortment, offers: Offers, *, start: date, days: int, regimes: Sequence[RegimeChange], seed: int
) -> FloatArray:
    r"""Expected units of each series and day, shape (n, days).

    .. math:: \mu_{it} = r_i \, w_{c,d(t)} \, s_{c,t} \, (1+g_i)^{t/365} (p_{it}/\bar p_{it})^{-e_i} (1+u_i x_{it})
       \, l_{it} \, m_{rt} \, k_i
    """
    per_product = _product_demand(assortment, offers, start=start, days=days, regimes=regimes, seed=seed)
    market = np.stack([_market(seed, region, days=days) for region in REGIONS])
    local = market[assortment.store_region] * assortment.store_size[:, None]
    taste = np.array([float(np.exp(0.25 * generator(seed, "taste", uid).standard_normal())) for uid in assortment.ids])
    mean = per_product[assortment.product] * local.astype(np.float32)[assortment.store]
    mean *= taste[:, None].astype(np.float32)
    return mean


def draw_demand(assortment: Assortment, mean: FloatArray, *, regimes: Sequence[RegimeChange], seed: int) -> FloatArray:
    """Negative binomial counts around the mean, shape (n, days): variance mean + mean^2 / dispersion."""
    dispersion = _over_days(assortment, "variance", regimes, days=mean.shape[1], seed=seed)
    own = np.array([p.dispersion for p in assortment.products])[:, None] / np.maximum(dispersion, 1e-6)
    counts = np.empty(mean.shape, dtype=np.float32)
    for row, uid in enumerate(assortment.ids):
        shape = own[assortment.product[row]]
        rate = generator(seed, "rate", uid).standard_gamma(shape) / shape
        counts[row] = generator(seed, "count", uid).poisson(rate * mean[row])
    return counts


def _product_demand(
    assortment: Assortment, offers: Offers, *, start: date, days: int, regimes: Sequence[RegimeChange], seed: int
) -> FloatArray:
    def field(name: str) -> Floats:
        return np.array([getattr(p, name) for p in assortment.products], dtype=np.float64)[:, None]

    def regime(kind: RegimeKind) -> Floats:
        return _over_days(assortment, kind, regimes, days=days, seed=seed)

    category = np.array([p.category for p in assortment.products], dtype=np.int64)
    day = np.arange(days)
    elasticity = field("elasticity") * regime("price")
    uplift = field("uplift") * regime("promotion")
    relative = offers.price[:, :days] / offers.regular[:, :days]
    mean = field("rate") * regime("level") * (1 + field("trend_per_year")) ** (day / 365)
    mean *= _weekday(category, start=start, days=days, moved=regime("weekday") - 1)
    mean *= _season(start, days=days)[category]
    mean *= relative**-elasticity * (1 + uplift * offers.promo[:, :days])
    mean *= _life(field("launch"), field("death"), day=day)
    return mean.astype(np.float32)


def _over_days(
    assortment: Assortment, kind: RegimeKind, regimes: Sequence[RegimeChange], *, days: int, seed: int
) -> Floats:
    """Factor of one kind of regime per product and day: 1 without a change (1 + share for ``"weekday"``)."""
    factor = np.ones((len(assortment.products), days))
    for regime in regimes:
        if regime.kind == kind:
            full = regime.size if kind == "weekday" else regime.size - 1
            factor[touched_products(assortment, regime, seed=seed)] *= 1 + full * regime.strength(days)
    return factor


def _weekday(category: IntArray, *, start: date, days: int, moved: Floats) -> Floats:
    weekday = (start.weekday() + np.arange(days)) % 7
    profile = np.array([c.weekday for c in CATEGORIES])
    profile /= profile.mean(axis=1, keepdims=True)
    usual, shifted = profile[category][:, weekday], profile[category][:, (weekday + 3) % 7]
    mixed: Floats = (1 - moved) * usual + moved * shifted
    return mixed


def _season(start: date, *, days: int) -> Floats:
    """Yearly factor per category and day."""
    of_year = np.array([(start + timedelta(days=t)).timetuple().tm_yday for t in range(days)])
    wave = np.array([1 + c.season * np.cos(2 * np.pi * (of_year - c.peak) / 365.25) for c in CATEGORIES])
    rise = np.exp(-0.5 * ((of_year - 352) / 10) ** 2)
    factor: Floats = wave + np.array([c.christmas for c in CATEGORIES])[:, None] * rise
    return factor


def _life(launch: Floats, death: Floats, *, day: IntArray) -> Floats:
    """Nothing before launch, a month to grow; a month's decay after death, then nothing."""
    age, after = day - launch, day - death
    growing = np.where(launch > 0, 1 - 0.7 * np.exp(-np.maximum(age, 0) / 15), 1.0)
    dying = np.where(after > 0, np.exp(-np.maximum(after, 0) / 12), 1.0)
    life: Floats = np.where((age >= 0) & (after <= 60), growing * dying, 0.0)
    return life


def _market(seed: int, region: str, *, days: int) -> Floats:
    """What all products of a region share from day to day: log AR(1), mean 1."""
    shocks = generator(seed, "market", region).normal(0.0, 0.035, days)
    level = np.empty(days)
    last = 0.0
    for t, shock in enumerate(shocks):
        last = 0.5 * last + shock
        level[t] = last
    market: Floats = np.exp(level)
    return market
