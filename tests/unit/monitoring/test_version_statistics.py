"""Boundaries, evidence and verdicts of two versions beside each other."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finalmile.monitoring.versions import (
    Rule,
    Whitened,
    anytime_t_half_width,
    anytime_t_log_e,
    arms_verdict,
    assumed_persistence,
    boundary,
    compare_arms,
    mixture_bound,
    mixture_scale,
    paired_looks,
    persistence,
    relative_gain,
    spent,
    spent_without_end,
    verdict,
    whiten,
)
from finalmile.monitoring.versions.skew import with_skew, without_skew


@pytest.mark.parametrize(
    ("spending", "wanted"),
    [
        ("obrien_fleming", [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
        ("pocock", [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
    ],
)
def test_five_equal_looks_have_the_boundaries_of_the_tables(spending, wanted):
    errors = [spent(look / 5, alpha=0.05, spending=spending) for look in range(1, 6)]
    told = [boundary(list(range(1, look + 1)), errors[:look]) for look in range(1, 6)]
    assert told == pytest.approx(wanted, abs=3e-4)


def test_one_look_at_the_end_is_the_test_without_looks():
    assert boundary([90.0], [0.05]) == pytest.approx(1.95996, abs=1e-4)


@pytest.mark.parametrize("spending", ["log_logistic", "obrien_fleming", "pocock", "kim_demets"])
def test_unequal_looks_spend_all_of_the_error_and_no_more(spending):
    from scipy.stats import multivariate_normal

    times = np.array([0.2, 0.5, 0.55, 1.0])
    errors = [spent(float(t), alpha=0.05, spending=spending) for t in times]
    bounds = np.array([boundary(times[: k + 1].tolist(), errors[: k + 1]) for k in range(4)])
    covariance = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
    inside = multivariate_normal(cov=covariance, seed=1).cdf(bounds, lower_limit=-bounds)
    assert 1 - inside == pytest.approx(0.05, abs=5e-4)


def test_looks_without_an_end_are_crossed_by_chance_as_often_as_their_error_says():
    looks = np.arange(7, 131)
    errors = [spent_without_end(float(n), alpha=0.05) for n in looks]
    bounds = np.array([boundary(looks[: k + 1].astype(float).tolist(), errors[: k + 1]) for k in range(len(looks))])
    walks = np.random.default_rng(5_110_001).standard_normal((20_000, 130)).cumsum(axis=1)[:, 6:]
    crossed = (np.abs(walks) >= bounds * np.sqrt(looks)).cumsum(axis=1) > 0
    for at in (21, 53, 123):
        assert crossed[:, at].mean() == pytest.approx(errors[at], abs=0.004)
    assert spent_without_end(1e9, alpha=0.05) == pytest.approx(0.05)


def test_the_scale_of_information_does_not_matter():
    errors = [spent(t, alpha=0.05) for t in (0.3, 0.6, 1.0)]
    assert boundary([3, 6, 10], errors) == pytest.approx(boundary([3e6, 6e6, 1e7], errors), rel=1e-9)


def test_white_looks_are_left_as_they_are():
    told = whiten(np.array([1.0, 2.0, 6.0]), 0.0)
    assert (told.n, told.weight, told.mean, told.residual) == (3, 3.0, 3.0, 14.0)


def test_whitening_is_generalised_least_squares_whatever_gaps_there_are():
    looks = np.array([0.3, np.nan, np.nan, 0.1, 0.5, np.nan, 0.2])
    phi, at = 0.6, np.flatnonzero(np.isfinite(looks))
    inverse = np.linalg.inv(phi ** np.abs(np.subtract.outer(at, at)))
    ones, x = np.ones(len(at)), looks[at]
    assert whiten(looks, phi).mean == pytest.approx(ones @ inverse @ x / (ones @ inverse @ ones), rel=1e-12)


def test_persistence_is_found_within_its_error_and_never_below_zero():
    chance = np.random.default_rng(5_100_001)
    noise = chance.standard_normal(4000)
    for at in range(1, len(noise)):
        noise[at] += 0.4 * noise[at - 1]
    assert persistence(noise) == pytest.approx(0.4, abs=0.05)
    assert persistence(np.tile([1.0, -1.0], 50)) == 0.0
    assert persistence(np.full(30, 2.0)) == 0.0


def test_two_short_stretches_lose_no_persistence_to_their_two_means():
    chance = np.random.default_rng(5_110_002)
    noise = chance.standard_normal((600, 100))
    for at in range(1, 100):
        noise[:, at] += 0.4 * noise[:, at - 1]
    told = [persistence(row[30:44], row[60:88]) for row in noise]
    assert np.mean(told) == pytest.approx(0.4 * 40 / 44, abs=0.02)


def test_what_few_looks_cannot_tell_is_assumed_to_carry_over():
    chance = np.random.default_rng(5_110_009)
    assumed = [assumed_persistence(chance.standard_normal(n)) for n in (5, 10, 20, 40)]
    assert assumed == sorted(assumed, reverse=True)
    assert assumed_persistence(np.full(20, np.nan)) == assumed_persistence() == 0.5
    many = chance.standard_normal(57)
    assert assumed_persistence(many) == persistence(many)


@given(st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), max_size=70), st.lists(st.floats(-1, 1), max_size=70))
def test_no_less_is_assumed_to_carry_over_than_was_found_and_never_all_of_it(one, other):
    parts = np.array(one, dtype=float), np.array(other, dtype=float)
    assert persistence(*parts) <= assumed_persistence(*parts) <= 0.95


def test_a_comparison_without_a_backtest_names_seldom_a_winner_where_days_carry_half_over():
    wrong, days = 0, [7, 8, 9, 10, 12, 14, 17, 20, 24, 28, 34, 40, 48, 56]
    for rep in range(300):
        noise = np.random.default_rng([5_110_010, rep]).standard_normal(106)
        for at in range(1, 106):
            noise[at] += 0.5 * noise[at - 1]
        wrong += any(verdict(0.06 * noise[50 : 50 + day], Rule()).decision in {"win", "lose"} for day in days)
    assert wrong <= 33


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-2, 2), min_size=3, max_size=40), st.floats(0, 0.9))
def test_zero_lies_outside_the_interval_exactly_where_the_evidence_reaches_its_threshold(values, phi):
    told = whiten(np.array(values), phi)
    half = anytime_t_half_width(told, alpha=0.05)
    crossed = anytime_t_log_e(told) >= math.log(20)
    if math.isfinite(half) and abs(abs(told.mean) - half) > 1e-9 * max(half, 1e-9):
        assert crossed == (abs(told.mean) > half)


def test_evidence_does_not_depend_on_the_unit():
    looks = np.array([0.03, 0.05, -0.01, 0.04, 0.02])
    assert anytime_t_log_e(whiten(looks, 0.2)) == pytest.approx(anytime_t_log_e(whiten(1000 * looks, 0.2)))


def test_no_looks_are_no_evidence():
    nothing = Whitened(n=0, weight=0.0, total=0.0, squares=0.0)
    assert anytime_t_log_e(nothing) == 0.0
    assert math.isinf(anytime_t_half_width(nothing, alpha=0.05))


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_swapping_both_versions_turns_the_sign(one, other):
    assert relative_gain(one, other) == -relative_gain(other, one)
    assert -2.0 <= relative_gain(one, other) <= 2.0


def test_rows_that_cannot_be_compared_are_left_out_and_counted():
    told = paired_looks(
        np.array([3, 3, 5]),
        np.array([1.0, np.nan, 4.0]),
        np.array([2.0, 2.0, 4.0]),
        actual=np.array([3.0, 3.0, np.nan]),
        price=np.array([10.0, 10.0, 10.0]),
    )
    assert [look.period for look in told] == [3, 4, 5]
    assert (told[0].champion, told[0].challenger, told[0].saved, told[0].left_out) == (2.0, 1.0, 10.0, 1)
    assert [look.known for look in told] == [True, False, False]


@pytest.mark.parametrize("rule", [Rule(), Rule(horizon=60)])
def test_a_clear_gain_wins_and_the_same_loss_loses(rule):
    looks = 0.05 + 0.03 * np.random.default_rng(5_100_002).standard_normal(40)
    assert verdict(looks, rule).decision == "win"
    assert verdict(-looks, rule).decision == "lose"


@pytest.mark.parametrize("rule", [Rule(margin=0.02), Rule(horizon=90, margin=0.02)])
def test_versions_that_hardly_differ_are_equal(rule):
    looks = 0.005 * np.random.default_rng(5_100_003).standard_normal(60)
    assert verdict(looks - looks.mean(), rule).decision == "equal"


@pytest.mark.parametrize("rule", [Rule(margin=0.02), Rule(horizon=90, margin=0.02)])
def test_a_difference_that_is_certain_and_inside_the_margin_is_equal(rule):
    looks = 0.005 + 0.002 * np.random.default_rng(5_110_003).standard_normal(40)
    told = verdict(looks, rule)
    assert told.evidence > told.threshold
    assert told.low > 0
    assert told.decision == verdict(-looks, rule).decision == "equal"


def test_skewed_looks_name_no_loser_more_often_than_they_may():
    lost = 0
    for rep in range(400):
        looks = 0.06 * (np.random.default_rng([5_110_006, rep]).gamma(1.0, 1.0, 68) - 1.0)
        lost += verdict(looks[28:], Rule(horizon=40, start=40), reference=looks[:28]).decision == "lose"
    assert lost <= 17


@given(st.floats(-0.9, 0.9), st.floats(-2, 2), st.integers(7, 200))
def test_skew_is_put_back_as_it_was_taken_out(z, skew, n):
    assert with_skew(without_skew(z, skew=skew, n=n), skew=skew, n=n) == pytest.approx(z, abs=1e-6)


@pytest.mark.parametrize("rule", [Rule(), Rule(horizon=60)])
def test_zero_lies_outside_the_interval_exactly_where_the_boundary_is_reached(rule):
    for rep in range(60):
        chance = np.random.default_rng([5_110_007, rep])
        told = verdict(chance.gamma(1.0, 0.05, 30) - 0.03, rule)
        assert (told.evidence >= told.threshold) == (told.low > 0 or told.high < 0)


def test_after_a_hundred_looks_without_an_end_each_seventh_is_judged():
    looks = 0.06 * np.random.default_rng(5_110_004).standard_normal(120)
    assert verdict(looks[:106], Rule()) == verdict(looks[:100], Rule())
    assert verdict(looks[:107], Rule()).looks == 107
    assert verdict(np.append(looks[:103], np.nan), Rule()).decision == "hold"


def test_the_anytime_valid_t_test_may_be_asked_for_and_shows_its_evidence():
    looks = 0.05 + 0.03 * np.random.default_rng(5_110_005).standard_normal(40)
    told = verdict(looks, Rule(spending="mixture"))
    assert told.decision == "win"
    assert told.threshold == pytest.approx(math.log(20))


@pytest.mark.parametrize("rule", [Rule(), Rule(horizon=60)])
def test_missing_looks_mean_hold_and_never_pass(rule):
    looks = 0.05 + 0.01 * np.random.default_rng(5_100_004).standard_normal(30)
    assert verdict(np.append(looks, np.nan), rule).decision == "hold"
    assert verdict(np.full(30, np.nan), rule).decision == "hold"
    assert verdict(looks[:3], rule).decision == "hold"
    assert verdict(np.empty(0), rule).decision == "hold"


def test_looks_past_the_horizon_change_nothing():
    looks = np.random.default_rng(5_100_005).standard_normal(80) * 0.05
    rule = Rule(horizon=60)
    ended, later = verdict(looks[:60], rule), verdict(looks, rule)
    assert ended.ended
    assert (ended.decision, ended.evidence) == (later.decision, later.evidence)


@pytest.mark.parametrize("rule", [Rule(margin=0.02), Rule(horizon=60, margin=0.02)])
@pytest.mark.parametrize("value", [0.0, 0.3, -2.0])
def test_constant_differences_raise_nothing(rule, value):
    assert verdict(np.full(30, value), rule).decision in {"win", "lose", "equal", "undecided"}


@pytest.mark.parametrize("rule", [Rule(), Rule(horizon=60)])
def test_no_difference_is_seldom_called_one(rule):
    wrong = 0
    for rep in range(60):
        looks = 0.06 * np.random.default_rng([5_100_006, rep]).standard_normal(60)
        wrong += any(verdict(looks[:day], rule).decision in {"win", "lose"} for day in range(7, 61, 3))
    assert wrong <= 8


def test_the_normal_mixture_is_narrowest_about_where_it_was_tuned():
    v = np.arange(5.0, 400.0)
    tuned = mixture_bound(v, rho=mixture_scale(50.0, alpha=0.05), alpha=0.05)
    other = mixture_bound(v, rho=mixture_scale(300.0, alpha=0.05), alpha=0.05)
    assert tuned[45] < other[45]
    assert tuned[-1] > other[-1]


def _arms(gain, *, n=600, looks=40, seed=5_100_007):
    chance = np.random.default_rng(seed)
    size = chance.gamma(0.8, 10.0, n)
    arm = chance.random(n) < 0.5
    taste = chance.lognormal(0.0, 0.3, n)
    shock = chance.lognormal(0.0, 0.2, looks)
    level = (size * taste * np.where(arm, 1 - gain, 1.0))[:, None] * shock
    return level * chance.gamma(1.0, 1.0, (n, looks)), size * chance.lognormal(0, 0.1, n), arm


def test_arms_differ_by_what_they_differ_and_know_how_sure_that_is():
    off = []
    for rep in range(40):
        losses, before, arm = _arms(0.1, seed=[5_100_008, rep])
        told = compare_arms(losses, before, challenger=arm)
        off.append((told.gain - 0.1) / told.error)
    assert abs(np.mean(off)) < 0.6
    assert 0.6 < np.std(off) < 1.5


def test_losses_before_the_split_make_arms_surer():
    losses, before, arm = _arms(0.0)
    with_them = compare_arms(losses, before, challenger=arm)
    without = compare_arms(losses, np.full(len(before), np.nan), challenger=arm)
    assert with_them.error < 0.7 * without.error
    assert with_them.explained > 0.5


@pytest.mark.parametrize("rule", [Rule(), Rule(horizon=40)])
def test_arms_are_decided_where_the_gain_is_clear_and_hold_where_there_are_too_few(rule):
    losses, before, arm = _arms(0.3, looks=40)
    path = tuple(compare_arms(losses[:, :look], before, challenger=arm) for look in range(1, 41))
    looks = tuple(range(1, 41))
    assert arms_verdict(path, rule, looks=looks, precision=0.02).decision == "win"
    assert arms_verdict(path[:2], rule, looks=looks[:2], precision=0.02).decision == "hold"
    few = compare_arms(losses[:8], before[:8], challenger=arm[:8])
    assert arms_verdict((few,) * 10, rule, looks=tuple(range(1, 11)), precision=0.02).decision == "hold"


def test_arms_without_any_loss_or_series_raise_nothing():
    assert math.isnan(compare_arms(np.empty((0, 5)), np.empty(0), challenger=np.empty(0, dtype=bool)).gain)
    zero = compare_arms(np.zeros((40, 5)), np.zeros(40), challenger=np.arange(40) % 2 == 0)
    assert math.isnan(zero.gain)


def test_terms_that_make_no_sense_are_refused():
    for bad in ({"alpha": 0.7}, {"horizon": 3}, {"margin": -0.1}, {"start": 1}, {"spending": "pocock"}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            Rule(**bad)
    with pytest.raises(ValueError, match="it may have 1,000 at most"):
        Rule(horizon=1001)
    with pytest.raises(ValueError, match="has no horizon"):
        Rule(spending="mixture", horizon=60)
