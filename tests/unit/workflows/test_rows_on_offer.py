"""Which series the rows of a look are of."""

from __future__ import annotations

import numpy as np

from finalmile.frames import Frequency, Panel
from finalmile.workflows.watching.rows import rows_of

DAY = Frequency("day")


def panel(*, priced: bool) -> Panel:
    """A product that sells, one that sells seldom, one taken off the shelves after day 20; 80 days."""
    y = np.zeros((3, 80), dtype=np.float32)
    y[0], y[1, ::20], y[2, :20] = 5.0, 1.0, 3.0
    price = np.full((3, 80), 2.0, dtype=np.float32)
    price[2, 20:] = np.nan
    return Panel(
        ids=np.array(["always", "gone", "seldom"], dtype=object)[[0, 2, 1]],
        frequency=DAY,
        first=0,
        y=y,
        censored=np.zeros(y.shape, dtype=np.bool_),
        covariates={"price": price} if priced else {},
    )


def test_a_product_taken_off_the_shelves_is_no_missing_price() -> None:
    told = rows_of(panel(priced=True), 79)
    assert told["price"].tolist() == [2.0, 2.0]
    assert len(rows_of(panel(priced=True), 19)["demand"]) == 3


def test_a_price_that_is_missing_of_what_sells_is_still_missing() -> None:
    broken = panel(priced=True)
    broken.covariates["price"][0, 79] = np.nan
    assert np.isnan(rows_of(broken, 79)["price"]).sum() == 1


def test_without_covariates_what_sold_within_a_month_is_on_offer() -> None:
    assert len(rows_of(panel(priced=False), 40)["demand"]) == 3
    assert len(rows_of(panel(priced=False), 79)["demand"]) == 2
