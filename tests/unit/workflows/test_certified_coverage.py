"""Coverage on a certificate: a version fails for what is certain, not for what chance brings."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from finalmile.workflows.certify import most_likely_covered


def windows(chance: float, *, n: int, alike: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hits of eight windows a series, each as its series does with chance ``alike``, else by itself."""
    random = np.random.default_rng(seed)
    own = random.random((n, 1)) < chance
    hits = np.where(random.random((n, 8)) < alike, own, random.random((n, 8)) < chance)
    return hits.ravel(), np.repeat(np.arange(n), 8)


@pytest.mark.parametrize("n", [12, 116, 3000])
@pytest.mark.parametrize("alike", [0.0, 0.6, 1.0])
def test_a_version_that_covers_enough_is_rarely_told_to_cover_too_little(n: int, alike: float) -> None:
    least = 0.96
    failed = [(most_likely_covered(*windows(least, n=n, alike=alike, seed=seed)) or 1) < least for seed in range(400)]
    assert np.mean(failed) < 0.10


@pytest.mark.parametrize(("n", "covers", "found"), [(116, 0.88, 0.9), (3000, 0.945, 0.95), (30, 0.75, 0.9)])
def test_a_version_that_covers_too_little_is_found_even_where_windows_miss_together(
    n: int, covers: float, found: float
) -> None:
    failed = [(most_likely_covered(*windows(covers, n=n, alike=0.6, seed=seed)) or 1) < 0.96 for seed in range(200)]
    assert np.mean(failed) > found


def test_one_window_a_series_gives_the_bound_of_clopper_and_pearson() -> None:
    hits = np.arange(40) >= 3
    assert most_likely_covered(hits, np.arange(40)) == pytest.approx(beta.ppf(0.95, 38, 3))


def test_what_never_missed_may_cover_everything_and_what_was_never_seen_is_unknown() -> None:
    assert most_likely_covered(np.ones(5, dtype=bool), np.arange(5)) == 1.0
    assert most_likely_covered(np.zeros(0, dtype=bool), np.arange(0)) is None
    assert (most_likely_covered(np.zeros(6, dtype=bool), np.repeat(np.arange(3), 2)) or 1.0) < 0.7
