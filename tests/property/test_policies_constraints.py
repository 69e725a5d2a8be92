"""Whatever is wanted, what is ordered keeps the supplier's terms."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from finalmile.inventory import orderable, position

UNITS = st.integers(0, 60).map(float)


@st.composite
def wanted(draw):
    n = draw(st.integers(1, 6))

    def column(values):
        return np.array(draw(st.lists(values, min_size=n, max_size=n)))

    at = position(
        np.array([f"i{k}" for k in range(n)], dtype=object),
        on_hand=column(UNITS),
        on_order=column(UNITS),
        lead_periods=np.ones(n, dtype=np.int64),
        moq=column(UNITS),
        pack_size=column(st.integers(0, 12).map(float)),
        max_stock=column(st.one_of(st.just(np.inf), UNITS)),
    )
    return at, column(st.floats(0, 200))


@given(wanted())
def test_an_order_is_nothing_or_at_least_the_minimum_in_whole_packs(case):
    at, raw = case
    quantity, _ = orderable(at, raw)
    pack = np.maximum(at.pack_size, 1)
    assert (quantity % pack == 0).all()
    assert ((quantity == 0) | (quantity >= at.moq)).all()


@given(wanted())
def test_an_order_never_lifts_stock_above_the_maximum(case):
    at, raw = case
    quantity, _ = orderable(at, raw)
    assert ((quantity == 0) | (at.held + quantity <= at.max_stock)).all()


@given(wanted())
def test_only_the_maximum_makes_an_order_smaller_than_wanted_and_it_is_named(case):
    at, raw = case
    quantity, bound = orderable(at, raw)
    short = quantity < np.ceil(raw - 1e-9)
    assert (bound[short] == "max_stock").all()


@given(wanted())
def test_nothing_wanted_is_nothing_ordered(case):
    at, raw = case
    assert not orderable(at, np.zeros_like(raw))[0].any()
