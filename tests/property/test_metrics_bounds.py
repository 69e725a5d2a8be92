"""Laws that metrics obey for any numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from finalmile.metrics import Scored, metrics

NUMBERS = st.floats(allow_nan=True, allow_infinity=True, width=64)
SALES = st.integers(0, 50).map(float)
SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6)


@given(data=st.data(), shape=array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=4))
def test_no_numbers_at_all_make_a_metric_infinite_or_nan(data: st.DataObject, shape: tuple[int, int]) -> None:
    draw = lambda size: data.draw(arrays(np.float64, size, elements=NUMBERS))  # noqa: E731
    seen = Scored(
        actual=draw(shape),
        forecast=draw(shape),
        quantiles={0.9: draw(shape)},
        naive_mae=draw(shape[:1]),
        naive_rmse=draw(shape[:1]),
        weights=draw(shape[:1]),
        baseline=draw(shape),
    )
    for name in metrics:
        value = metrics.make(name)(seen)
        assert value is None or np.isfinite(value), name


@given(data=st.data(), shape=SHAPES, unit=st.sampled_from([0.5, 2.0, 12.0]))
def test_ratios_do_not_depend_on_the_unit_of_sale(data: st.DataObject, shape: tuple[int, int], unit: float) -> None:
    actual = data.draw(arrays(np.float64, shape, elements=SALES))
    forecast = data.draw(arrays(np.float64, shape, elements=SALES))
    single = Scored(actual=actual, forecast=forecast, baseline=forecast + 1)
    packs = Scored(actual=actual * unit, forecast=forecast * unit, baseline=(forecast + 1) * unit)
    for name in ("wape", "wape_total", "bias", "fva", "mape", "mape_rows"):
        assert metrics.make(name)(packs) == pytest.approx(metrics.make(name)(single))


@given(data=st.data(), shape=SHAPES)
def test_bias_and_the_wape_of_totals_stay_within_wape(data: st.DataObject, shape: tuple[int, int]) -> None:
    seen = Scored(
        actual=data.draw(arrays(np.float64, shape, elements=SALES)),
        forecast=data.draw(arrays(np.float64, shape, elements=SALES)),
    )
    wape = metrics.make("wape")(seen)
    if wape is not None:
        assert abs(metrics.make("bias")(seen) or 0.0) <= wape + 1e-9
        assert (metrics.make("wape_total")(seen) or 0.0) <= wape + 1e-9
        assert metrics.make("mae")(seen) <= metrics.make("rmse")(seen) + 1e-9  # type: ignore[operator]


@given(sales=st.lists(st.integers(0, 30), min_size=20, max_size=60), level=st.sampled_from([0.1, 0.5, 0.9, 0.98]))
def test_the_quantile_of_the_sales_has_the_least_pinball_loss(sales: list[int], level: float) -> None:
    actual = np.array([sales], dtype=float)
    best = float(np.quantile(actual, level, method="inverted_cdf"))
    loss = metrics.make("pinball", level=level)
    at = lambda q: loss(Scored(actual=actual, forecast=actual, quantiles={level: np.full_like(actual, q)}))  # noqa: E731
    assert all(at(best) <= at(q) + 1e-9 for q in range(31))
