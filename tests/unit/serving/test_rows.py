"""Features become rows, or every reason why they cannot."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.serving.rows import Fault, RowReader
from finalmile.serving.signature import Feature, Signature

READER = RowReader(
    Signature(
        features=(
            Feature(name="price", low=0.0, high=100.0),
            Feature(name="store", kind="category", categories=("north", "south")),
            Feature(name="promo", default=0.0),
            Feature(name="gap", default=math.nan),
        )
    )
)
NUMBERS = RowReader(Signature(features=(Feature(name="a"), Feature(name="b", low=0.0))))


def _faults(reader: RowReader, told: object) -> list[str]:
    faults: list[Fault] = []
    assert reader.read(told, "features", faults) is None
    return [where for where, _ in faults]


def test_features_may_be_named_in_any_order_and_defaults_fill_what_is_left_out() -> None:
    row = READER.read({"store": "south", "price": 2}, "features", faults := [])
    assert faults == []
    assert row is not None
    assert row[:3].tolist() == [2.0, 1.0, 0.0]
    assert math.isnan(row[3])


def test_a_list_is_read_in_the_order_of_the_model() -> None:
    row = NUMBERS.read([1, 2.5], "features", [])
    assert row is not None
    assert row.tolist() == [1.0, 2.5]


def test_every_fault_is_told_at_once() -> None:
    told = {"price": -1, "store": "east", "promo": "yes", "pormo": 1}
    assert _faults(READER, told) == ["features.price", "features.store", "features.promo", "features.pormo"]
    assert _faults(READER, {}) == ["features.price", "features.store"]


@pytest.mark.parametrize("value", [True, "1", [1], {"x": 1}, 10**400, math.nan, math.inf])
def test_what_is_no_finite_number_is_refused(value: object) -> None:
    assert _faults(READER, {"price": 1, "store": "north", "promo": value}) == ["features.promo"]


@pytest.mark.parametrize("told", [3, "a", [1], [1, 2, 3], None, True])
def test_what_holds_no_features_is_refused(told: object) -> None:
    assert _faults(NUMBERS, told) != []


def test_what_is_not_given_comes_from_the_row_that_was_looked_up() -> None:
    row = NUMBERS.read({"b": 9}, "features", [], base=np.array([1.0, 2.0]))
    assert row is not None
    assert row.tolist() == [1.0, 9.0]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values | st.dictionaries(st.sampled_from(["a", "b", "c"]), json_values))
def test_whatever_is_told_either_gives_a_row_or_says_why_not(told: object) -> None:
    faults: list[Fault] = []
    row = NUMBERS.read(told, "features", faults)
    assert (row is None) == bool(faults)
    if row is not None:
        assert row[1] >= 0
