"""Evidence of scatter, by how improbable counts are around their expectation."""

import math

import numpy as np
import pytest

from finalmile.monitoring.engine.clustering import steadiness
from finalmile.monitoring.engine.dispersion import Dispersion, _log_gamma

ALARM = math.log(90_000.0)


def counts(rng: np.random.Generator, mean: np.ndarray, *, size: float = 4.0) -> np.ndarray:
    return rng.negative_binomial(size, size / (size + mean)).astype(float)


def watch(reference: np.ndarray, looks: np.ndarray, *, mean: float, pooled: bool = False) -> np.ndarray:
    """Largest log evidence of each product over the looks."""
    state = Dispersion.start(reference, np.full(reference.shape, mean), least=90, next_period=reference.shape[1])
    most = np.full(len(reference), -np.inf)
    for t in range(looks.shape[1]):
        expected = np.full(len(looks), mean)
        state = state.step(reference.shape[1] + t, looks[:, t], expected, pooled=pooled)
        most = np.maximum(most, state.log_evidence)
    return most


@pytest.mark.parametrize("x", [0.01, 0.5, 3.0, 40.0, 1e5])
def test_the_logarithm_of_gamma_is_that_of_the_library(x: float) -> None:
    assert float(_log_gamma(np.array([x]))[0]) == pytest.approx(math.lgamma(x), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("kind", ["counts", "gamma", "lognormal", "precise", "zeros"])
def test_products_that_stay_as_they_were_gather_no_evidence_whatever_their_distribution(kind: str) -> None:
    rng = np.random.default_rng(5_300_010)
    draw = {
        "counts": lambda n: counts(rng, np.full((300, n), 6.0)),
        "gamma": lambda n: 6.0 * rng.gamma(4.0, 0.25, (300, n)),
        "lognormal": lambda n: 6.0 * rng.lognormal(-0.32, 0.8, (300, n)),
        "precise": lambda n: 6.0 * rng.normal(1.0, 0.04, (300, n)),
        "zeros": lambda n: np.where(rng.random((300, n)) < 0.4, 0.0, counts(rng, np.full((300, n), 10.0))),
    }[kind]
    assert (watch(draw(364), draw(180), mean=6.0) >= ALARM).mean() <= 0.01


def test_sales_that_scatter_half_more_at_the_same_mean_are_found_within_eight_weeks() -> None:
    rng = np.random.default_rng(5_300_011)
    wider = 1.25 * (1 / 6 + 1 / 4)
    looks = counts(rng, 6.0 * rng.gamma(1 / wider, wider, (200, 56)))
    assert (watch(counts(rng, np.full((200, 364), 6.0)), looks, mean=6.0) >= ALARM).mean() >= 0.35


def test_sales_that_scatter_less_prove_nothing() -> None:
    rng = np.random.default_rng(5_300_012)
    reference = counts(rng, np.full((100, 364), 6.0))
    assert (watch(reference, rng.poisson(6.0, (100, 90)).astype(float), mean=6.0) < 3.0).all()


def test_what_all_products_share_is_taken_out_of_their_scatter() -> None:
    rng = np.random.default_rng(5_300_013)
    reference, looks = counts(rng, np.full((200, 364), 6.0)), counts(rng, np.full((200, 40), 6.0), size=1.0)
    assert (watch(reference, looks, mean=6.0) >= ALARM).mean() > 0.3
    assert (watch(reference, looks, mean=6.0, pooled=True) >= ALARM).mean() <= 0.02


def test_constant_zero_infinite_and_missing_values_are_no_error() -> None:
    reference = np.vstack([np.zeros(120), np.full(120, 5.0), np.full(120, np.nan), np.full(120, 1e12)])
    state = Dispersion.start(reference, np.full((4, 120), 5.0), least=90, next_period=120)
    assert state.learned.tolist() == [True, True, False, True]
    for t in range(10):
        state = state.step(120 + t, np.array([0.0, np.inf, 3.0, np.nan]), np.array([5.0, 0.0, 5.0, 5.0]), pooled=True)
    assert np.isneginf(state.log_evidence[2])
    assert not np.isnan(state.log_evidence).any()


def test_a_look_whose_surprise_was_to_be_expected_after_the_one_before_counts_for_less() -> None:
    rng = np.random.default_rng(5_300_014)
    alone = rng.normal(size=(200, 364))
    assert (steadiness(alone**2) < 1).mean() <= 0.06
    waves = np.repeat(rng.gamma(2.0, 0.5, (200, 52)), 7, axis=1)
    assert (steadiness(waves * alone[:, : waves.shape[1]] ** 2) < 1).mean() >= 0.5
