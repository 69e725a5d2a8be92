"""How fast, how much and how rightly the endpoint answered, against the certificate of what is live."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from finalmile.monitoring.checks.error_rate import ErrorRateCheck
from finalmile.monitoring.checks.latency import LatencyCheck
from finalmile.monitoring.checks.throughput import ThroughputCheck
from finalmile.monitoring.operations.windows import LEVELS, Certified, Windows, in_windows
from finalmile.ports import Lake
from finalmile.predictions.record import ANSWERED
from finalmile.records import Finding, Version
from finalmile.workflows.seal import PREDICTIONS, last_seal
from finalmile.workflows.shop import Shop, live_version
from finalmile.workflows.speed import Benchmark, benchmark_of
from finalmile.workflows.watching.seen import Told

NAME = "speed"
WINDOW_S = 10.0
_FROM_OUTSIDE = "The certificate was measured from outside the process, the log inside it: a slowdown shows late."


def look(shop: Shop, lake: Lake, model: str) -> Told:
    """Judge what was sealed since the last look: latency by version, load and errors of the whole endpoint."""
    upto = last_seal(shop.ledger)
    requests = _requests(lake, model, after=int(shop.ledger.load_state(_key(model)) or b"0"), upto=upto)
    if requests is None or requests.is_empty():
        return Told()
    live = live_version(shop, model)
    findings = [*_of_all(shop, live, requests), *_latencies(shop, model, requests)]
    return Told(findings=tuple(findings), states={_key(model): str(upto).encode()})


def certified(told: Benchmark | None, /) -> Certified | None:
    """A benchmark as checks take it."""
    if told is None:
        return None
    one, own = told.certificate, told.source == "own"
    served = {name: one.served[name] for name in LEVELS if len(one.served.get(name, ())) > 1}
    notes = () if own else (told.why,)
    return Certified(
        windows=served or {name: one.windows[name] for name in LEVELS if name in one.windows},
        source="its certificate" if own else f"the certificate of {one} ({told.source})",
        own=own,
        rate=one.rate,
        sustained=one.sustained,
        failed=sum(one.errors.values()) / max(one.requests, 1),
        notes=notes if served else (*notes, _FROM_OUTSIDE),
    )


def _of_all(shop: Shop, live: Version, requests: pl.DataFrame) -> list[Finding]:
    benchmark, at = certified(benchmark_of(shop, live)), shop.clock.now()
    windows = _windows(requests, window_s=WINDOW_S)
    return [
        check.compare(windows, benchmark, subject=str(live), at=at) for check in (ThroughputCheck(), ErrorRateCheck())
    ]


def _latencies(shop: Shop, model: str, requests: pl.DataFrame) -> list[Finding]:
    found: list[Finding] = []
    right = requests.filter(~pl.col("failed"))
    for (number,), part in right.sort("version").group_by("version", maintain_order=True):
        version = shop.ledger.version(model, int(number))
        benchmark = benchmark_of(shop, version)
        window_s = WINDOW_S if benchmark is None else benchmark.certificate.window_s
        told = LatencyCheck().compare(
            _windows(part, window_s=window_s), certified(benchmark), subject=str(version), at=shop.clock.now()
        )
        found.append(told)
    return found


def _windows(requests: pl.DataFrame, *, window_s: float) -> Windows:
    return in_windows(
        requests["at"].to_numpy() / 1e6,
        requests["took"].to_numpy() / 1e3,
        requests["failed"].to_numpy().astype(np.bool_),
        window_s=window_s,
    )


def _requests(lake: Lake, model: str, *, after: int, upto: int) -> pl.DataFrame | None:
    """Requests that were answered, one row each: when in microseconds, how long, by which version, and whether rightly.

    One that another version had to answer for was not answered rightly.
    """
    sealed = lake.scan(PREDICTIONS)
    if not sealed.collect_schema():
        return None
    mine = sealed.filter(
        pl.col("seal").is_between(after + 1, upto), pl.col("model") == model, pl.col("role").is_in(ANSWERED)
    )
    wrong = (pl.col("outcome") != "ok") | (pl.col("fallback").fill_null("") != "")
    by: Sequence[pl.Expr] = (
        pl.col("issued_at").max().cast(pl.Int64).cast(pl.Float64).alias("at"),
        pl.col("latency_us").max().cast(pl.Float64).alias("took"),
        pl.col("version").first(),
        wrong.any().alias("failed"),
    )
    return mine.group_by("request_id").agg(*by).sort("at", "request_id").collect()


def _key(model: str) -> str:
    return f"{NAME}/{model}"
