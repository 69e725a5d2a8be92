from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from finalmile.monitoring.checks.error_rate import ErrorRateCheck
from finalmile.monitoring.checks.latency import LatencyCheck
from finalmile.monitoring.checks.throughput import ThroughputCheck
from finalmile.monitoring.operations.windows import Certified, Windows, in_windows

DAY = date(2024, 3, 1)
QUANTILES = {"p50": 0.5, "p99": 0.99}


def load(rng: np.random.Generator, windows: int, *, slower: float = 1.0, requests: int = 400, stalls: float = 0.0):
    """Latencies of a server whose load is correlated from one moment to the next; ms, shape (windows, requests)."""
    busy = np.zeros(windows)
    for at in range(1, windows):
        busy[at] = 0.7 * busy[at - 1] + 0.05 * rng.standard_normal()
    took = 2.0 * slower * np.exp(busy[:, None] + 0.4 * rng.standard_normal((windows, requests)))
    return np.where(rng.random(took.shape) < stalls, took + 200.0, took)


def windows_of(took: np.ndarray, failed: np.ndarray | None = None) -> Windows:
    w, n = took.shape
    at = np.repeat(np.arange(w) * 10.0, n) + np.tile(np.linspace(0, 9.9, n), w)
    bad = np.zeros(took.size, dtype=bool) if failed is None else failed.ravel()
    return in_windows(at, took.ravel(), bad, window_s=10)


def certified(rng: np.random.Generator, windows: int = 30) -> Certified:
    told = windows_of(load(rng, windows))
    return Certified(
        windows={name: told.quantiles[name].tolist() for name in QUANTILES}, source="its certificate", sustained=100.0
    )


def latency(rng: np.random.Generator, *, looks: int, **change: float) -> int:
    found = 0
    for _ in range(looks):
        told = LatencyCheck().compare(windows_of(load(rng, 6, **change)), certified(rng), subject="demand@3", at=DAY)
        found += told.breached
    return found


def test_quiet_looks_raise_no_alarm() -> None:
    assert latency(np.random.default_rng(5_000_001), looks=300) == 0


def test_answers_half_as_slow_again_are_found_in_nearly_every_look() -> None:
    assert latency(np.random.default_rng(5_000_002), looks=60, slower=1.5) >= 57


def test_a_hundredth_of_requests_that_stall_is_found() -> None:
    assert latency(np.random.default_rng(5_000_003), looks=20, stalls=0.015) == 20


def test_a_slowdown_within_the_tolerance_is_no_breach_however_sure() -> None:
    steady = {"p50": [1.0, 1.0] * 15, "p99": [4.0, 4.0] * 15}
    slow = Windows(
        starts=np.arange(5) * 10.0, seconds=np.full(5, 10.0), requests=np.full(5, 500), failed=np.zeros(5, dtype=int),
        quantiles={"p50": np.full(5, 1.08), "p99": np.full(5, 4.3)},
    )  # fmt: skip
    told = LatencyCheck().compare(slow, Certified(windows=steady, source="its certificate"), subject="d@1", at=DAY)
    assert not told.breached
    assert told.severity == "warning"


def test_a_slow_spell_in_a_fast_day_is_a_warning_that_says_since_when() -> None:
    rng = np.random.default_rng(5_000_004)
    took = load(rng, 200)
    took[100:104] *= 10
    told = LatencyCheck().compare(windows_of(took), certified(rng), subject="demand@3", at=DAY)
    assert (told.breached, told.severity) == (False, "warning")
    assert told.since is not None
    assert told.since.timestamp() == 1000.0


@pytest.mark.parametrize("check", [LatencyCheck(), ThroughputCheck(), ErrorRateCheck()])
def test_nothing_asked_is_told_and_no_fault(check: LatencyCheck | ThroughputCheck | ErrorRateCheck) -> None:
    none = in_windows(np.zeros(0), np.zeros(0), np.zeros(0, dtype=bool), window_s=10)
    told = check.compare(none, Certified(windows={}, source="its certificate"), subject="demand@3", at=DAY)
    assert told.value is None
    assert "cannot be judged" in told.why
    assert check.compare(none, None, subject="demand@3", at=DAY).value is None


def test_a_certificate_of_two_windows_judges_nothing_and_says_so() -> None:
    rng = np.random.default_rng(5_300_301)
    told = LatencyCheck().compare(windows_of(load(rng, 6)), certified(rng, windows=2), subject="demand@3", at=DAY)
    assert told.value is None
    assert "its certificate rests on 2 windows, and 5 are needed" in told.why


def test_without_a_certificate_the_mend_is_told() -> None:
    told = LatencyCheck().compare(windows_of(load(np.random.default_rng(1), 5)), None, subject="demand@3", at=DAY)
    assert told.value is None
    assert "finalmile certify demand@3 --endpoint" in told.why


def test_a_burst_of_failures_is_not_counted_as_if_requests_were_independent() -> None:
    rng = np.random.default_rng(5_000_005)
    took, failed = load(rng, 60), np.zeros((60, 400), dtype=bool)
    failed[30] = True
    told = ErrorRateCheck().compare(windows_of(took, failed), certified(rng), subject="demand@3", at=DAY)
    assert told.value == pytest.approx(1 / 60)
    assert (told.breached, told.severity) == (False, "warning")


def test_failures_that_go_on_are_found() -> None:
    rng = np.random.default_rng(5_000_006)
    failed = rng.random((60, 400)) < 0.02
    told = ErrorRateCheck().compare(windows_of(load(rng, 60), failed), certified(rng), subject="demand@3", at=DAY)
    assert told.breached
    assert told.severity == "critical"


def test_quiet_failures_within_the_tolerance_raise_no_alarm() -> None:
    rng = np.random.default_rng(5_000_007)
    found = [
        ErrorRateCheck()
        .compare(windows_of(load(rng, 30), rng.random((30, 400)) < 0.001), None, subject="demand@3", at=DAY)
        .breached
        for _ in range(300)
    ]
    assert sum(found) <= 3


def test_more_than_is_sustained_breaches_and_a_single_burst_does_not() -> None:
    rng = np.random.default_rng(2)
    busy = windows_of(load(rng, 10, requests=1100))
    told = ThroughputCheck().compare(busy, certified(rng), subject="demand@3", at=DAY)
    assert told.breached
    burst = Windows(
        starts=np.arange(10) * 10.0, seconds=np.full(10, 10.0), requests=np.array([9000] * 2 + [100] * 8),
        failed=np.zeros(10, dtype=int), quantiles={},
    )  # fmt: skip
    assert ThroughputCheck().compare(burst, certified(rng), subject="demand@3", at=DAY).severity == "info"


def test_thin_traffic_is_gathered_until_a_window_has_enough() -> None:
    at = np.arange(0, 1000, 1.0)
    told = in_windows(at, np.full(1000, 2.0), np.zeros(1000, dtype=bool), window_s=10, least=100)
    assert told.requests.tolist() == [100] * 10
    assert told.rate.tolist() == [1.0] * 10


def test_settings_that_mean_nothing_are_refused() -> None:
    for wrong in (
        lambda: LatencyCheck(level=1.0), lambda: ThroughputCheck(headroom=0), lambda: ErrorRateCheck(least_windows=1)
    ):  # fmt: skip
        with pytest.raises(ValueError, match="must be"):
            wrong()
