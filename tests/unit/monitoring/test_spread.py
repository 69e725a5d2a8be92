"""Evidence of scatter, by ranks among a reference."""

import numpy as np
import pytest

from finalmile.monitoring.engine.spread import Spread

ALARM = np.log(3650.0)


def watch(reference: np.ndarray, looks: np.ndarray, *, pooled: bool = False) -> np.ndarray:
    """Largest log evidence of each stream over the looks."""
    spread = Spread.start(reference, least=90, next_period=reference.shape[1])
    most = np.full(len(reference), -np.inf)
    for t in range(looks.shape[1]):
        spread = spread.step(reference.shape[1] + t, looks[:, t], pooled=pooled)
        most = np.maximum(most, spread.log_evidence)
    return most


@pytest.mark.parametrize("kind", ["normal", "gamma", "poisson", "cauchy"])
def test_streams_that_stay_as_they_were_gather_no_evidence_whatever_their_distribution(kind: str) -> None:
    rng = np.random.default_rng(31)
    draw = {
        "normal": lambda n: rng.normal(size=(200, n)),
        "gamma": lambda n: rng.gamma(0.7, size=(200, n)),
        "poisson": lambda n: rng.poisson(4.0, size=(200, n)).astype(float),
        "cauchy": lambda n: rng.standard_cauchy(size=(200, n)),
    }[kind]
    assert (watch(draw(365), draw(180)) >= ALARM).mean() <= 0.08


@pytest.mark.parametrize("kind", ["normal", "gamma"])
def test_streams_that_scatter_wider_are_found(kind: str) -> None:
    rng = np.random.default_rng(32)
    draw = {"normal": lambda n: rng.normal(size=(100, n)), "gamma": lambda n: rng.gamma(2.0, size=(100, n)) - 2.0}[kind]
    assert (watch(draw(365), 1.5 * draw(90)) >= ALARM).mean() >= 0.6


def test_streams_that_scatter_less_prove_nothing() -> None:
    rng = np.random.default_rng(33)
    assert (watch(rng.normal(size=(100, 365)), 0.5 * rng.normal(size=(100, 90))) < 3.0).all()


def test_what_all_streams_share_is_taken_out() -> None:
    rng = np.random.default_rng(34)
    looks = 2.5 * rng.normal(size=(100, 30)) + rng.normal(size=30)
    reference = rng.normal(size=(100, 365))
    assert (watch(reference, looks) >= ALARM).mean() > 0.5
    assert (watch(reference, looks, pooled=True) < ALARM).all()


def test_short_references_and_missing_looks_leave_streams_as_they_were() -> None:
    rng = np.random.default_rng(35)
    short = Spread.start(rng.normal(size=(3, 30)), least=90, next_period=30)
    assert np.isneginf(short.step(30, np.array([9.0, 9.0, 9.0]), pooled=False).log_evidence).all()
    long = Spread.start(rng.normal(size=(3, 120)), least=90, next_period=120)
    moved = long.step(120, np.array([9.0, np.nan, 0.0]), pooled=False)
    assert np.isfinite(moved.log_evidence).tolist() == [True, False, True]
    assert np.isneginf(moved.restarted(np.array([0])).log_evidence[0])


def test_constant_and_infinite_values_are_no_error() -> None:
    constant = Spread.start(np.zeros((2, 120)), least=90, next_period=120)
    for t in range(30):
        constant = constant.step(120 + t, np.array([0.0, np.inf]), pooled=True)
    assert (constant.log_evidence < ALARM).all()


def test_a_stream_of_zeros_that_starts_to_move_is_found_but_not_in_one_look() -> None:
    moving = Spread.start(np.zeros((1, 365)), least=90, next_period=365)
    seen = []
    for t in range(20):
        moving = moving.step(365 + t, np.array([1e9]), pooled=False)
        seen.append(float(moving.log_evidence[0]))
    assert seen[0] < 4.0
    assert seen[-1] >= ALARM
