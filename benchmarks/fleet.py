"""Which products of a large fleet the loss check lists, and how many of them wrongly: one JSON line per scenario.

Demand of 10,000 products is negative binomial with rates and dispersions of their own; forecasts know each product's
mean and the weekday. All products share a daily shock, AR(0.7), and one event of five days that nobody forecast. From
its fifth week on, 1 % of the products go wrong:

``break``
    half of them sell twice, half 0.4 times what is forecast
``errors``
    errors become 30 to 50 % larger at an unchanged mean
``wider``
    sales scatter more, at an unchanged mean: mean absolute errors grow by 30 to 50 %
``noisy``
    forecasts scatter around what they were: likewise
``none``, ``category``, ``new``
    nothing goes wrong; one category of five sells 1.4 times the forecast; 10 % of the products begin after the
    reference, and nothing goes wrong

26 weekly looks. Of all products ever listed, those that had not gone wrong by then are false. Power is the share of
the products gone wrong that are listed within eight weeks. Exit code 1 where a bar is missed.

    python benchmarks/fleet.py --fleets 4
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from finalmile.frames import Frequency
from finalmile.monitoring.checks.loss import LossCheck
from finalmile.monitoring.loss.state import LossLook, LossReference

DAY = Frequency("day")
FIRST = DAY.index_of(date(2023, 1, 2))
WEEKDAY = np.array([0.9, 0.85, 0.9, 1.0, 1.15, 1.3, 0.9])
CHANGE, EVENT, EIGHT_WEEKS = 28, (75, 80), 56
SCENARIOS = ("break", "errors", "wider", "noisy", "none", "category", "new")
CLASSES = ((0.0, 0.3), (0.3, 1.0), (1.0, 3.0), (3.0, 10.0), (10.0, np.inf))
MOST_FALSE, LEAST_POWER = 0.10, 0.40


@dataclass(frozen=True)
class Fleet:
    """Actual and forecast of shape (n, T), which products go wrong, and their rates."""

    actual: np.ndarray
    forecast: np.ndarray
    wrong: np.ndarray
    rate: np.ndarray


def autoregressive(rng: np.random.Generator, *, looks: int, sd: float, phi: float) -> np.ndarray:
    shocks, level = np.empty(looks), rng.normal(0, sd)
    for t in range(looks):
        level = phi * level + rng.normal(0, sd * np.sqrt(1 - phi**2))
        shocks[t] = level
    return shocks


def fleet(rng: np.random.Generator, scenario: str, args: argparse.Namespace) -> Fleet:
    n, looks, reference = args.products, args.reference + 7 * args.weeks, args.reference
    rate, size = rng.lognormal(np.log(2.0), 1.1, n), rng.lognormal(np.log(args.dispersion), 0.5, n)
    forecast = rate[:, None] * WEEKDAY[np.arange(looks) % 7]
    demand = forecast * np.exp(autoregressive(rng, looks=looks, sd=args.shock, phi=0.7))
    demand[:, reference + EVENT[0] : reference + EVENT[1]] *= 2.5
    wrong, after = np.zeros(n, dtype=bool), slice(reference + CHANGE, None)
    if scenario in ("break", "errors", "wider", "noisy"):
        wrong[rng.choice(n, n // 100, replace=False)] = True
    if scenario == "category":
        wrong[: n // 5] = True
        demand[wrong, after] *= 1.4
    if scenario == "break":
        demand[wrong, after] *= np.where(rng.random(wrong.sum()) < 0.5, 2.0, 0.4)[:, None]
    shape = (int(wrong.sum()), looks - reference - CHANGE)
    if scenario in ("wider", "noisy"):
        growth = rng.uniform(*args.growth, shape[0])[:, None]
        extra = (growth**2 - 1) * (1 / rate[wrong] + 1 / size[wrong])[:, None]
        if scenario == "wider":
            demand[wrong, after] *= rng.gamma(1 / extra, extra, shape)
        else:
            forecast[wrong, after] *= np.exp(rng.normal(0, 1, shape) * np.sqrt(np.log1p(extra)) - np.log1p(extra) / 2)
    actual = rng.negative_binomial(size[:, None], size[:, None] / (size[:, None] + demand)).astype(float)
    if scenario == "errors":
        growth = rng.uniform(*args.growth, (shape[0], 1))
        actual[wrong, after] = forecast[wrong, after] + growth * (actual - forecast)[wrong, after]
    if scenario == "new":
        actual[: n // 10, : reference + 30] = np.nan
    return Fleet(actual=actual, forecast=forecast, wrong=wrong, rate=rate)


def listed(check: LossCheck, made: Fleet, *, reference: int) -> Iterator[np.ndarray]:
    """Which products are listed after each week."""
    ids = np.array([f"p{i:05d}" for i in range(len(made.rate))], dtype=object)
    row_of = {name: row for row, name in enumerate(ids.tolist())}
    before = LossReference(
        ids=ids,
        frequency=DAY,
        first=FIRST,
        actual=made.actual[:, :reference],
        forecast=made.forecast[:, :reference],
    )
    state = check.start(before)
    for t in range(reference, made.actual.shape[1]):
        look = LossLook(period=FIRST + t, ids=ids, actual=made.actual[:, t], forecast=made.forecast[:, t])
        state, _ = check.update(state, look)
        if (t - reference) % 7 == 6:
            now = np.zeros(len(ids), dtype=bool)
            now[[row_of[name] for name in state.ids[state.listed >= 0].tolist()]] = True
            yield now


def judge(check: LossCheck, scenario: str, args: argparse.Namespace) -> dict[str, object]:
    false = true = 0
    grown: list[float] = []
    found: list[np.ndarray] = []
    rates: list[np.ndarray] = []
    for rep in range(args.fleets):
        made = fleet(np.random.default_rng([args.seed, SCENARIOS.index(scenario), rep]), scenario, args)
        weeks = np.array(list(listed(check, made, reference=args.reference)))
        ended = 7 * (np.arange(len(weeks)) + 1)
        early = weeks[ended <= CHANGE].any(axis=0)
        ever = weeks.any(axis=0)
        false += int((ever & (~made.wrong | early)).sum())
        true += int((ever & made.wrong & ~early).sum())
        found.append(weeks[ended <= CHANGE + EIGHT_WEEKS].any(axis=0)[made.wrong] & ~early[made.wrong])
        rates.append(made.rate[made.wrong])
        if made.wrong.any():
            mae = np.abs(made.forecast - made.actual)[made.wrong]
            grown.append(float(mae[:, args.reference + CHANGE :].mean() / mae[:, : args.reference].mean()))
    return _told(scenario, args, false=false, true=true, grown=grown, found=np.hstack(found), rate=np.hstack(rates))


def _told(
    scenario: str,
    args: argparse.Namespace,
    *,
    false: int,
    true: int,
    grown: list[float],
    found: np.ndarray,
    rate: np.ndarray,
) -> dict[str, object]:
    share = false / max(false + true, 1)
    power = {
        f"{low:g}..{high:g}": round(float(found[(rate >= low) & (rate < high)].mean()), 3)
        for low, high in CLASSES
        if ((rate >= low) & (rate < high)).any()
    }
    above = float(found[rate > 3].mean()) if (rate > 3).any() else None
    quiet = not len(found)
    bars = [false <= args.fleets if quiet else share <= MOST_FALSE]
    if scenario in ("break", "errors", "wider", "noisy") and above is not None:
        bars.append(above >= LEAST_POWER)
    return {
        "scenario": scenario,
        "fleets": args.fleets,
        "products": args.products,
        "false_listed": false,
        "rightly_listed": true,
        "false_share": None if quiet else round(share, 4),
        "bar_false_share": None if quiet else MOST_FALSE,
        "power_8_weeks_above_3_a_day": None if above is None else round(above, 3),
        "bar_power": LEAST_POWER if len(bars) > 1 else None,
        "power_8_weeks_by_rate": power,
        "mae_after_over_before": round(float(np.mean(grown)), 3) if grown else None,
        "met": all(bars),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--fleets", type=int, default=4)
    parser.add_argument("--weeks", type=int, default=26)
    parser.add_argument("--reference", type=int, default=364)
    parser.add_argument("--dispersion", type=float, default=4.0, help="median size of the negative binomials")
    parser.add_argument("--shock", type=float, default=0.1, help="sd of the log of the common daily shock")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS))
    parser.add_argument("--growth", type=float, nargs=2, default=(1.3, 1.5), help="of errors, where they grow")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    check, met = LossCheck(), True
    for scenario in args.scenarios.split(","):
        began = time.process_time()
        told = judge(check, scenario, args)
        print(json.dumps({**told, "cpu_seconds": round(time.process_time() - began, 1)}), flush=True)
        met = met and bool(told["met"])
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
