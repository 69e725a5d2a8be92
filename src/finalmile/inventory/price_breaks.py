"""Prices that fall with the quantity ordered, item by item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from finalmile.errors import ConfigError
from finalmile.frames import NameArray
from finalmile.simulation import UnitsArray

_FORM = 'write "200:4.75; 500:4.50": from 200 units on every unit costs 4.75, from 500 on 4.50'


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBreaks:
    """Quantities from which every unit of an order costs less, of ``n`` items.

    Parameters
    ----------
    quantities, prices : arrays of shape (n, k)
        Ascending quantities and the price of a unit from each on; NaN where an item has fewer.
    """

    quantities: UnitsArray
    prices: UnitsArray

    def price_of(self, quantity: UnitsArray, *, base: UnitsArray) -> UnitsArray:
        """Price of a unit in an order of so many, shape (n,); ``base`` below the first break.

        Examples
        --------
        >>> told = price_breaks(np.array(["tea"], dtype=object), ["200:4.75; 500:4.5"])
        >>> [float(told.price_of(np.array([units]), base=np.array([5.0]))[0]) for units in (199.0, 200.0, 900.0)]
        [5.0, 4.75, 4.5]
        """
        price = base
        for least, here in zip(self.quantities.T, self.prices.T, strict=True):
            price = np.where(quantity >= least - 1e-9, here, price)
        return price


def price_breaks(ids: NameArray, texts: Sequence[str]) -> PriceBreaks:
    """Breaks from texts such as ``"200:4.75; 500:4.50"``, one for each item; ``""`` where there is none.

    Raises
    ------
    ConfigError
        Names every text that does not say quantities that rise with prices that fall.
    """
    told = [_read(text) for text in texts]
    wrong = [
        f"item {str(name)!r} has price_breaks {text!r}; {_FORM}"
        for name, text, one in zip(ids, texts, told, strict=True)
        if one is None
    ]
    if wrong:
        more = [f"and {len(wrong) - 5:,} more"] if len(wrong) > 5 else []
        raise ConfigError("items", [*wrong[:5], *more])
    width = max((len(one or ()) for one in told), default=0)
    both = np.full((2, len(told), width), np.nan)
    for row, one in enumerate(told):
        for column, (quantity, price) in enumerate(one or ()):
            both[:, row, column] = quantity, price
    return PriceBreaks(quantities=both[0], prices=both[1])


def _read(text: str) -> list[tuple[float, float]] | None:
    """Quantities and prices; ``None`` where the text does not say them."""
    try:
        pairs = [tuple(float(part) for part in one.split(":")) for one in text.split(";") if one.strip()]
    except ValueError:
        return None
    if any(len(one) != 2 or not np.isfinite(one).all() or min(one) <= 0 for one in pairs):
        return None
    told = [(one[0], one[1]) for one in pairs]
    falls = all(more[0] > less[0] and more[1] < less[1] for less, more in pairwise(told))
    return told if falls else None
