"""Shelf prices and promotions: decided weeks ahead by the chain, the same in every store."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.frames import BoolArray, FloatArray
from finalmile.sandbox.assortment import Product
from finalmile.sandbox.chance import generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What a day's customer finds on the shelf label.

    Parameters
    ----------
    regular, price : array of shape (products, days)
        Price without and with the promotion, in the retailer's currency.
    promo : array of shape (products, days), bool
    """

    regular: FloatArray
    price: FloatArray
    promo: BoolArray


def make_offers(
    products: tuple[Product, ...], *, days: int, seed: int, promotions_per_year: float, price_moves_per_year: float
) -> Offers:
    """Week-long promotions and lasting price moves for every product, each from the product's own luck."""
    weeks = -(-days // 7)
    regular = np.empty((len(products), weeks), dtype=np.float32)
    cut = np.zeros((len(products), weeks), dtype=np.float32)
    for row, product in enumerate(products):
        # one row of chances a week, so that a longer world begins with the shorter one
        chance = generator(seed, "offers", product.product_id).random((weeks, 4))
        moves = np.where(chance[:, 0] < price_moves_per_year / 52, np.exp(0.2 * (chance[:, 1] - 0.4)), 1.0)
        regular[row] = product.price * np.clip(np.cumprod(moves), 0.6, 1.8)
        cut[row] = np.where(chance[:, 2] < promotions_per_year / 52, 0.1 + 0.25 * chance[:, 3], 0.0)
    regular = np.repeat(np.round(regular, 2), 7, axis=1)[:, :days]
    cut = np.repeat(cut, 7, axis=1)[:, :days]
    return Offers(regular=regular, price=np.round(regular * (1 - cut), 2).astype(np.float32), promo=cut > 0)
