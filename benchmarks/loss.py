"""False alarms and delays of the loss check for a whole fleet: one JSON line per kind of stream, with the bars beside.

200 products have absolute errors of the marginal named (gamma, lognormal, or those of negative binomial demand around
a known mean), times a shock that all share, AR(0.5) from day to day, and on ``seasonal`` streams times a weekly and a
yearly season. A change multiplies every error from its day on. Everything goes through the check as it runs in
production, but for its list of products, on which the fleet's streams do not depend: ``--products-too`` steps that as
well, and takes several times as long. Exit code 1 where a bar is missed.

    python benchmarks/loss.py --fleets 100
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from datetime import date

import numpy as np

from finalmile.frames import Frequency
from finalmile.monitoring.checks.loss import LossCheck
from finalmile.monitoring.loss.state import LossLook, LossReference, LossState
from finalmile.records import Finding

DAY = Frequency("day")
FIRST = DAY.index_of(date(2022, 1, 3))
MARGINALS = ("gamma1", "gamma4", "lognormal", "demand")
BEFORE, AFTER = 120, 150
BARS = {0.25: 20.0, 0.50: 7.0}
MOST_ALARMS = 100.0


class FleetOnly(LossCheck):
    """The check without its list of products."""

    def _step_products(self, state: LossState, look: LossLook, **_: object) -> LossState:
        del look
        return state

    def _findings(self, state: LossState, look: LossLook) -> list[Finding]:
        del state, look
        return []


def autoregressive(rng: np.random.Generator, *, looks: int, sd: float, phi: float = 0.5) -> np.ndarray:
    shocks, level = np.empty(looks), rng.normal(0, sd)
    for t in range(looks):
        level = phi * level + rng.normal(0, sd * np.sqrt(1 - phi**2))
        shocks[t] = level
    return shocks


def sizes(rng: np.random.Generator, marginal: str, shape: tuple[int, int]) -> np.ndarray:
    """Absolute errors with mean 1."""
    if marginal.startswith("gamma"):
        form = float(marginal.removeprefix("gamma"))
        return rng.gamma(form, 1 / form, shape)
    return rng.lognormal(-0.32, 0.8, shape)


def fleet(
    rng: np.random.Generator, args: argparse.Namespace, *, marginal: str, season: str, days: int, worse_by: float
) -> tuple[np.ndarray, np.ndarray]:
    """Actual and forecast, shape (products, T); errors grow by ``worse_by``, ``BEFORE`` days after the reference."""
    looks = args.reference + days
    t = np.arange(looks)
    size = np.exp(autoregressive(rng, looks=looks, sd=args.shock))
    if season == "seasonal":
        size *= np.exp(0.2 * np.sin(2 * np.pi * t / 7) + 0.3 * np.cos(2 * np.pi * t / 365.25))
    size[args.reference + BEFORE :] *= 1 + worse_by
    rate = rng.lognormal(np.log(args.rate), 0.8, args.products)[:, None]
    if marginal == "demand":
        forecast = rate * np.ones(looks)
        error = rng.negative_binomial(1.5, 1.5 / (1.5 + forecast)) - forecast
    else:
        forecast = 10 * rate * np.ones(looks)
        error = rate * sizes(rng, marginal, forecast.shape) * rng.choice([-1.0, 1.0], forecast.shape)
    return forecast + size * error, forecast


def alarms(check: LossCheck, actual: np.ndarray, forecast: np.ndarray, *, reference: int) -> Iterator[bool]:
    """Whether the fleet's loss is in alarm, look by look after the reference."""
    ids = np.array([f"p{i:05d}" for i in range(len(actual))], dtype=object)
    before = LossReference(
        ids=ids, frequency=DAY, first=FIRST, actual=actual[:, :reference], forecast=forecast[:, :reference]
    )
    state = check.start(before)
    for t in range(reference, actual.shape[1]):
        look = LossLook(period=FIRST + t, ids=ids, actual=actual[:, t], forecast=forecast[:, t])
        state, _ = check.update(state, look)
        yield bool(state.fleet_alarm[0] >= 0)


def false_alarms(check: LossCheck, args: argparse.Namespace, *, marginal: str, season: str) -> dict[str, float]:
    episodes = 0
    for rep in range(args.fleets):
        rng = np.random.default_rng([args.seed, rep])
        actual, forecast = fleet(rng, args, marginal=marginal, season=season, days=365, worse_by=0.0)
        told = np.array([False, *alarms(check, actual, forecast, reference=args.reference)])
        episodes += int((told[1:] & ~told[:-1]).sum())
    return {
        "monitor_years": args.fleets,
        "alarms": episodes,
        "alarms_per_1000_years": 1000 * episodes / args.fleets,
        "bar": MOST_ALARMS,
    }


def delays(
    check: LossCheck, args: argparse.Namespace, *, marginal: str, season: str, worse_by: float
) -> dict[str, float | None]:
    """Days from the change to the alarm, that of the change being the first; fleets in alarm before it apart."""
    found: list[int] = []
    early = 0
    for rep in range(args.changed):
        rng = np.random.default_rng([args.seed, 10_000, rep])
        actual, forecast = fleet(rng, args, marginal=marginal, season=season, days=BEFORE + AFTER, worse_by=worse_by)
        told = np.array(list(alarms(check, actual, forecast, reference=args.reference)))
        if told[BEFORE - 1]:
            early += 1
            continue
        after = np.flatnonzero(told[BEFORE:])
        found.append(int(after[0]) + 1 if len(after) else AFTER + 1)
    return {
        "worse_by": worse_by,
        "median_days": float(np.median(found)) if found else None,
        "bar": BARS.get(worse_by),
        "in_alarm_before": early,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=200)
    parser.add_argument("--fleets", type=int, default=50, help="quiet years per kind")
    parser.add_argument("--changed", type=int, default=25, help="fleets per change and kind")
    parser.add_argument("--reference", type=int, default=730)
    parser.add_argument("--shock", type=float, default=0.1, help="sd of the log of the common shock")
    parser.add_argument("--rate", type=float, default=2.0, help="median units per day and product")
    parser.add_argument("--marginals", default=",".join(MARGINALS))
    parser.add_argument("--seasons", default="flat,seasonal")
    parser.add_argument("--products-too", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    check, met = LossCheck() if args.products_too else FleetOnly(), True
    for marginal in args.marginals.split(","):
        for season in args.seasons.split(","):
            began = time.process_time()
            quiet = false_alarms(check, args, marginal=marginal, season=season)
            changes = (0.10, *BARS) if args.changed else ()
            late = [delays(check, args, marginal=marginal, season=season, worse_by=by) for by in changes]
            held = quiet["alarms_per_1000_years"] <= MOST_ALARMS and all(
                one["bar"] is None or (one["median_days"] is not None and one["median_days"] <= one["bar"])
                for one in late
            )
            cell = {"marginal": marginal, "season": season, **quiet, "delays": late, "met": held}
            print(json.dumps({**cell, "cpu_seconds": round(time.process_time() - began, 1)}), flush=True)
            met = met and held
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
