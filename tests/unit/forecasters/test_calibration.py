from dataclasses import replace

import numpy as np
import pytest

from finalmile.forecasters.calibration import CONFORMAL, CQR, PERIOD, Calibration, conformal_quantile, scores_needed
from finalmile.forecasters.outcomes import Outcomes, join_outcomes
from finalmile.forecasters.recipes.window_average import WindowAverage
from finalmile.forecasters.rolling import few_series, past_origins, roll
from finalmile.forecasters.windows_of_history import window_sums
from finalmile.frames import Frequency, Panel, same_windows

ONE = np.ones(1, dtype=np.float32)


def outcomes(actual, *, window=7, whole=True, mean=4.0, level=1.0, origin=0, quantile=None):
    n = len(actual)
    return Outcomes(
        unique_id=np.array([f"s{at}" for at in range(n)], dtype=object),
        origin=np.full(n, origin),
        window=np.full(n, window),
        whole=np.full(n, whole),
        actual=np.asarray(actual, dtype=np.float32),
        mean=np.full(n, mean, dtype=np.float32),
        level=np.broadcast_to(np.float32(level), (n,)).copy(),
        spread=np.zeros(n, dtype=np.float32),
        quantiles=np.full((n, 0 if quantile is None else 1), quantile or 0, dtype=np.float32),
    )


def test_98_percent_needs_49_scores():
    assert scores_needed(0.98) == 49


def test_the_conformal_quantile_covers_its_level_of_new_scores():
    chance = np.random.default_rng(3)
    covered = [
        chance.normal() <= conformal_quantile(chance.normal(size=99).astype(np.float32), 0.9) for _ in range(2000)
    ]
    assert np.mean(covered) == pytest.approx(0.9, abs=0.025)


def test_a_correction_is_the_conformal_quantile_of_misses_over_the_square_root_of_the_mean():
    calibration = Calibration.of(outcomes(np.arange(99), mean=4.0))
    told = calibration.correct(
        CONFORMAL, 0.9, windows=same_windows(1, [7]), level_of_series=np.ones(1, dtype=np.float32)
    )
    assert told[0, 0] == pytest.approx((89 - 1 - 4) / 2)


def test_a_window_quantile_meets_the_mean_in_the_middle_and_is_corrected_by_what_went_past_it():
    calibration = Calibration.of(outcomes(np.arange(99), mean=4.0, quantile=50.0), levels=(0.9,))
    told = calibration.correct(CQR, 0.9, windows=same_windows(1, [7]), level_of_series=np.ones(1, dtype=np.float32))
    assert told[0, 0] == pytest.approx((89 - 1 - (50 + 88) / 2) / 2)


def test_too_few_scores_leave_a_level_uncalibrated():
    calibration = Calibration.of(outcomes(np.arange(48)))
    assert calibration.longest(CONFORMAL, 0.98) == 0
    assert calibration.longest(CONFORMAL, 0.9) == 7
    assert calibration.longest(PERIOD, 0.5) == 0


def test_a_class_with_too_few_scores_takes_in_its_neighbours():
    rows = outcomes(np.arange(60), level=np.repeat([1, 2, 3, 4, 5], 12))
    table = Calibration.of(rows).corrections(CONFORMAL, 0.98)[1]
    assert len(table) > 1
    assert (table == table[0]).all()


def test_the_fastest_series_are_measured_apart_from_those_a_tenth_down():
    level = np.repeat(np.arange(1, 21), 900)
    calibration = Calibration.of(outcomes(np.where(level == 20, 400, 8), level=level))
    told = [
        float(calibration.correct(CONFORMAL, 0.98, windows=same_windows(1, [7]), level_of_series=ONE * at)[0, 0])
        for at in (20, 19, 18, 1)
    ]
    assert told == pytest.approx([(400 - 1 - 4) / 2] * 2 + [(8 - 1 - 4) / 2] * 2)


def test_a_class_is_measured_on_many_times_the_fewest_scores_where_there_are_so_many():
    level = np.repeat(np.arange(1, 21), 70)
    calibration = Calibration.of(outcomes(np.arange(1400), level=level))
    far, middle = (calibration.corrections(CONFORMAL, one)[1][:, 0] for one in (0.98, 0.5))
    assert far.tolist() == [far[0]] * calibration.classes.count  # all 1,400, for 32 times 49 are wanted
    assert middle[0] == pytest.approx((70 - 1 - 4) / 2)  # the two slowest twentieths, 140 scores


def test_a_window_quantile_is_corrected_in_units_of_what_varies_over_the_window():
    rows = outcomes(np.full(60, 31.0), mean=4.0, quantile=10.0)
    wide = replace(rows, spread=np.full(60, 3.0, dtype=np.float32), window=np.full(60, 4))
    calibration = Calibration.of(wide, levels=(0.9,))
    told = calibration.correct(CQR, 0.9, windows=same_windows(1, [4]), level_of_series=ONE)
    assert told[0, 0] == pytest.approx((31 - 1 - (10 + 30) / 2) / (3 * 2))  # sd 3 over four periods


