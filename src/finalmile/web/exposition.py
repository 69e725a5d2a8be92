"""Metrics as Prometheus reads them (text format 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from finalmile.serving.counters import Counted
from finalmile.serving.histogram import Histogram, bucket_of
from finalmile.web.state import State

_EDGES_MS = (0.1, 0.2, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 50, 75, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000)
_QUANTILES = (0.5, 0.9, 0.99, 0.999)
_HELP = {
    "requests": "Requests that were answered.",
    "rows": "Predictions that were answered.",
    "errors_client": "Requests refused because of what they asked (4xx).",
    "errors_server": "Requests that failed here (5xx).",
    "refused": "Requests that were told to come again (503).",
    "fallbacks": "Predictions that another version answered than the route says.",
    "swaps": "Times that a worker followed a change of what is served.",
    "load_failures": "Versions that could not be loaded.",
    "logged": "Predictions handed to the log.",
    "lost": "Predictions that were answered and will never be in the log.",
    "relayed": "Requests handed to the manager.",
    "record_errors": "Records answered by an error of their own.",
}
_GAUGES = {
    "in_flight": "Requests under way.",
    "log_waiting": "Predictions taken for the log and not yet on the disk.",
    "ready": "Workers that can answer everything.",
    "draining": "Workers that are ending.",
}
_LATENCY = {
    "request": "From a request's head to its answer being sent.",
    "model": "Of the model alone.",
    "log": "Until the log had taken the predictions, as safe as the endpoint promises.",
}


def exposed(told: Counted, state: State) -> str:
    """Every metric of all workers together."""
    return "\n".join([*_totals(told), *_gauges(told, state), *_tallies(told), *_latencies(told)]) + "\n"


def _totals(told: Counted) -> Iterator[str]:
    for name, what in _HELP.items():
        yield f"# HELP finalmile_{name}_total {what}"
        yield f"# TYPE finalmile_{name}_total counter"
        yield f"finalmile_{name}_total {told.totals[name]}"


def _gauges(told: Counted, state: State) -> Iterator[str]:
    for name, what in _GAUGES.items():
        yield f"# HELP finalmile_{name} {what}"
        yield f"# TYPE finalmile_{name} gauge"
        yield f"finalmile_{name} {told.gauges[name]}"
    yield "# HELP finalmile_log_lag_seconds Age of the oldest prediction that is not yet on the disk."
    yield "# TYPE finalmile_log_lag_seconds gauge"
    yield f"finalmile_log_lag_seconds {told.gauges['log_oldest_us'] / 1e6:g}"
    yield "# HELP finalmile_route_live Version that is live."
    yield "# TYPE finalmile_route_live gauge"
    for name, model in state.models.items():
        yield f'finalmile_route_live{{model="{_plain(name)}"}} {model.route.live}'


def _tallies(told: Counted) -> Iterator[str]:
    kinds = {"answers": "Predictions by version.", "strikes": "Times that a version could not answer or be loaded."}
    for kind, what in kinds.items():
        yield f"# HELP finalmile_version_{kind}_total {what}"
        yield f"# TYPE finalmile_version_{kind}_total counter"
        for name, count in told.tallies.items():
            if name.startswith(f"{kind} "):
                model, _, number = name.removeprefix(f"{kind} ").rpartition("@")
                yield f'finalmile_version_{kind}_total{{model="{_plain(model)}",version="{_plain(number)}"}} {count}'


def _latencies(told: Counted) -> Iterator[str]:
    for kind, what in _LATENCY.items():
        name, histogram = f"finalmile_{kind}_seconds", told.latencies[kind]
        yield f"# HELP {name} {what}"
        yield f"# TYPE {name} histogram"
        yield from _buckets(name, histogram)
        yield f"# HELP {name}_quantile The same, within half a per cent."
        yield f"# TYPE {name}_quantile gauge"
        for level in _QUANTILES if histogram.total else ():
            yield f'{name}_quantile{{quantile="{level:g}"}} {histogram.quantile(level) / 1e6:g}'


def _buckets(name: str, histogram: Histogram) -> Iterator[str]:
    reached = np.cumsum(histogram.counts)
    for edge in _EDGES_MS:
        yield f'{name}_bucket{{le="{edge / 1e3:g}"}} {reached[bucket_of(edge * 1e3)]}'
    yield f'{name}_bucket{{le="+Inf"}} {histogram.total}'
    yield f"{name}_sum {histogram.sum_micros / 1e6:g}"
    yield f"{name}_count {histogram.total}"


def _plain(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
