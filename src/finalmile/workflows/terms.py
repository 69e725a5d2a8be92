"""The terms each item is ordered on: what items say, and what the settings assume where they say nothing."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import cache

import numpy as np

from finalmile.errors import MissingInputError
from finalmile.frames import BoolArray, FloatArray, IntArray, NameArray, Panel
from finalmile.inventory import Position, position
from finalmile.inventory.lead_times import LeadTime, LeadTimes, from_mean_sd, from_sample, side_by_side
from finalmile.simulation import UnitsArray
from finalmile.workflows.attributes import Attributes
from finalmile.workflows.calendars import on_calendars
from finalmile.workflows.known import end_of
from finalmile.workflows.shop import Shop


def positions(
    shop: Shop,
    panel: Panel,
    *,
    on_hand: UnitsArray,
    arriving: UnitsArray | None = None,
) -> Position:
    """What a policy is told about each series of the panel, as known at its cutoff.

    Where the settings let orders overtake each other, lead times are told as stock feels them, and single deliveries
    beside them.

    Raises
    ------
    MissingInputError
        If an item has no lead time and none is assumed.
    """
    given = Attributes(panel.ids, shop.known.items(panel.cutoff))
    supplier = given.text("supplier_id")
    single, lead_assumed = lead_times_of(shop, given, supplier=supplier, cutoff=panel.cutoff, overtake=False)
    overtake = shop.config.plan.orders_overtake and bool(single.vary.any())
    took = lead_times_of(shop, given, supplier=supplier, cutoff=panel.cutoff, overtake=True)[0] if overtake else single
    price = _or(given.number("unit_price"), last_price(panel))
    cost = given.number("unit_cost")
    cost_assumed = np.isnan(cost)
    assume = shop.config.assume
    at = position(
        panel.ids,
        on_hand=on_hand,
        arriving=arriving,
        lead_periods=np.ceil(took.mean - 1e-9).astype(np.int64),
        lead_times=took,
        deliveries=single if overtake else None,
        review_periods=_review(shop, given),
        moq=_or(given.number("moq"), 0.0),
        pack_size=_or(given.number("pack_size"), 1.0),
        max_stock=_or(given.number("max_stock"), np.inf),
        unit_cost=np.where(cost_assumed, price * assume.unit_cost_share, cost),
        unit_price=price,
        order_cost=_or(given.number("order_cost"), assume.order_cost),
        shared_order_cost=_shared_order_cost(shop, supplier),
        holding_rate=holding_rate(shop, panel.ids, cutoff=panel.cutoff) * shop.frequency.days / 365.0,
        supplier=supplier,
        assumed=cost_assumed | lead_assumed,
        cost_assumed=cost_assumed,
    )
    return on_calendars(shop, at, given, cutoff=panel.cutoff)


def holding_rate(shop: Shop, ids: NameArray, *, cutoff: int) -> UnitsArray:
    """Cost of holding stock for a year as a share of its value, by item."""
    given = Attributes(ids, shop.known.items(cutoff)).number("holding_rate_per_year")
    return _or(given, shop.config.assume.holding_rate_per_year)


def _shared_order_cost(shop: Shop, supplier: NameArray) -> UnitsArray:
    told = {name: terms.order_cost for name, terms in shop.config.suppliers.items()}
    return np.array([told.get(str(name), 0.0) for name in supplier], dtype=np.float64)


def lead_times_of(
    shop: Shop, given: Attributes, *, supplier: NameArray, cutoff: int, overtake: bool
) -> tuple[LeadTimes, BoolArray]:
    """How long orders take, in periods, and for which items that is assumed.

    From a supplier's own deliveries where enough came by the cutoff; else from what items say, with
    ``lead_time_days_sd`` as gamma; else as the settings assume.
    """
    learned, length = _learned(shop, cutoff), shop.frequency.days
    days, sd = given.number("lead_time_days"), _or(given.number("lead_time_days_sd"), 0.0)
    names = [str(name) for name in supplier]
    unknown = np.isnan(days) & ~np.array([name in learned for name in names], dtype=np.bool_)
    if unknown.any():
        days = np.where(unknown, _assumed_lead(shop, given.ids, unknown), days)
        sd = np.where(unknown, 0.0, sd)

    @cache
    def from_deliveries(name: str, every: int | None) -> LeadTime:
        took = learned[name]
        return from_sample(took / length, source=f"{len(took):,} deliveries of {name}", every=every)

    @cache
    def from_items(mean: float, deviation: float, source: str, every: int | None) -> LeadTime:
        return from_mean_sd(mean / length, deviation / length, source=source, every=every, days=length)

    each: list[LeadTime] = []
    sources = np.where(unknown, "assumed", "given").tolist()
    terms = zip(names, days.tolist(), sd.tolist(), sources, _review(shop, given).tolist(), strict=True)
    for name, mean, deviation, source, review in terms:
        every = review if overtake else None
        each.append(from_deliveries(name, every) if name in learned else from_items(mean, deviation, source, every))
    return side_by_side(each), unknown


def _learned(shop: Shop, cutoff: int) -> dict[str, UnitsArray]:
    """Days that deliveries took of suppliers of whom enough came, by name."""
    settings = shop.config.plan
    if not settings.learn_lead_times:
        return {}
    known = shop.arrivals(end_of(cutoff, shop.frequency).date() - timedelta(days=1))
    return {name: days for name, days in known.items() if name and len(days) >= settings.receipts_to_learn}


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


def _review(shop: Shop, given: Attributes) -> IntArray:
    days = _or(given.number("review_period_days"), shop.config.plan.review_period_days)
    return np.maximum(np.ceil(days / shop.frequency.days - 1e-9), 1).astype(np.int64)


def _or(values: UnitsArray, default: UnitsArray | float) -> UnitsArray:
    return np.where(np.isnan(values), default, values)
