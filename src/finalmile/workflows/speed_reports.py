"""What measuring speed gives back to people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from finalmile.records import EndpointCertificate, Json
from finalmile.workflows.speed import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointCertified:
    """An endpoint certificate; breached where the version failed."""

    certificate: EndpointCertificate

    @property
    def breached(self) -> bool:
        """Whether the version failed."""
        return not self.certificate.passed

    def lines(self) -> list[str]:
        """The verdict, the latencies with their intervals, and what they were measured with."""
        told = self.certificate
        verdict = "passed" if told.passed else "did not pass: " + "; ".join(told.reasons)
        return [
            f"The endpoint of {told} {verdict}.",
            *(f"Take it with care: {label}." for label in told.labels),
            f"Measured at {told.rate:g} requests a second over {told.connections} connections, "
            f"{len(told.windows['p50'])} windows of {told.window_s:g} s, {told.requests:,} requests "
            f"{'with' if told.durable else 'without'} waiting for the disk, on {told.machine}.",
            *(_latency(name, told.intervals.get(name), told.level) for name in told.windows),
            f"  sustained   {_sustained(told)}",
            f"  memory      {_figure(told.memory_mb, 'MB')}",
            f"  processor   {_figure(told.cpu_us, 'us a request')}",
            f"  cold start  {_figure(told.cold_start_s, 's', digits=2)}",
            f"  golden      {told.golden_equal} of {told.golden} outputs came back equal",
            *_accuracy(told),
        ]

    def to_dict(self) -> Json:
        """The certificate."""
        return asdict(self.certificate)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointsCompared:
    """Two endpoint certificates; breached where the second is slower."""

    comparison: Comparison

    @property
    def breached(self) -> bool:
        """Whether the second is slower."""
        return self.comparison.verdict == "slower"

    def lines(self) -> list[str]:
        """Both, and the verdict."""
        told = self.comparison
        one, other = told.first, told.second
        verdict = {"same": f"{other} is as fast as {one}", "undecided": "nothing can be concluded"}.get(
            told.verdict, f"{other} is {told.verdict} than {one}"
        )
        return [
            f"{verdict[0].upper()}{verdict[1:]}.",
            *(f"No verdict: {why}." for why in told.differing),
            *(f"Take it with care, {each}: {label}." for each in (one, other) for label in each.labels),
            f"  {'':12}{one!s:>16}{other!s:>16}",
            *(_row(name, _centre(one, name), _centre(other, name), "ms") for name in one.intervals),
            _row("sustained", one.sustained, other.sustained, "requests/s"),
            _row("memory", one.memory_mb, other.memory_mb, "MB"),
            _row("processor", one.cpu_us, other.cpu_us, "us a request"),
            _row("cold start", one.cold_start_s, other.cold_start_s, "s"),
            *(
                f"  {name} of {other} is {ratio.ratio:.2f} times that of {one}, between {ratio.low:.2f} and "
                f"{ratio.high:.2f}: {ratio.verdict}."
                for name, ratio in told.ratios.items()
            ),
        ]

    def to_dict(self) -> Json:
        """Both certificates, the ratios and the verdict."""
        return asdict(self.comparison)


def _latency(name: str, values: Sequence[float] | None, level: float) -> str:
    if values is None:
        return f"  {name:12}not known"
    centre, low, high = values
    return f"  {name:12}{centre:.2f} ms, one more window between {low:.2f} and {high:.2f} at {level:.0%}"


def _sustained(told: EndpointCertificate) -> str:
    if told.sustained is None:
        return f"no rate keeps p99 at or under {told.target_ms:g} ms"
    least = "at least " if told.stopped in ("the client is the limit", "highest rate asked", "enough tries") else ""
    ended = f" ({told.stopped})" if least else ""
    return f"{least}{told.sustained:,.0f} requests a second with p99 at or under {told.target_ms:g} ms{ended}"


def _accuracy(told: EndpointCertificate) -> list[str]:
    if not told.metrics:
        return [f"Its accuracy is not certified. Next: finalmile certify {told}"]
    shown = {name: told.metrics.get(name) for name in ("wape", "bias", "fva")}
    shown |= {f"coverage {level}": value for level, value in told.coverage.items() if "class" not in level}
    figures = ", ".join(f"{name} {value:.3f}" for name, value in shown.items() if value is not None)
    return [f"  accuracy    {figures}"]


def _row(name: str, one: float | None, other: float | None, unit: str) -> str:
    return f"  {name:12}{_plain(one):>16}{_plain(other):>16} {unit}"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def _centre(told: EndpointCertificate, name: str) -> float | None:
    return told.intervals[name][0] if name in told.intervals else None


def _figure(value: float | None, unit: str, *, digits: int = 0) -> str:
    return "not known here" if value is None else f"{value:.{digits}f} {unit}"
