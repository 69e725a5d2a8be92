"""What a policy is told, and what is refused."""

import numpy as np
import pytest

from finalmile.errors import MissingInputError
from finalmile.inventory import position, protection_windows

IDS = np.array(["a", "b"], dtype=object)
LEADS = np.array([2, 5])


def test_a_missing_stock_count_is_refused_and_never_taken_for_zero():
    with pytest.raises(MissingInputError, match="stock on hand unknown for 1 of 2 items \\('b'\\)"):
        position(IDS, on_hand=np.array([1.0, np.nan]), lead_periods=LEADS)


def test_the_window_is_review_plus_lead():
    at = position(IDS, on_hand=np.zeros(2), lead_periods=LEADS, review_periods=np.array([1, 7]))
    assert protection_windows(at).tolist() == [[3], [12]]


def test_open_orders_without_dates_are_taken_to_arrive_as_late_as_they_can():
    at = position(IDS, on_hand=np.zeros(2), on_order=np.array([3.0, 4.0]), lead_periods=np.array([2, 0]))
    assert at.schedule().tolist() == [[0, 3, 0], [4, 0, 0]]


def test_arrivals_add_up_to_what_is_on_order():
    arriving = np.array([[1.0, 2.0], [0.0, 4.0]])
    assert position(IDS, on_hand=np.zeros(2), lead_periods=LEADS, arriving=arriving).on_order.tolist() == [3, 4]
    with pytest.raises(ValueError, match="arriving must add up to on_order: 'a'"):
        position(IDS, on_hand=np.zeros(2), lead_periods=LEADS, arriving=arriving, on_order=np.array([9.0, 4.0]))


def test_every_fault_is_told_at_once():
    with pytest.raises(ValueError, match=r"lead_periods.*'b'.*moq.*'a'"):
        position(IDS, on_hand=np.zeros(2), lead_periods=np.array([1, -1]), moq=np.array([np.nan, 0.0]))


def test_a_vector_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match=r"moq has shape \(3,\)"):
        position(IDS, on_hand=np.zeros(2), lead_periods=LEADS, moq=np.zeros(3))
