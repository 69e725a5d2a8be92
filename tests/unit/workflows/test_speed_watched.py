"""What the endpoint logged is held against the certificate of what is live, else against the nearest one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np

from finalmile.adapters.local.tail_file import TailFile
from finalmile.predictions.record import Prediction
from finalmile.project import Project
from finalmile.records import EndpointCertificate, Finding

BEGUN = int(datetime(2023, 4, 12, 9, tzinfo=UTC).timestamp())


def certificate(number: int, *, served: bool = True) -> EndpointCertificate:
    rng = np.random.default_rng(1)
    windows = {"p50": rng.normal(2.0, 0.05, 30).tolist(), "p99": rng.normal(6.0, 0.3, 30).tolist()}
    return EndpointCertificate(
        model="demand", number=number, issued_at=datetime(2023, 4, 1, tzinfo=UTC), digest="d", kind="seasonal_naive",
        features=0, machine="m", rows=1, rows_digest="r", durable=True, rate=20.0, connections=4, window_s=10.0,
        requests=6000, windows=windows, intervals={}, level=0.99, target_ms=50.0, sustained=100.0, stopped="settled",
        passed=True, served=windows if served else {},
    )  # fmt: skip


def logged(project: Project, *, slower: float = 1.0, failing: float = 0.0, windows: int = 12) -> None:
    """Two hundred requests in each window of ten seconds."""
    rng = np.random.default_rng(2)
    (project.folder / "serving").mkdir(exist_ok=True)
    tail = TailFile(project.folder / "serving" / "log-0.db")
    lines: list[bytes] = []
    for at in range(windows * 200):
        took = slower * 2000.0 * np.exp(rng.standard_normal() * 0.45)
        told = Prediction(
            prediction_id=f"p{at}", request_id=f"r{at}", endpoint="predict", model="demand", version=1, role="live",
            issued_at=int((BEGUN + at / 20) * 1e6), mean=(1.0,), ds=(None,), latency_us=int(took),
            outcome="error: late" if rng.random() < failing else "ok",
        )  # fmt: skip
        lines.append(told.to_json())
    tail.write(lines)
    tail.close()


def speed(shop: Any, *certificates: EndpointCertificate, **load: float) -> dict[str, Finding]:
    project: Project = shop.project
    project.train("demand")
    project.promote("demand", force=True)
    for one in certificates:
        project.ledger.add_endpoint_certificate(one, actor="t")
    logged(project, **load)
    names = {"latency", "throughput", "error_rate"}
    return {finding.check: finding for finding in project.monitor("demand").findings if finding.check in names}


def test_a_quiet_endpoint_is_told_and_opens_nothing(small_shop: Callable[..., Any]) -> None:
    shop = small_shop()
    told = speed(shop, certificate(1))
    assert {check: finding.breached for check, finding in told.items()} == {
        "latency": False, "throughput": False, "error_rate": False
    }  # fmt: skip
    assert told["throughput"].value == 20.0
    assert "its certificate" in told["latency"].why
    again = {finding.check for finding in shop.project.monitor("demand").findings}
    assert "latency" not in again


def test_a_slow_and_failing_endpoint_opens_incidents_for_people(small_shop: Callable[..., Any]) -> None:
    shop = small_shop()
    told = speed(shop, certificate(1), slower=2.0, failing=0.05)
    assert told["latency"].breached
    assert told["error_rate"].breached
    opened = {incident.check for incident in shop.project.incidents().rows}
    assert {"latency", "error_rate"} <= opened


def test_a_certificate_of_another_version_stands_in_and_is_named(small_shop: Callable[..., Any]) -> None:
    shop = small_shop()
    shop.project.train("demand")
    shop.morning(101)
    shop.project.sales.add(shop.sales(100, 101))
    told = speed(shop, certificate(2, served=False), slower=5.0)["latency"]
    assert told.breached
    assert "demand@2 (previous version)" in told.why
    assert "measured from outside" in told.why


def test_without_any_certificate_nothing_is_claimed_of_latency(small_shop: Callable[..., Any]) -> None:
    told = speed(small_shop())
    assert told["latency"].value is None
    assert "finalmile certify demand@1 --endpoint" in told["latency"].why
    assert told["error_rate"].value == 0.0
