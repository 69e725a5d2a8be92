"""What is promised of each check, under which assumptions, and what it cannot see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from finalmile.records import Json

_APPROXIMATELY = "approximately: calendar, persistence and normalisers are estimated from the reference"
_LOOKS = "mean time to a false alarm at least arl looks, however often one looks"
_NONE = "none: a comparison with a limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a check promises."""

    promised: str
    assumes: str
    blind: str


PROMISES: Mapping[str, Promise] = {
    "loss": Promise(
        promised=f"fleet: {_LOOKS}; products: expected false names over looks to a name at most fdr / patience",
        assumes=_APPROXIMATELY,
        blind="rises within the tolerance; products that never sell",
    ),
    "loss_groups": Promise(
        promised="expected false names over looks to a name at most fdr / patience, over all groups",
        assumes=f"{_APPROXIMATELY}; what all groups share is taken out",
        blind="a change that all groups share: that is told of the fleet",
    ),
    "concept_drift": Promise(
        promised=f"{_LOOKS}, for each verdict",
        assumes=f"{_APPROXIMATELY}; the baseline is no worse a yardstick than it was",
        blind="a world that became harder for the model alone, and for no baseline",
    ),
    "fva": Promise(
        promised=f"{_LOOKS} while the model is no worse than the baseline",
        assumes=_APPROXIMATELY,
        blind="a model that gains less than it did, and still gains",
    ),
    "coverage": Promise(
        promised=f"{_LOOKS}, over all levels and volume classes",
        assumes=f"{_APPROXIMATELY}; a look is one observation, however many products it has",
        blind="days on which nothing but the mean was forecast",
    ),
    "lead_time_window": Promise(
        promised="none: it tells what came, and never alarms",
        assumes="-",
        blind="spans in which anything was sold out or is not known; spans of neighbouring days say much the same",
    ),
    "estimated_loss": Promise(
        promised="none: an estimate with the interval that the last looks had",
        assumes="errors follow from forecasts as they did",
        blind="concept drift: only actuals tell",
    ),
    "input_drift": Promise(
        promised=f"{_LOOKS}, for the whole table",
        assumes=_APPROXIMATELY,
        blind="changes within the tolerance; dependence between columns",
    ),
    "series_drift": Promise(
        promised="expected false names over looks to a name at most fdr / patience, over all series and features",
        assumes=_APPROXIMATELY,
        blind="changes within the tolerance; it runs where monitor.series names covariates",
    ),
    "output_drift": Promise(
        promised=f"{_LOOKS}, for all outputs together",
        assumes=_APPROXIMATELY,
        blind="whether other forecasts are worse forecasts",
    ),
    "schema": Promise(promised="exact", assumes="columns are compared by name", blind="what columns mean"),
    "ranges": Promise(promised=_NONE, assumes="the reference had no impossible values", blind="wrong values in range"),
    "freshness": Promise(promised=_NONE, assumes="a source comes as it used to", blind="a value that is new and wrong"),
    "parity": Promise(promised="exact, within the tolerance of single precision", assumes="-", blind="callers' rows"),
    "agreement": Promise(
        promised="error of a verdict at most alpha, however often one looks",
        assumes="looks are many: a confidence sequence that holds asymptotically",
        blind="which of two versions is right",
    ),
    "champion": Promise(
        promised="a wrong winner or loser with probability at most alpha",
        assumes="persistence of differences is that of the time before",
        blind="differences within the margin",
    ),
    "latency": Promise(
        promised="a quiet window lies outside by chance less than once in a thousand; a look is the mean of many",
        assumes="windows are like those of the certificate: same machine, same load",
        blind="what a client waits for outside the process",
    ),
    "throughput": Promise(promised=_NONE, assumes="the certificate is of this machine", blind="too few requests"),
    "error_rate": Promise(
        promised="a share within what is allowed breaches less than once in a thousand looks",
        assumes="windows are alike and not very few",
        blind="requests that were refused before they reached a version",
    ),
    "fast_lane": Promise(
        promised="none at all", assumes="-", blind="it knows neither calendar nor tolerance but those of its stream"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksTold:
    """Every check with what it watches and promises."""

    rows: tuple[tuple[str, str, Promise | None], ...]
    breached: bool = False

    def lines(self) -> list[str]:
        """Three lines each."""
        told: list[str] = []
        for name, what, promise in self.rows:
            told.append(f"{name:15} {what}")
            if promise is not None:
                told += [f"{'':15}   promised: {promise.promised}", f"{'':15}   assumes: {promise.assumes}"]
                told.append(f"{'':15}   blind to: {promise.blind}")
        return told

    def to_dict(self) -> Json:
        """Rows under ``checks``."""
        rows = [
            {
                "name": name,
                "what": what,
                "promised": promise and promise.promised,
                "assumes": promise and promise.assumes,
                "blind": promise and promise.blind,
            }
            for name, what, promise in self.rows
        ]
        return {"checks": rows}
