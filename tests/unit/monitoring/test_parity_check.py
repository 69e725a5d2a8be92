"""The parity check: what counts as the same, and what does not."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.monitoring.checks.parity import ParityCheck
from finalmile.records import Finding

NUMBERS = st.floats(width=64) | st.just(float("nan"))


def compare(logged: list[list[float]], offline: list[list[float]], **settings: float) -> Finding:
    left, right = np.array(logged, dtype=float), np.array(offline, dtype=float)
    names = [f"f{at}" for at in range(left.shape[1] if left.ndim == 2 else 0)]
    return ParityCheck(**settings).compare(left, right, names=names, subject="demand@1", at=date(2024, 3, 1))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1))
def test_anything_agrees_with_itself(rows: list[tuple[float, float]]):
    same = [list(row) for row in rows]
    assert compare(same, same).value == 0.0


@given(st.floats(-1e12, 1e12).filter(lambda x: abs(x) > 1e-9))
def test_single_precision_agrees_and_a_thousandth_does_not(value: float):
    assert not compare([[value]], [[float(np.float32(value))]]).breached
    assert compare([[value]], [[value * 1.001]]).breached


@pytest.mark.parametrize("pair", [(1.0, np.nan), (np.nan, 0.0), (np.inf, -np.inf), (np.inf, 1.0), (0.0, 1.0)])
def test_missing_on_one_side_and_other_infinities_disagree(pair: tuple[float, float]):
    assert compare([[pair[0]]], [[pair[1]]]).value == 1.0


def test_rows_count_once_however_many_of_their_values_differ():
    told = compare([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0]], [[9.0, 9.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0]])
    assert told.value == 0.25


def test_a_share_may_be_allowed():
    assert not compare([[1.0], [2.0]], [[1.0], [3.0]], share=0.5).breached
    assert compare([[1.0], [2.0]], [[2.0], [3.0]], share=0.5).breached


def test_nothing_to_compare_is_a_warning_and_no_pass():
    told = ParityCheck().compare(np.empty((0, 2)), np.empty((0, 2)), names="ab", subject="d@1", at=date(2024, 3, 1))
    assert (told.value, told.severity) == (None, "warning")


def test_settings_that_make_no_sense_are_refused():
    for settings in ({"tolerance": -1.0}, {"share": 1.0}):
        with pytest.raises(ValueError, match="tolerance must be"):
            ParityCheck(**settings)
