"""How much larger errors may be as sales grow."""

import numpy as np
import pytest

from finalmile.monitoring.loss.levels import Curve, fit_curve, follow, follow_all


def test_the_curve_of_poisson_like_errors_is_found() -> None:
    base = np.geomspace(0.1, 100, 50)
    assert fit_curve(0.8 * np.sqrt(base), base, least_mae=0.01).power == pytest.approx(0.5)


def test_a_few_products_have_the_usual_curve() -> None:
    assert fit_curve(np.array([1.0, 2.0]), np.array([1.0, 4.0]), least_mae=0.01).power == 0.75
    assert fit_curve(np.zeros(3), np.zeros(3), least_mae=0.01).least_level == 0.01


def test_a_sleeping_product_is_expected_to_err_like_others_of_its_new_level() -> None:
    base = np.geomspace(0.1, 100, 50)
    curve = fit_curve(0.8 * np.sqrt(base), base, least_mae=0.2)
    assert 0.2 * curve.widening(np.array([4.0]), np.array([0.0])) == pytest.approx([0.8 * 2.0])


def test_a_falling_level_narrows_nothing_and_growth_is_bounded() -> None:
    curve = Curve(power=1.0, least_level=0.1)
    assert curve.widening(np.array([0.0, 1e9]), np.array([5.0, 1.0])).tolist() == [1.0, 50.0]


def test_a_missing_look_leaves_the_level() -> None:
    assert follow(np.array([2.0, 2.0]), np.array([np.nan, 4.0]), span=3).tolist() == [2.0, 3.0]


def test_the_level_of_a_look_is_known_before_it() -> None:
    before, last = follow_all(np.array([1.0]), np.array([[3.0, 5.0]]), span=3)
    assert before.tolist() == [[1.0, 2.0]]
    assert last.tolist() == [3.5]
