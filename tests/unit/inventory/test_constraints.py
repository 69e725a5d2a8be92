"""MOQ, packs and maximum stock, in that order, and which of them set the quantity."""

import numpy as np
import pytest

from finalmile.inventory import orderable, position


def one(*, on_hand=0.0, on_order=0.0, **terms):
    return position(
        np.array(["a"], dtype=object),
        on_hand=np.array([on_hand]),
        on_order=np.array([on_order]),
        lead_periods=np.array([1]),
        **{name: np.array([float(value)]) for name, value in terms.items()},
    )


@pytest.mark.parametrize(
    ("wanted", "terms", "quantity", "bound"),
    [
        (2.3, {}, 3, ""),
        (0.0, {"moq": 10}, 0, ""),
        (3.0, {"moq": 10}, 10, "moq"),
        (11.0, {"moq": 10}, 11, ""),
        (3.0, {"moq": 10, "pack_size": 4}, 12, "pack_size"),
        (12.0, {"pack_size": 4}, 12, ""),
        (30.0, {"max_stock": 20, "on_hand": 4, "on_order": 3}, 13, "max_stock"),
        (30.0, {"max_stock": 20, "on_hand": 4, "pack_size": 6}, 12, "max_stock"),
        (5.0, {"max_stock": 8, "moq": 10}, 0, "max_stock"),
        (5.0, {"max_stock": 8, "on_hand": 9}, 0, "max_stock"),
        (np.nan, {"moq": 10}, 0, "no_forecast"),
    ],
)
def test_the_quantity_and_the_rule_that_set_it(wanted, terms, quantity, bound):
    at = one(**terms)
    ordered, by = orderable(at, np.array([wanted]))
    assert (ordered[0], by[0]) == (quantity, bound)
