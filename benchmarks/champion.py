"""Champion against challenger, looked at every day: how often wrong, how soon right.

`python benchmarks/champion.py [--reps 2000] [--seed N] [--sales m5_sales.parquet]` prints a JSON line per cell: the
share of comparisons that name a winner or loser (wrong where there is no difference), the share decided rightly and
its median day (comparisons that never decide count as never). Differences are relative, daily, sd 6 %, over 90 days,
after a shadow period of 28 days. Bars: wrong at most .06 (independent days) and .10 (AR .2, AR .4, heavy tails,
weekdays); a gain of 4 % decided by a median day of 35 (independent days and AR .4), for both methods. Exit code 1
where one is missed. `--method` also runs other ways of spending the error, and the anytime-valid t test (mixture).
With --sales: real errors of two forecasters. The same pair on halves of the series that were dealt by chance has no
difference on average; a gain is made by shrinking one forecaster's error.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

import numpy as np

from finalmile.monitoring.versions import FINAL, Rule, verdict

DAYS, SHADOW, SD = 90, 28, 0.06
METHODS = {"group_sequential": Rule(horizon=DAYS), "open_ended": Rule()}
VARIANTS = {
    "kim_demets": Rule(horizon=DAYS, spending="kim_demets"),
    "mixture": Rule(spending="mixture"),
    "obrien_fleming": Rule(horizon=DAYS, spending="obrien_fleming"),
    "pocock": Rule(horizon=DAYS, spending="pocock"),
}
BARS = {"iid": 0.06, "ar2": 0.10, "ar4": 0.10, "t3": 0.10, "t3_ar4": 0.10, "weekly": 0.10, "weekly_ar4": 0.10}
Noise = Callable[[np.random.Generator, int], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7_000_000)
    parser.add_argument("--method", choices=sorted([*METHODS, *VARIANTS]))
    parser.add_argument("--noise", choices=sorted(NOISES), nargs="*")
    parser.add_argument("--gain", type=float, nargs="*", default=[0.0, 0.02, 0.04])
    parser.add_argument("--sales", help="m5_sales.parquet: real errors as well")
    asked = parser.parse_args()
    missed = False
    for noise in asked.noise or NOISES:
        for gain in asked.gain:
            for method in [asked.method] if asked.method else METHODS:
                missed |= cell(method, noise, gain, reps=asked.reps, seed=asked.seed)
    if asked.sales:
        from _real_versions import real_cells

        missed |= real_cells(asked.sales, METHODS, seed=asked.seed)
    sys.exit(int(missed))


def cell(method: str, noise: str, gain: float, *, reps: int, seed: int) -> bool:
    began, decided = time.process_time(), []
    for rep in range(reps):
        chance = np.random.default_rng([seed, rep, sorted(NOISES).index(noise)])
        whole = NOISES[noise](chance, SHADOW + DAYS)
        decided.append(followed(whole[SHADOW:] + gain, whole[:SHADOW], {**METHODS, **VARIANTS}[method]))
    return told(method, noise, gain, decided, cpu=time.process_time() - began)


def followed(looks: np.ndarray, reference: np.ndarray, rule: Rule) -> tuple[str, float]:
    """First final decision and its day, as somebody sees it who looks every day."""
    for day in range(rule.start, len(looks) + 1):
        now = verdict(looks[:day], rule, reference=reference)
        if now.decision in FINAL:
            return now.decision, float(day)
    return "undecided", np.inf


def told(method: str, noise: str, gain: float, decided: list[tuple[str, float]], *, cpu: float) -> bool:
    words = [word for word, _ in decided]
    right = "win" if gain > 0 else "lose" if gain < 0 else None
    wrong = float(np.mean([word in ("win", "lose") and word != right for word in words]))
    line = {"method": method, "noise": noise, "gain": gain, "reps": len(words), "wrong": round(wrong, 4)}
    bar = BARS.get(noise)
    missed = bar is not None and wrong > bar
    if right:
        days = [day if word == right else np.inf for word, day in decided]
        middle = float(np.median(days))
        line |= {"right": round(float(np.mean([word == right for word in words])), 4), "median_day": middle}
        line["median_day"] = middle if np.isfinite(middle) else None
        missed |= gain == 0.04 and noise in ("iid", "ar4") and middle > 35
    print(json.dumps(line | {"bar_wrong": bar, "cpu_s": round(cpu, 1), "missed": missed}), flush=True)
    return missed


def iid(chance: np.random.Generator, n: int) -> np.ndarray:
    return SD * chance.standard_normal(n)


def autoregressive(phi: float) -> Noise:
    def noise(chance: np.random.Generator, n: int) -> np.ndarray:
        step = chance.standard_normal(n + 50) * SD * np.sqrt(1 - phi**2)
        for at in range(1, len(step)):
            step[at] += phi * step[at - 1]
        return step[50:]

    return noise


def heavy(chance: np.random.Generator, n: int) -> np.ndarray:
    return SD * chance.standard_t(3, n) / np.sqrt(3)


def skewed(chance: np.random.Generator, n: int) -> np.ndarray:
    return SD * (chance.gamma(1.0, 1.0, n) - 1.0)


def weekly(chance: np.random.Generator, n: int) -> np.ndarray:
    """Half of the variance is a weekday pattern that comes to nothing over a week."""
    pattern = chance.standard_normal(7)
    pattern = (pattern - pattern.mean()) / pattern.std()
    return SD * (np.sqrt(0.5) * pattern[np.arange(n) % 7] + np.sqrt(0.5) * chance.standard_normal(n))


def missing(chance: np.random.Generator, n: int) -> np.ndarray:
    """AR .4 with a fifth of the days missing, singly and in one stretch of ten."""
    told = autoregressive(0.4)(chance, n)
    told[chance.random(n) < 0.1] = np.nan
    start = chance.integers(SHADOW + 5, n - 15)
    told[start : start + 10] = np.nan
    return told


def bursts(chance: np.random.Generator, n: int) -> np.ndarray:
    """Calm and wild fortnights take turns."""
    calm = np.where(np.arange(n) // 14 % 2 == 0, 0.5, 1.0)
    return SD * calm * chance.standard_normal(n) / np.sqrt(0.625)


def heavy_autoregressive(chance: np.random.Generator, n: int) -> np.ndarray:
    """AR .4 whose steps have heavy tails."""
    step = heavy(chance, n + 50) * np.sqrt(1 - 0.4**2)
    for at in range(1, len(step)):
        step[at] += 0.4 * step[at - 1]
    return step[50:]


def weekly_autoregressive(chance: np.random.Generator, n: int) -> np.ndarray:
    """Half of the variance a weekday pattern, the other half AR .4."""
    pattern = chance.standard_normal(7)
    pattern = (pattern - pattern.mean()) / pattern.std()
    return np.sqrt(0.5) * (SD * pattern[np.arange(n) % 7] + autoregressive(0.4)(chance, n))


NOISES: dict[str, Noise] = {
    "iid": iid,
    "ar2": autoregressive(0.2),
    "ar4": autoregressive(0.4),
    "ar6": autoregressive(0.6),
    "t3": heavy,
    "t3_ar4": heavy_autoregressive,
    "weekly_ar4": weekly_autoregressive,
    "skewed": skewed,
    "weekly": weekly,
    "missing_ar4": missing,
    "bursts": bursts,
}


if __name__ == "__main__":
    main()
