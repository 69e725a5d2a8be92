from dataclasses import replace

import numpy as np
import pytest

from finalmile.forecasters.recipes.sba import SBA
from finalmile.forecasters.recipes.seasonal_naive import SeasonalNaive
from finalmile.forecasters.recipes.tsb import TSB
from finalmile.forecasters.recipes.window_average import WindowAverage

RULES = [SeasonalNaive(), WindowAverage(), SBA(), TSB()]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
class TestEveryRule:
    def test_a_series_that_never_sold_is_forecast_at_zero(self, rule, shop):
        panel = shop(n=3)
        panel.y[0] = 0
        assert (rule.mean(panel, horizon=10)[0] == 0).all()

    def test_a_constant_series_goes_on(self, rule, shop):
        panel = shop(n=3)
        panel.y[1] = 4
        told = rule.mean(panel, horizon=9)[1]
        expected = 4 * 0.95 if isinstance(rule, SBA) else 4
        assert told == pytest.approx(np.full(9, expected), rel=1e-5)

    def test_what_a_stock_out_hid_changes_nothing(self, rule, shop):
        panel = shop()
        out = panel.censored.copy()
        out[:, -20:-10] = True
        hidden = panel.y.copy()
        hidden[:, -20:-10] = 1e9
        one = rule.mean(replace(panel, censored=out), horizon=8)
        assert np.array_equal(one, rule.mean(replace(panel, censored=out, y=hidden), horizon=8))

    def test_a_new_series_borrows_from_its_category(self, rule, shop):
        panel = shop()
        fresh = panel.y.copy()
        fresh[5, :-1] = np.nan
        fresh[5, -1] = 0
        assert rule.mean(replace(panel, y=fresh), horizon=3)[5].min() > 0

    def test_a_panel_with_one_period_is_enough(self, rule, shop):
        told = rule.mean(shop(n=4, periods=1), horizon=5)
        assert np.isfinite(told).all()

    def test_an_empty_panel_gives_an_empty_forecast(self, rule, shop):
        panel = shop(n=4).take(np.array([], dtype=np.int64))
        assert rule.mean(panel, horizon=5).shape == (0, 5)

    def test_one_step_forecasts_are_those_made_the_period_before(self, rule, shop):
        panel = shop(n=10)
        told = rule.one_step(panel, periods=6)
        for column in range(6):
            past = panel.at(panel.cutoff - 6 + column)
            assert told[:, column] == pytest.approx(rule.mean(past, horizon=1)[:, 0], rel=1e-3, abs=1e-4)

    @pytest.mark.parametrize("unit", ["h", "D", "W", "M"])
    def test_every_frequency_is_answered(self, rule, shop, unit):
        told = rule.mean(shop(n=5, periods=120, unit=unit), horizon=30)
        assert told.shape == (5, 30)
        assert np.isfinite(told).all()


def test_seasonal_naive_looks_past_an_unknown_weekday(shop):
    panel = shop(n=2, periods=70)
    y = panel.y.copy()
    y[0, -7], y[0, -14] = np.nan, 77
    assert SeasonalNaive().mean(replace(panel, y=y), horizon=1)[0, 0] == 77


def test_a_product_that_died_fades_with_tsb_and_not_with_sba(shop):
    panel = shop(n=2)
    y = panel.y.copy()
    y[0, :-60], y[0, -60:] = 5, 0
    dead = replace(panel, y=y)
    assert TSB().mean(dead, horizon=1)[0, 0] < 0.5
    assert SBA().mean(dead, horizon=1)[0, 0] > 4


@pytest.mark.parametrize(
    ("rule", "setting"), [(SBA, {"alpha": 0}), (TSB, {"alpha_chance": 2}), (WindowAverage, {"seasons": 0})]
)
def test_settings_out_of_range_are_refused_with_their_value(rule, setting):
    with pytest.raises(ValueError, match=str(next(iter(setting.values())))):
        rule(**setting)
