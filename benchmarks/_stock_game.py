"""Items that benchmarks/inventory.py simulates, and the loop over them as anybody would write it first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SUMS = ("on_hand", "unmet", "orders", "ordered")


@dataclass(frozen=True)
class Game:
    """(s, S) of ``n`` items: demand (n, T), lead times, points, levels, packs, each of shape (n,); opening stock S."""

    demand: np.ndarray
    lead: np.ndarray
    point: np.ndarray
    level: np.ndarray
    pack: np.ndarray

    def first(self, count: int) -> Game:
        return Game(*(values[:count] for values in self.__dict__.values()))

    def without_packs(self) -> Game:
        return Game(self.demand, self.lead, self.point, self.level, np.ones_like(self.pack))


def game(rng: np.random.Generator, *, items: int, periods: int) -> Game:
    """Negative binomial demand, most of it slow; lead times of 2 to 14 periods; half of the items in packs."""
    mean = rng.lognormal(0.5, 1.0, items)
    size = rng.lognormal(0.5, 0.5, items)
    demand = rng.negative_binomial(size[:, None], (size / (size + mean))[:, None], (items, periods)).astype(np.int32)
    lead = rng.integers(2, 15, items)
    scatter = np.sqrt(mean * (1 + mean / size) * (lead + 1))
    point = np.ceil(mean * (lead + 1) + 1.5 * scatter).astype(np.int64)
    level = point + np.ceil(10 * mean).astype(np.int64) + 1
    return Game(demand, lead, point, level, rng.choice([1, 1, 6, 12], items))


def plain(told: Game, *, backorders: bool) -> np.ndarray:
    """Sums of each item, shape (n, 4), one item and one period after the other."""
    found = []
    for demand, lead, point, level, pack in zip(
        told.demand.tolist(), told.lead.tolist(), told.point.tolist(), told.level.tolist(), told.pack.tolist(),
        strict=True,
    ):  # fmt: skip
        on_hand, owed, arriving = level, 0, {}
        held = unmet = orders = ordered = 0
        for t, asked in enumerate(demand):
            on_hand += arriving.pop(t, 0)
            if backorders:
                served = min(owed, on_hand)
                on_hand -= served
                owed -= served
            sold = min(on_hand, asked)
            on_hand -= sold
            unmet += asked - sold
            if backorders:
                owed += asked - sold
            held += on_hand
            position = on_hand + sum(arriving.values()) - owed
            if position <= point:
                quantity = -(-(level - position) // pack) * pack
                arriving[t + 1 + lead] = quantity
                orders += 1
                ordered += quantity
        found.append((held, unmet, orders, ordered))
    return np.array(found, dtype=np.int64)
