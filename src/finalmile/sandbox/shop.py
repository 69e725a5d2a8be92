"""The retailer's own past ordering: a textbook policy, so that stock-outs hide demand as they do in life."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.frames import BoolArray, FloatArray, IntArray
from finalmile.sandbox.assortment import Assortment, Floats
from finalmile.sandbox.chance import generator

MEMORY = 28
PROMOTION_LIFT = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What happened on the shelf.

    Parameters
    ----------
    available, sold, on_hand : array of shape (n, days)
        Units on the shelf in the morning after deliveries, units sold, and units left in the evening.
    series, quantity, ordered, due, arrives : array of shape (orders,)
        Order lines: row of the series, units, day of the order, day promised, and day delivered (which may lie
        past the last day).
    """

    available: FloatArray
    sold: FloatArray
    on_hand: FloatArray
    series: IntArray
    quantity: IntArray
    ordered: IntArray
    due: IntArray
    arrives: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the policy knows of each series, arrays of shape (n,); ``promo`` (n, days + 28) is known ahead."""

    lead: Floats
    review: IntArray
    pack: IntArray
    launch: IntArray
    death: IntArray
    guess: Floats
    supplier: IntArray
    promo: BoolArray
    z: float


def terms_of(assortment: Assortment, promo: BoolArray, *, z: float, seed: int) -> Terms:
    """Ordering terms of every series; before there are sales the buyer guesses, 30 % off or so."""
    blur = np.array([float(np.exp(0.3 * generator(seed, "guess", uid).standard_normal())) for uid in assortment.ids])
    return Terms(
        lead=assortment.of_supplier("lead_time_days"),
        review=assortment.of_supplier("review_period_days").astype(np.int64),
        pack=assortment.of_product("pack_size").astype(np.int64),
        launch=assortment.of_product("launch").astype(np.int64),
        death=assortment.of_product("death").astype(np.int64),
        guess=assortment.of_product("rate") * assortment.store_size[assortment.store] * blur,
        supplier=assortment.of_product("supplier").astype(np.int64),
        promo=promo[assortment.product],
        z=z,
    )


def lead_times(assortment: Assortment, *, days: int, seed: int) -> IntArray:
    """Days from order to shelf for an order placed with each supplier on each day, at least 1."""
    rows: list[Floats] = []
    for supplier in assortment.suppliers:
        luck = generator(seed, "lead", supplier.supplier_id)
        drawn = supplier.lead_time_days + supplier.lead_time_sd_days * luck.standard_normal(days)
        rows.append(np.clip(np.rint(drawn), 1, None))
    return np.array(rows, dtype=np.int64)


def run_shop(demand: FloatArray, terms: Terms, *, lead: IntArray) -> Shop:
    """Play every day: deliveries, customers, then orders up to mean (R + L) + z sd sqrt(R + L).

    Mean and deviation are those of the last 28 days of *sales*, as most shops have it, so a stock-out teaches the
    policy to order less; a promotion day counts as two others, behind and ahead. Unmet demand is lost. An order
    placed in the evening of day t with lead time L is on the shelf in the morning of day t + L.
    """
    n, days = demand.shape
    memory = _Memory.empty(n, days, promo=terms.promo)
    available, on_hand = np.zeros_like(demand), np.zeros_like(demand)
    pipeline = np.zeros((n, int(lead.max(initial=1)) + 1))
    stock, coming = np.zeros(n), np.zeros(n)
    placed: list[tuple[IntArray, IntArray, int]] = []
    for day in range(days):
        slot = day % pipeline.shape[1]
        coming -= pipeline[:, slot]
        stock += pipeline[:, slot] + np.where(terms.launch == day, _opening(terms), 0.0)
        pipeline[:, slot] = 0.0
        available[:, day] = stock
        sold = np.minimum(demand[:, day], stock)
        stock -= sold
        on_hand[:, day] = stock
        memory.remember(day, sold)
        rows, units = _orders(day, stock + coming, terms, memory=memory)
        late = lead[terms.supplier[rows], day]
        pipeline[rows, (day + late) % pipeline.shape[1]] += units
        coming[rows] += units
        placed.append((rows, units, day))
    return _book(placed, terms, lead=lead, available=available, on_hand=on_hand)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Memory:
    """Running sums up to each day of sales, their squares and promotion days; column 0 is before the first day."""

    total: Floats
    squares: Floats
    promo: Floats
    weight: Floats

    @classmethod
    def empty(cls, n: int, days: int, *, promo: BoolArray) -> _Memory:
        weight = np.where(promo, PROMOTION_LIFT, 1.0).astype(np.float64)
        sums = np.concatenate([np.zeros((n, 1)), np.cumsum(weight, axis=1)], axis=1)
        return cls(total=np.zeros((n, days + 1)), squares=np.zeros((n, days + 1)), promo=sums, weight=weight)

    def remember(self, day: int, sold: Floats) -> None:
        usual = sold / self.weight[:, day]
        self.total[:, day + 1] = self.total[:, day] + usual
        self.squares[:, day + 1] = self.squares[:, day] + usual**2


def _opening(terms: Terms) -> Floats:
    """Stock on the first day: expected sales over review and lead time, and a week."""
    wanted = terms.guess * (terms.review + terms.lead + 7)
    units: Floats = np.ceil(wanted / terms.pack) * terms.pack.astype(np.float64)
    return units


def _orders(day: int, position: Floats, terms: Terms, *, memory: _Memory) -> tuple[IntArray, IntArray]:
    due = ((day + terms.supplier) % terms.review == 0) & (day >= terms.launch) & (day < terms.death)
    rows = np.flatnonzero(due)
    mean, sd = _usual_day(day, rows, terms, memory=memory)
    span = terms.review[rows] + terms.lead[rows]
    last = np.minimum(day + 1 + span.astype(np.int64), memory.promo.shape[1] - 1)
    ahead = np.maximum(memory.promo[rows, last] - memory.promo[rows, day + 1], span)
    short = np.maximum(np.ceil(mean * ahead + terms.z * sd * np.sqrt(ahead) - position[rows]), 0)
    units = (np.ceil(short / terms.pack[rows]) * terms.pack[rows]).astype(np.int64)
    return rows[units > 0], units[units > 0]


def _usual_day(day: int, rows: IntArray, terms: Terms, *, memory: _Memory) -> tuple[Floats, Floats]:
    """Mean and deviation of sales on a day without promotion; days before the launch count as the buyer's guess."""
    since = max(0, day + 1 - MEMORY)
    known = np.clip(day + 1 - np.maximum(terms.launch[rows], since), 1, MEMORY)
    sold = memory.total[rows, day + 1] - memory.total[rows, since]
    squares = memory.squares[rows, day + 1] - memory.squares[rows, since]
    mean = (sold + (MEMORY - known) * terms.guess[rows]) / MEMORY
    return mean, np.sqrt(np.maximum(squares / known - (sold / known) ** 2, mean))


def _book(
    placed: list[tuple[IntArray, IntArray, int]],
    terms: Terms,
    *,
    lead: IntArray,
    available: FloatArray,
    on_hand: FloatArray,
) -> Shop:
    series = np.concatenate([rows for rows, _, _ in placed] or [np.zeros(0, dtype=np.int64)])
    ordered = np.concatenate([np.full(len(rows), day) for rows, _, day in placed] or [np.zeros(0, dtype=np.int64)])
    return Shop(
        available=available,
        sold=available - on_hand,
        on_hand=on_hand,
        series=series,
        quantity=np.concatenate([units for _, units, _ in placed] or [np.zeros(0, dtype=np.int64)]),
        ordered=ordered,
        due=ordered + np.rint(terms.lead[series]).astype(np.int64),
        arrives=ordered + lead[terms.supplier[series], ordered],
    )
