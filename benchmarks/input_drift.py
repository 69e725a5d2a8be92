"""False alarms and delays of the input check on simulated columns: one JSON line per stream, and a summary.

A stream is two years of reference days, then a monitored year; the change, if any, comes on its day 120. A stream that
is in the output file already is not run again, so the script can be stopped and started at will.

    python benchmarks/input_drift.py --kinds dayar --marginals normal --sizes 1000 --years 200 --out drift.jsonl
    python benchmarks/input_drift.py --summary drift.jsonl

``--harness acceptance --family scenarios`` runs streams through another module's ``run_stream`` and ``batches``.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from _drift_streams import CHANGE_DAY, REFERENCE_DAYS
from adapters import Detector

BAR, BAR_UPPER = 100.0, 200.0
COOL_DAYS = 7
DELAY_BARS = {
    "mean0.5": 5,
    "mean1": 2,
    "var1.5": 5,
    "mix10": 10,
    "gradual1_90d": 45,
    "tail4": 5,
    "weekday_swap": 20,
}


class Recorder(Detector):
    """The adapter, remembering what each alarm was told as."""

    def __init__(self) -> None:
        super().__init__()
        self.alarms: list[tuple[int, str]] = []

    def update(self, day: int, rows: np.ndarray) -> bool:
        alarmed = super().update(day, rows)
        if alarmed:
            why = next(finding.why for finding in self.findings if finding.breached)
            self.alarms.append((int(day) - REFERENCE_DAYS, why))
        return alarmed


def run_stream(detectors: list[Recorder], seed: int, kind: str, shift: str, n: int, marginal: str) -> None:
    """Reference, then look after look; a pooled sample of about 10,000 reference rows."""
    rng = np.random.default_rng(seed + 7)
    days, reference, pool = [], [], []
    for day, rows in run_stream.family.batches(seed, kind, shift, n, marginal):
        if day < REFERENCE_DAYS:
            days.append(day)
            reference.append(rows)
            pool.append(rng.choice(rows, min(len(rows), 10_000 // REFERENCE_DAYS + 1), replace=False))
            if day == REFERENCE_DAYS - 1:
                for detector in detectors:
                    detector.fit(days, reference, np.concatenate(pool))
            continue
        for detector in detectors:
            if detector.update(day, rows):
                detector.reset()


def streams(options: argparse.Namespace) -> Iterator[dict]:
    """Streams asked for that are not in the file yet; cells take turns, so that all grow together."""
    harness = importlib.import_module(options.harness) if options.harness else None
    family = importlib.import_module(options.family)
    run_stream.family = family
    if harness:
        harness.SCN = family
    runner = harness.run_stream if harness else run_stream
    out = Path(options.out)
    done = {_key(line) for line in _lines(out)} if out.exists() else set()
    cells = list(itertools.product(options.kinds, options.marginals, options.sizes, options.shifts))
    for year, (kind, marginal, n, shift) in itertools.product(range(options.years), cells):
        cell = {"kind": kind, "marginal": marginal, "n": n, "shift": shift, "seed": options.seed + year}
        if _key(cell) in done:
            continue
        recorder = Recorder()
        runner([recorder], cell["seed"], kind, shift, n, marginal)
        yield {**cell, "alarms": recorder.alarms}


def summarise(lines: Iterable[dict]) -> list[dict]:
    """One record per cell: alarms per 1,000 monitor-years with an exact upper bound, or delays."""
    cells = defaultdict(list)
    for line in lines:
        cells[line["kind"], line["marginal"], line["n"], line["shift"]].append(line["alarms"])
    return [_cell(*name, told) for name, told in sorted(cells.items())]


def _cell(kind: str, marginal: str, n: int, shift: str, told: list) -> dict:
    record = {"kind": kind, "marginal": marginal, "n": n, "shift": shift, "monitor_years": len(told)}
    if shift == "none":
        alarms = sum(_episodes([day for day, _ in one]) for one in told)
        upper = _upper(alarms, len(told))
        record |= {"alarms": alarms, "per_1000": round(1000 * alarms / len(told), 1), "upper_95": round(upper, 1)}
        record["words"] = dict(Counter(_words(why) for one in told for _, why in one).most_common(4))
        record["holds"] = bool(record["per_1000"] <= BAR and upper <= BAR_UPPER)
        return record
    first = [min((day - CHANGE_DAY for day, _ in one if day >= CHANGE_DAY), default=np.inf) for one in told]
    median = float(np.median(first))
    early = sum(any(day < CHANGE_DAY for day, _ in one) for one in told)
    record |= {"median_days": median if np.isfinite(median) else None, "found": float(np.mean(np.isfinite(first)))}
    words = [next((why for day, why in one if day >= CHANGE_DAY), "") for one in told]
    record |= {"alarmed_before": early, "words": dict(Counter(map(_words, words)).most_common(3))}
    bar = DELAY_BARS.get(shift) if kind == "seasonal" and n == 1000 else None
    return record if bar is None else {**record, "bar_days": bar, "holds": median <= bar}


def _episodes(days: list[int]) -> int:
    count, last = 0, -99
    for day in days:
        count += day - last > COOL_DAYS
        last = day
    return count


def _upper(alarms: int, years: int) -> float:
    """One-sided 95 % bound on alarms per 1,000 monitor-years, exact Poisson."""
    from scipy.stats import chi2

    return 1000 * float(chi2.ppf(0.95, 2 * alarms + 2)) / 2 / years


def _words(why: str) -> str:
    return why.partition(": ")[2].partition("since ")[2][11:].partition(" than")[0].partition(",")[0] or why[:40]


def _key(line: dict) -> tuple:
    return line["kind"], line["marginal"], line["n"], line["shift"], line["seed"]


def _lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", default=["iid", "rowar", "dayar", "seasonal"])
    parser.add_argument("--marginals", nargs="+", default=["normal", "demand"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 1000])
    parser.add_argument("--shifts", nargs="+", default=["none"])
    parser.add_argument("--years", type=int, default=200)
    parser.add_argument("--seed", type=int, default=9_500_000)
    parser.add_argument("--family", default="_drift_streams")
    parser.add_argument("--harness", default="")
    parser.add_argument("--out", default="input_drift.jsonl")
    parser.add_argument("--summary", nargs="+", metavar="FILE", help="only summarise these files")
    return parser.parse_args()


def main() -> int:
    options = parse()
    if not options.summary:
        with Path(options.out).open("a") as out:
            for line in streams(options):
                out.write(json.dumps(line) + "\n")
                out.flush()
    records = summarise(line for path in options.summary or [options.out] for line in _lines(Path(path)))
    for record in records:
        print(json.dumps(record))
    return int(any(not record.get("holds", True) for record in records))


if __name__ == "__main__":
    sys.exit(main())
