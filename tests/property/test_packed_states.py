"""States that were damaged on the way: told as damaged, whatever is wrong with them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.errors import CorruptError
from finalmile.frames import Frequency
from finalmile.monitoring import packing


@dataclass(frozen=True, kw_only=True)
class Inner:
    level: float
    at: int


@dataclass(frozen=True, kw_only=True)
class State:
    frequency: Frequency
    values: npt.NDArray[np.float64]
    names: npt.NDArray[np.object_]
    parts: tuple[Inner, ...]
    label: str
    on: bool
    lags: tuple[int, ...]


STATE = State(
    frequency=Frequency("week", anchor=6),
    values=np.arange(6.0).reshape(2, 3),
    names=np.array(["milk", "bread"], dtype=object),
    parts=(Inner(level=0.5, at=3), Inner(level=1.0, at=4)),
    label="demand",
    on=True,
    lags=(1, 7),
)
BLOB = packing.to_bytes(STATE, version=3)
INSIDE = zlib.decompress(BLOB)


def read(blob: bytes) -> State:
    return packing.from_bytes(State, blob, version=3)


def test_a_state_comes_back_as_it_was() -> None:
    told = read(BLOB)
    assert (told.frequency, told.parts, told.label, told.on, told.lags) == (
        STATE.frequency, STATE.parts, STATE.label, STATE.on, STATE.lags,
    )  # fmt: skip
    assert told.values.tolist() == STATE.values.tolist()
    assert told.names.tolist() == STATE.names.tolist()


@given(st.binary(max_size=200))
def test_bytes_that_are_no_state_are_told_as_damaged(blob: bytes) -> None:
    with pytest.raises(CorruptError):
        read(blob)


@given(st.integers(min_value=0, max_value=len(BLOB) - 1))
def test_a_state_that_is_cut_anywhere_is_told_as_damaged(length: int) -> None:
    with pytest.raises(CorruptError):
        read(BLOB[:length])


@given(st.binary(min_size=1, max_size=20))
def test_a_state_that_something_follows_is_told_as_damaged(more: bytes) -> None:
    with pytest.raises(CorruptError):
        read(BLOB + more)


@given(st.integers(min_value=0, max_value=len(BLOB) - 1), st.integers(min_value=1, max_value=255))
def test_a_state_with_another_byte_is_the_same_or_told_as_damaged(at: int, other: int) -> None:
    blob = bytearray(BLOB)
    blob[at] ^= other
    try:
        told = read(bytes(blob))
    except CorruptError:
        return
    assert told.values.tolist() == STATE.values.tolist()


@given(
    st.lists(
        st.tuples(st.integers(min_value=0, max_value=len(INSIDE) - 1), st.integers(min_value=0, max_value=255)),
        min_size=1,
        max_size=8,
    )
)
def test_a_state_that_was_changed_and_packed_again_never_raises_anything_else(changes: list[tuple[int, int]]) -> None:
    inside = bytearray(INSIDE)
    for at, value in changes:
        inside[at] = value
    try:
        told = read(zlib.compress(bytes(inside)))
    except CorruptError:
        return
    assert isinstance(told, State)


def test_a_state_of_another_layout_or_another_kind_is_told_as_damaged() -> None:
    with pytest.raises(CorruptError, match="layout 3"):
        packing.from_bytes(State, BLOB, version=4)
    with pytest.raises(CorruptError, match="level"):
        packing.from_bytes(Inner, BLOB, version=3)
    wrong = packing.to_bytes(Inner(level="high", at=1), version=1)  # type: ignore[arg-type]  # what a fault would write
    with pytest.raises(CorruptError, match="level is 'high'"):
        packing.from_bytes(Inner, wrong, version=1)
