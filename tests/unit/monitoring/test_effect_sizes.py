"""Effect sizes are those of scipy, and of published examples; nothing in data makes them raise."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from finalmile.monitoring.effects import Counted, effects, ordered
from finalmile.monitoring.effects.pairs import ordered_columns
from finalmile.monitoring.effects.sizes.chi_square import ChiSquare
from finalmile.monitoring.effects.sizes.energy import Energy
from finalmile.monitoring.effects.sizes.hellinger import Hellinger
from finalmile.monitoring.effects.sizes.jensen_shannon import JensenShannon
from finalmile.monitoring.effects.sizes.ks import KS
from finalmile.monitoring.effects.sizes.psi import PSI
from finalmile.monitoring.effects.sizes.total_variation import TotalVariation
from finalmile.monitoring.effects.sizes.wasserstein import Wasserstein
from finalmile.monitoring.profile import NumberColumn, Profile

_numbers = st.lists(st.integers(-50, 50).map(lambda k: k / 4), min_size=1, max_size=40).map(np.array)
_counts = st.lists(st.integers(0, 30), min_size=2, max_size=8)


@given(a=_numbers, b=_numbers)
@settings(max_examples=150, deadline=None)
def test_ordered_effects_are_those_of_scipy(a: np.ndarray, b: np.ndarray) -> None:
    pair = ordered(a, b)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its p-value
        assert KS()(pair).value == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic, abs=1e-12)
    assert Wasserstein(in_sd=False)(pair).value == pytest.approx(stats.wasserstein_distance(a, b), abs=1e-12)
    assert Energy(in_sd=False)(pair).value == pytest.approx(stats.energy_distance(a, b), abs=1e-7)
    assert KS()(pair).error == Wasserstein(in_sd=False)(pair).error == Energy(in_sd=False)(pair).error == 0


@given(p=_counts, q=_counts)
@settings(max_examples=150, deadline=None)
def test_effects_of_counts_are_those_of_scipy(p: list[int], q: list[int]) -> None:
    size = min(len(p), len(q))
    a, b = np.array(p[:size], float), np.array(q[:size], float)
    if not (a.sum() and b.sum()):
        return
    pair = Counted(reference=a, current=b)
    assert JensenShannon()(pair).value == pytest.approx(jensenshannon(a, b, base=2), abs=1e-7)
    assert TotalVariation()(pair).value == pytest.approx(np.abs(a / a.sum() - b / b.sum()).sum() / 2, abs=1e-12)
    assert Hellinger()(pair).value == pytest.approx(
        math.sqrt(max(0.0, 1 - np.sqrt(a * b).sum() / math.sqrt(a.sum() * b.sum()))), abs=1e-7
    )
    used = a + b > 0
    if used.sum() > 1:
        expected = stats.chi2_contingency(np.array([a[used], b[used]]), correction=False).statistic
        assert ChiSquare.statistic(pair) == pytest.approx(expected, abs=1e-9)
        assert ChiSquare()(pair).value == pytest.approx(math.sqrt(expected / (a.sum() + b.sum())), abs=1e-9)


def test_published_examples_agree() -> None:
    uneven = Counted(reference=np.array([16.0, 18, 16, 14, 12, 12]), current=np.array([16.0, 16, 16, 16, 16, 8]))
    assert Hellinger()(uneven).value == pytest.approx(0.06812, abs=1e-5)
    same = Counted(reference=np.array([16.0, 18, 16, 14, 12, 12]), current=np.array([10.0, 10, 24, 24, 10, 10]))
    assert TotalVariation()(same).value == pytest.approx(18 / 88, abs=1e-9)
    assert KS()(ordered(np.array([1.0, 2]), np.array([3.0, 4, 5, 6]))).value == 1.0


@pytest.mark.parametrize("family", ["normal", "lognormal", "poisson", "mostly_zero"])
@pytest.mark.parametrize("shift", [0.0, 0.3, 1.5])
def test_tables_are_within_their_stated_error_of_the_rows(family: str, shift: float) -> None:
    rng = np.random.default_rng([5_000_001, int(shift * 10)])
    draw = {
        "normal": lambda n: rng.standard_normal(n),
        "lognormal": lambda n: rng.lognormal(0, 1.5, n),
        "poisson": lambda n: rng.poisson(6.0, n).astype(float),
        "mostly_zero": lambda n: np.where(rng.random(n) < 0.8, 0.0, rng.gamma(2.0, 3.0, n)),
    }[family]
    a, b = draw(20_000), draw(30_000) * (1 + shift / 5) + shift
    profile = Profile.of({"x": a})
    (reference,), (current,) = profile.columns, profile.observe({"x": b}).columns
    assert isinstance(reference, NumberColumn)
    assert isinstance(current, NumberColumn)
    rough, exact = ordered_columns(reference, current), ordered(a, b)
    for name in effects:
        effect = effects.make(name)
        told, true = effect(rough), effect(exact)
        assert told.value is not None
        assert told.value <= true.value + 1e-9
        assert true.value <= told.value + told.error + 1e-9, name
    assert KS()(rough).error <= 1.1e-3
    assert PSI()(rough).value == pytest.approx(PSI()(exact).value, rel=1e-9)


@pytest.mark.parametrize("name", list(effects))
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([], [1.0, 2.0]),
        ([1.0], []),
        ([], []),
        ([3.0], [3.0]),
        ([3.0, 3.0], [3.0, 3.0, 3.0]),
        ([3.0, 3.0], [4.0]),
        ([0.0] * 9, [0.0] * 5),
        ([np.nan, np.nan], [1.0]),
        ([np.inf, 1.0, 2.0], [-np.inf, 1.0]),
        ([1e308, -1e308], [1e308, 3.0]),
        ([1.0, 2.0], [1e300, -1e300]),
    ],
)
def test_no_data_makes_an_effect_raise(name: str, a: list[float], b: list[float]) -> None:
    told = effects.make(name)(ordered(np.array(a), np.array(b)))
    assert (told.value is None) == bool(told.why)
    assert not told.breached
    assert told.value is None or math.isfinite(told.value)


@pytest.mark.parametrize("name", list(effects))
def test_chance_and_interval_are_what_undrifted_samples_show(name: str) -> None:
    effect, seen, above = effects.make(name), [], 0
    rng = np.random.default_rng(5_000_002)
    for _ in range(200):
        told = effect(ordered(rng.standard_normal(1200), rng.standard_normal(60)))
        assert told.value is not None
        assert told.chance is not None
        seen.append(told.value / told.chance)
        above += told.low > 0
    assert 0.75 < np.mean(seen) < 1.35
    assert above <= 8


@pytest.mark.parametrize("name", list(effects))
def test_the_interval_covers_what_the_populations_show(name: str) -> None:
    effect = effects.make(name)
    rng = np.random.default_rng(5_000_003)
    true = effect(ordered(rng.standard_normal(400_000), rng.standard_normal(400_000) + 0.4)).value
    told = [effect(ordered(rng.standard_normal(800), rng.standard_normal(500) + 0.4)) for _ in range(100)]
    if name == "chi_square":  # depends on the proportion of rows, which is another one above
        return
    assert sum(t.low <= true <= t.high for t in told) >= 90


def test_only_a_threshold_of_the_user_makes_a_breach_and_only_beyond_chance() -> None:
    rng = np.random.default_rng(5_000_004)
    far = ordered(rng.standard_normal(5000), rng.standard_normal(5000) + 1)
    few = ordered(rng.standard_normal(1200), rng.standard_normal(20))
    assert not KS()(far).breached
    assert KS(threshold=0.2)(far).breached
    assert KS()(few).value > 0.1
    assert not KS(threshold=0.1)(few).breached
    assert KS()(far).size == "large"
    assert KS()(few).size == "none"


def test_categories_have_no_order() -> None:
    told = KS()(Counted(reference=np.array([1.0, 2.0]), current=np.array([1.0, 2.0])))
    assert told.value is None
    assert "no order" in told.why
