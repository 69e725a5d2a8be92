from dataclasses import replace

import numpy as np
import pytest

from finalmile.errors import CorruptError
from finalmile.forecasters.artefact import load
from finalmile.forecasters.chance import keys_of, uniform
from finalmile.forecasters.recipes.lightgbm import LightGBM
from finalmile.forecasters.recipes.seasonal_naive import SeasonalNaive
from finalmile.frames import Frequency, Panel, same_windows
from finalmile.ports import forecasters

SMALL = LightGBM(rounds=60, window_rounds=30, rows=20_000, window_rows=10_000, threads=1)


@pytest.fixture(scope="module")
def fitted(shop):
    return SMALL.fit(shop(periods=300, ahead=28))


def test_it_beats_the_seasonal_naive_where_there_is_a_promotion_to_learn(shop):
    whole = shop(periods=328)
    past = whole.at(whole.cutoff - 28, ahead=28)
    came = whole.y[:, -28:]
    ours = SMALL.fit(past).predict(past, horizon=28).mean
    naive = SeasonalNaive().mean(past, horizon=28)
    assert np.abs(ours - came).sum() < 0.85 * np.abs(naive - came).sum()


def test_a_promotion_known_ahead_raises_the_forecast(fitted, shop):
    panel = shop(periods=300, ahead=28)
    promo = panel.covariates["promo"].copy()
    promo[:, 300:] = 0
    calm = fitted.predict(replace(panel, covariates={**panel.covariates, "promo": promo}), horizon=7).mean
    promo = promo.copy()
    promo[:, 300:307] = 1
    loud = fitted.predict(replace(panel, covariates={**panel.covariates, "promo": promo}), horizon=7).mean
    assert loud[-10:].sum() > 1.3 * calm[-10:].sum()


def test_covariates_that_nobody_gave_are_neutral(fitted, shop):
    bare = replace(shop(periods=300), covariates={}, statics={})
    assert np.isfinite(fitted.predict(bare, horizon=7).mean).all()


def test_the_history_it_needs_is_all_it_looks_at(shop):
    panel = shop(periods=600, ahead=28)
    fitted = SMALL.fit(panel)
    assert np.array_equal(
        fitted.predict(panel, horizon=5).mean, fitted.predict(panel.last(fitted.needs), horizon=5).mean
    )


def test_the_same_data_and_seed_give_the_same_trees(shop, fitted):
    again = SMALL.fit(shop(periods=300, ahead=28))
    assert again.model.trees.text == fitted.model.trees.text


def test_too_short_a_history_falls_back_and_says_so(shop):
    told = SMALL.fit(shop(periods=13))
    assert told.kind == "window_average"
    assert "too little for lightgbm" in told.notes[0]


def test_two_seasons_are_enough(shop):
    told = SMALL.fit(shop(periods=16))
    assert told.kind == "lightgbm"
    assert np.isfinite(told.predict(shop(periods=16), horizon=28).mean).all()


def test_windows_beyond_the_calibrated_ones_are_answered_and_labelled(fitted, shop):
    panel = shop(periods=300)
    told = fitted.predict(panel, horizon=1, windows=same_windows(panel.n, [7, 90]), levels=[0.9]).cumulative
    assert set(told.methods) == {"cqr (beyond calibrated windows)"}
    assert (told.values[:, 1] >= told.values[:, 0]).all()


def test_recalibration_learns_of_a_jump_that_came_after_training(shop):
    later = shop(periods=440)
    fitted = SMALL.fit(later.at(later.first + 299))
    y = later.y.copy()
    y[:, 300:] *= 1.6
    jumped = replace(later, y=y)
    again = fitted.recalibrate(jumped)
    windows = same_windows(jumped.n, [14])
    before = fitted.predict(jumped, horizon=1, windows=windows, levels=[0.9]).cumulative
    after = again.predict(jumped, horizon=1, windows=windows, levels=[0.9]).cumulative
    assert before.calibration_id != after.calibration_id
    assert again.calibration.outcomes.origin.max() > fitted.calibration.outcomes.origin.max()


def test_its_one_step_reference_covers_the_periods_it_held_out(fitted, shop):
    told = fitted.reference()
    panel = shop(periods=300)
    assert told.first + told.mean.shape[1] - 1 == panel.cutoff
    assert np.isfinite(told.mean).all()


def test_a_broken_model_file_is_refused_before_lightgbm_sees_it(fitted, tmp_path):
    fitted.save(tmp_path)
    text = (tmp_path / "mean.txt").read_text()
    (tmp_path / "mean.txt").write_text(text.replace("left_child=", "left_child=7777 ", 1))
    with pytest.raises(CorruptError, match="tree 0"):
        load(tmp_path)


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"levels": (0.9, 0.5)}, {"levels": ()}, {"levels": (0.5, 1.0)}])
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        LightGBM(**wrong)


def test_chance_depends_on_names_and_not_on_rows():
    ids = np.array(["a", "b", "c"], dtype=object)
    periods = np.arange(3)
    assert uniform(keys_of(ids), periods, seed=1)[2] == uniform(keys_of(ids[2:]), periods[2:], seed=1)[0]


def test_chance_is_even():
    told = uniform(keys_of(np.array([f"s{at}" for at in range(200)], dtype=object))[:, None], np.arange(50), seed=0)
    assert np.histogram(told, bins=10, range=(0, 1))[0].min() > 850


def test_promotions_that_sell_out_are_forecast_above_what_the_shelf_ever_held():
    rng = np.random.default_rng(5)
    promo = (rng.random((30, 300 + 14)) < 0.1).astype(np.float32)
    mean = np.where(promo > 0, 18.0, 6.0)
    demand = rng.poisson(mean).astype(np.float32)
    ids = np.array([f"s{at}" for at in range(30)], dtype=object)
    sold, out = np.minimum(demand, 12)[:, :300], (demand >= 12)[:, :300]
    panel = Panel(ids=ids, frequency=Frequency("day"), first=19000, y=sold, censored=out, covariates={"promo": promo})
    told = forecasters.make("lightgbm", horizon=14, window_rounds=20).fit(panel).predict(panel, horizon=14)
    ahead = promo[:, 300:] > 0
    assert told.mean[ahead].mean() > 13.0
    assert told.mean[~ahead].mean() == pytest.approx(6.0, rel=0.1)