def test_corrections_between_windows_lie_between():
    both = join_outcomes([outcomes(np.full(60, 5.0), window=2), outcomes(np.full(60, 9.0), window=8)])
    told = Calibration.of(both).correct(
        CONFORMAL, 0.9, windows=same_windows(1, [1, 2, 4, 8, 99]), level_of_series=np.ones(1, dtype=np.float32)
    )
    assert told[0] == pytest.approx([0, 0, 1, 2, 2])


def test_the_identity_changes_with_any_row():
    one, other = Calibration.of(outcomes(np.arange(60))), Calibration.of(outcomes(np.arange(1, 61)))
    assert one.identity == Calibration.of(outcomes(np.arange(60))).identity != other.identity


def test_every_window_has_sixteen_origins_where_history_allows(shop):
    panel = shop(n=5, periods=300)
    rows = roll(panel, model=WindowAverage(), earliest=panel.first + 30).outcomes
    for window in np.unique(rows.window):
        assert len(np.unique(rows.origin[rows.whole & (rows.window == window)])) == 16


def test_no_origin_is_later_than_its_window_allows(shop):
    panel = shop(n=5, periods=300)
    rows = roll(panel, model=WindowAverage(), earliest=panel.first + 30).outcomes
    assert (rows.origin + rows.window <= panel.cutoff).all()


def test_origins_start_where_told(shop):
    panel = shop(n=2, periods=300)
    assert min(past_origins(panel, windows=(1, 28), earliest=panel.cutoff - 30)) >= panel.cutoff - 30


def test_a_window_in_which_the_shelf_was_empty_all_the_time_is_no_outcome(shop):
    panel = shop(n=1, periods=120)
    panel.y[0] += 1.0
    panel.censored[0, -30:], panel.y[0, -30:] = True, 0.0
    rows = roll(panel, model=WindowAverage(), earliest=panel.first + 30).outcomes
    seen_for = np.minimum(rows.window, panel.cutoff - 30 - rows.origin)
    assert len(rows) > 50
    assert (seen_for > 0).all()


def test_demand_of_a_window_with_a_stock_out_is_at_least_what_was_sold_in_it(shop):
    panel = shop(n=4, periods=120)
    panel.y[:] += 4.0
    panel.censored[:, ::9] = True
    rows = roll(panel, model=WindowAverage(), earliest=panel.first + 30).outcomes
    told = rows.take(rows.whole)
    sold = np.zeros(len(told))
    for at, (name, origin, window) in enumerate(zip(told.unique_id, told.origin, told.window, strict=True)):
        first = int(origin) - panel.first + 1
        sold[at] = panel.y[panel.ids == name, first : first + int(window)].sum()
    assert (told.actual >= sold - 1e-3).all()
    assert (told.actual > sold + 0.5).any()


def test_quantiles_of_a_shop_that_sells_out_often_cover_the_demand_that_it_did_not_see():
    rng = np.random.default_rng(8)
    demand = rng.poisson(rng.gamma(6.0, 1.0, (300, 200))).astype(np.float32)
    ids = np.array([f"s{at}" for at in range(300)], dtype=object)
    whole = Panel(ids=ids, frequency=Frequency("day"), first=19000, y=np.minimum(demand, 9), censored=demand >= 9)
    past = whole.at(whole.cutoff - 7)
    told = WindowAverage().fit(past).predict(past, horizon=7, windows=np.full((300, 1), 7), levels=(0.9,))
    covered = demand[:, -7:].sum(axis=1) <= told.cumulative.values[:, 0, 0]
    assert covered.mean() > 0.84


def test_which_series_calibrate_a_large_fleet_does_not_depend_on_the_others():
    ids = np.array([f"s{at}" for at in range(100)], dtype=object)
    some = set(ids[few_series(ids, limit=20)])
    fewer = ids[10:]
    assert some & set(fewer) <= set(fewer[few_series(fewer, limit=20)])


def test_window_sums_of_a_short_past_are_empty():
    assert window_sums(np.ones((2, 3), dtype=np.float32), 3).tolist() == [[3.0], [3.0]]


def test_whole_demand_gets_whole_quantiles_that_cover_their_share():
    chance = np.random.default_rng(8)
    calibration = Calibration.of(outcomes(chance.poisson(1.5, 5000), mean=1.5))
    step = calibration.correct(CONFORMAL, 0.9, windows=same_windows(1, [7]), level_of_series=ONE)
    value = calibration.rounded(1.5 + step * np.sqrt(np.float32(1.5)))
    assert value.item() == 3  # P(Y <= 2) = 0.81, P(Y <= 3) = 0.93


def test_demand_in_fractions_keeps_fractions():
    calibration = Calibration.of(outcomes(np.arange(99) + 0.25))
    assert calibration.rounded(np.array([1.25, -1], dtype=np.float32)).tolist() == [1.25, 0]
