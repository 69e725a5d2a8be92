"""Whatever the data: quantiles rise with the level, nothing is negative, and the future cannot reach back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from finalmile.forecasters.calibration import conformal_quantile, scores_needed
from finalmile.forecasters.direct.features import origin_features, target_features
from finalmile.forecasters.direct.past import Past
from finalmile.forecasters.direct.schema import Schema
from finalmile.forecasters.direct.sums import Sums
from finalmile.forecasters.levels_between import at_levels
from finalmile.frames import Frequency, Panel, same_windows
from finalmile.metrics.volume import VolumeClasses
from finalmile.ports import forecasters

DEMAND = st.one_of(st.just(0.0), st.just(float("nan")), st.integers(0, 50).map(float))
LEVELS = st.lists(st.floats(0.01, 0.99), min_size=1, max_size=5, unique=True).map(sorted)


def panel_of(y: np.ndarray, *, unit: str = "D", censored: np.ndarray | None = None) -> Panel:
    n = len(y)
    return Panel(
        ids=np.array([f"s{at}" for at in range(n)], dtype=object),
        frequency=Frequency.parse(unit),
        first=15_000,
        y=y.astype(np.float32),
        censored=np.zeros(y.shape, dtype=np.bool_) if censored is None else censored,
    )


@settings(max_examples=25, deadline=None)
@given(
    y=arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(2, 60)), elements=DEMAND),
    name=st.sampled_from(["seasonal_naive", "window_average", "sba", "tsb"]),
    levels=LEVELS,
)
def test_any_demand_gives_rising_quantiles_and_finite_means(y, name, levels):
    panel = panel_of(y)
    told = (
        forecasters.make(name)
        .fit(panel)
        .predict(panel, horizon=5, quantiles=levels, windows=same_windows(panel.n, [1, 4, 12]), levels=levels)
    )
    assert np.isfinite(told.mean).all()
    assert (told.mean >= 0).all()
    assert told.cumulative is not None
    assert np.isfinite(told.cumulative.values).all()
    assert (np.diff(told.cumulative.values, axis=2) >= 0).all()


@settings(max_examples=25, deadline=None)
@given(
    y=arrays(np.float32, (3, 80), elements=DEMAND),
    after=arrays(np.float32, (3, 20), elements=st.floats(-1e9, 1e9, width=32)),
    unit=st.sampled_from(["h", "D", "W", "M"]),
)
def test_features_of_an_origin_do_not_see_what_comes_after_it(y, after, unit):
    past, longer = panel_of(y, unit=unit), panel_of(np.hstack([y, after]), unit=unit)
    rows, origin, ahead = np.arange(3), np.full(3, 79), np.full(3, 6)
    one, other = (Past.of(panel, Schema.of(panel)) for panel in (past, longer))
    features, scale = origin_features(one, rows, origin)
    again, other_scale = origin_features(other, rows, origin)
    assert np.array_equal(features, again, equal_nan=True)
    told = target_features(one, rows, origin, ahead, scale=scale)
    assert np.array_equal(told, target_features(other, rows, origin, ahead, scale=other_scale), equal_nan=True)


@given(
    values=arrays(np.float32, (3, 4), elements=st.floats(0, 100, width=32)),
    trained=st.lists(st.floats(0.02, 0.98), min_size=4, max_size=4, unique=True).map(sorted),
    wanted=LEVELS,
)
def test_levels_between_trained_ones_never_fall(values, trained, wanted):
    told = at_levels(values, trained=trained, wanted=wanted)
    assert told.shape == (3, len(wanted))
    assert (np.diff(told, axis=1) >= 0).all()
    assert (told >= 0).all()


@given(
    y=arrays(np.float32, (2, 30), elements=DEMAND),
    end=st.integers(-3, 29),
    count=st.integers(1, 8),
    stride=st.sampled_from([1, 7]),
)
def test_running_sums_are_sums(y, end, count, stride):
    total, known = Sums.of(y, stride=stride).over(np.arange(2), np.full(2, end), count)
    picked = [at for at in range(end, end - count * stride, -stride) if at >= 0]
    assert total == pytest.approx(np.nansum(y[:, picked], axis=1))
    assert known == pytest.approx(np.isfinite(y[:, picked]).sum(axis=1))


@given(
    scores=arrays(np.float32, st.integers(1, 200), elements=st.floats(-1e3, 1e3, width=32)),
    level=st.floats(0.05, 0.99),
)
def test_the_conformal_quantile_covers_at_least_its_share_of_the_scores(scores, level):
    found = conformal_quantile(scores, level)
    assert (scores <= found).mean() >= level - 1e-9 or found == scores.max()
    assert scores_needed(level) >= 1


@given(means=arrays(np.float64, st.integers(0, 40), elements=st.floats(0, 1e6) | st.just(float("nan"))))
def test_volume_classes_rise_with_the_mean_and_survive_json(means):
    classes = VolumeClasses.of_means(means)
    told = classes.of(np.sort(means[np.isfinite(means)]))
    assert (np.diff(told) >= 0).all()
    assert ((told >= 0) & (told < classes.count)).all()
    assert VolumeClasses.from_list(classes.to_list()) == classes
