"""False alarms and delays of the loss check on simulated fleets: one JSON line.

Every fleet has products of negative binomial demand, forecasts that know each product's mean, a common shock of
demand and a common shock of error size, both AR(0.5) from day to day. A change multiplies every error from its day on.

    python benchmarks/loss_detector.py --products 200 --fleets 40 --days 365
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from datetime import date

import numpy as np

from finalmile.frames import Frequency
from finalmile.monitoring.checks.loss import LossCheck
from finalmile.monitoring.loss.state import LossLook, LossReference

DAY = Frequency("day")
FIRST = DAY.index_of(date(2023, 1, 2))


def autoregressive(rng: np.random.Generator, *, looks: int, sd: float, phi: float = 0.5) -> np.ndarray:
    shocks = np.empty(looks)
    level = rng.normal(0, sd)
    for t in range(looks):
        level = phi * level + rng.normal(0, sd * np.sqrt(1 - phi**2))
        shocks[t] = level
    return shocks


def fleet(
    rng: np.random.Generator, *, products: int, looks: int, rate: float, worse_from: int, worse_by: float
) -> tuple[np.ndarray, np.ndarray]:
    """Actual and forecast, shape (products, looks); errors grow by ``worse_by`` from column ``worse_from`` on."""
    mean = rng.lognormal(np.log(rate), 0.8, products)[:, None]
    weekday = np.tile([0.9, 0.9, 0.9, 1.0, 1.1, 1.2, 1.0], looks // 7 + 1)[:looks]
    forecast = mean * weekday
    demand = forecast * np.exp(autoregressive(rng, looks=looks, sd=0.05))
    actual = rng.negative_binomial(1.5, 1.5 / (1.5 + demand)).astype(float)
    size = np.exp(autoregressive(rng, looks=looks, sd=0.1))
    size[worse_from:] *= 1 + worse_by
    return forecast + size * (actual - forecast), forecast


def run(
    check: LossCheck, actual: np.ndarray, forecast: np.ndarray, *, reference: int
) -> Iterator[tuple[int, bool, int]]:
    """Look number after the reference, whether the fleet's loss is in alarm, and how many products are listed."""
    ids = np.array([f"p{i:05d}" for i in range(len(actual))], dtype=object)
    state = check.start(
        LossReference(
            ids=ids,
            frequency=DAY,
            first=FIRST,
            actual=actual[:, :reference],
            forecast=forecast[:, :reference],
        )
    )
    for t in range(reference, actual.shape[1]):
        look = LossLook(period=FIRST + t, ids=ids, actual=actual[:, t], forecast=forecast[:, t])
        state, found = check.update(state, look)
        loss = next(f for f in found if (f.check, f.subject) == ("loss", "fleet"))
        yield t - reference, loss.breached, int((state.listed >= 0).sum())


def false_alarms(check: LossCheck, args: argparse.Namespace, *, seed: int) -> dict[str, float]:
    episodes = listings = 0
    for rep in range(args.fleets):
        rng = np.random.default_rng([seed, rep])
        looks = args.reference + args.days
        actual, forecast = fleet(
            rng, products=args.products, looks=looks, rate=args.rate, worse_from=looks, worse_by=0.0
        )
        before, most = False, 0
        for _, breached, listed in run(check, actual, forecast, reference=args.reference):
            episodes += breached and not before
            before, most = breached, max(most, listed)
        listings += most
    years = args.fleets * args.days / 365
    return {"alarms_per_1000_years": 1000 * episodes / years, "products_ever_listed_per_fleet": listings / args.fleets}


def delays(check: LossCheck, args: argparse.Namespace, *, worse_by: float, seed: int) -> dict[str, float]:
    after, early = [], 0
    change = 60
    for rep in range(args.fleets):
        rng = np.random.default_rng([seed, rep])
        looks = args.reference + change + 150
        actual, forecast = fleet(
            rng,
            products=args.products,
            looks=looks,
            rate=args.rate,
            worse_from=args.reference + change,
            worse_by=worse_by,
        )
        alarms = [t for t, breached, _ in run(check, actual, forecast, reference=args.reference) if breached]
        early += any(t < change for t in alarms)
        after.append(next((t - change + 1 for t in alarms if t >= change), 151))
    return {"worse_by": worse_by, "median_days": float(np.median(after)), "alarmed_before_share": early / args.fleets}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=200)
    parser.add_argument("--fleets", type=int, default=40)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--reference", type=int, default=180)
    parser.add_argument("--rate", type=float, default=2.0, help="median units per day and product")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    check = LossCheck()
    began = time.perf_counter()
    report = {
        "products": args.products,
        "reference_looks": args.reference,
        "fleets": args.fleets,
        **false_alarms(check, args, seed=args.seed),
        "delays": [delays(check, args, worse_by=by, seed=args.seed + 1) for by in (0.10, 0.25, 0.50)],
    }
    report["seconds"] = round(time.perf_counter() - began, 1)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
