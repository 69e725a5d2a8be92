"""A certificate for people: what each figure means, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finalmile.workflows.version_reports import Certified


_FAR_BELOW = 0.05  # its level: a class of few series misses by as much by chance


class JudgedReport:
    """The verdict, each figure with its meaning, and the next step, also where the version did not pass."""

    def __init__(self, report: Certified) -> None:
        self._report = report

    @property
    def breached(self) -> bool:
        """Whether the version failed."""
        return self._report.breached

    def to_dict(self) -> Mapping[str, object]:
        """The certificate."""
        return self._report.to_dict()

    def lines(self) -> list[str]:
        """Verdict, figures beside the baseline's, coverage, next step."""
        told = self._report.certificate
        name = f"{told.model}@{told.number}"
        verdict = "passed" if told.passed else "did not pass: " + "; ".join(told.reasons)
        return [
            f"{name} {verdict}.",
            *(_though(told.metrics, told.baseline, told.coverage) if told.passed else []),
            f"Judged on {told.holdout_from} to {told.holdout_to}, which its recipe had not seen.",
            *_metrics(told.metrics, told.baseline),
            *_coverage(told.coverage),
            *([f"Next: finalmile promote {name}"] if told.passed else _mends(told.model)),
        ]


def _though(
    figures: Mapping[str, float | None], baseline: Mapping[str, float | None], coverage: Mapping[str, float | None]
) -> list[str]:
    """What a version that passed is not good at."""
    pairs = [(name, value, baseline.get(name)) for name, value in figures.items()]
    worse = [
        name for name, ours, theirs in pairs if ours is not None and theirs is not None and abs(ours) > abs(theirs)
    ]
    classes = {name: share for name, share in coverage.items() if " class " in name and share is not None}
    low = [
        f"demand of {name.partition(' ')[2]} stayed within the quantile in {share:.0%} of spans, not {name.split()[0]}"
        for name, share in classes.items()
        if share < float(name.split()[0]) - _FAR_BELOW
    ]
    faults = [*([f"the baseline is better by {', '.join(worse)}"] if worse else []), *low]
    return [f"Though {'; '.join(faults)}."] if faults else []


def _metrics(figures: Mapping[str, float | None], baseline: Mapping[str, float | None]) -> list[str]:
    from finalmile.metrics import metrics

    return [
        f"  {name:10} {_figure(value):>9}  (baseline {_figure(baseline.get(name)):>9})  {_meaning(metrics[name])}"
        for name, value in figures.items()
    ]


def _meaning(metric: object) -> str:
    return ((metric.__doc__ or "").strip().splitlines() or [""])[0].replace("``", "")


def _coverage(shares: Mapping[str, float | None]) -> list[str]:
    if not shares:
        return []
    told = [f"  coverage at {name}: {_figure(value)}" for name, value in shares.items()]
    meaning = (
        "  Coverage is the share of spans of 1, 2 and 4 weeks whose demand stayed within the quantile: "
        "as near to its level as can be. Few series miss by chance, so a version fails where even 'at most', which "
        "is 95 % certain, is too little. Class 0 holds the slowest sellers, the last class the fastest."
    )
    return [*told, meaning]


def _mends(model: str) -> list[str]:
    return [
        "It is not promoted by itself; the version that is live stays. Another recipe may do better "
        "(finalmile plugins lists them), and the bounds are the settings of certify in finalmile.yaml.",
        f"Next: finalmile train {model} --forecaster NAME",
    ]


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
