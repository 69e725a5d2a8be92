"""One daily step of the evidence of many streams: CPU seconds, and as a multiple of one copy of the state.

python benchmarks/streams.py --series 30000 --features 20
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import numpy as np

from finalmile.frames import Frequency
from finalmile.monitoring.checks.series_drift import SeriesDriftCheck
from finalmile.monitoring.inputs.series import SeriesLook, SeriesReference

DAY = Frequency("day")
BAR_SECONDS = 1.5


def arrays(state: object) -> Iterator[np.ndarray]:
    for part in fields(state):
        value = getattr(state, part.name)
        if isinstance(value, np.ndarray) and value.dtype.kind != "O":
            yield value
        elif is_dataclass(value):
            yield from arrays(value)


def copied(state: object) -> tuple[float, int]:
    """CPU seconds of copying every array of a state, the best of five, and their bytes."""
    held = list(arrays(state))
    into = [np.empty_like(array) for array in held]
    best = np.inf
    for _ in range(5):
        start = time.process_time()
        for array, copy in zip(held, into, strict=True):
            np.copyto(copy, array)
        best = min(best, time.process_time() - start)
    return best, sum(array.nbytes for array in held)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=30_000)
    parser.add_argument("--features", type=int, default=20)
    parser.add_argument("--reference", type=int, default=42, help="looks in the reference")
    parser.add_argument("--looks", type=int, default=10)
    parser.add_argument("--seed", type=int, default=9_600_000)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    shape = (options.series, options.features)
    level = rng.lognormal(1.0, 1.0, shape)
    check = SeriesDriftCheck()
    reference = SeriesReference(
        frequency=DAY,
        ids=np.array([f"p{i:06d}" for i in range(options.series)], dtype=object),
        names=np.array([f"f{i:02d}" for i in range(options.features)], dtype=object),
        periods=np.arange(19_000, 19_000 + options.reference),
        values=level[:, :, None] * (1 + 0.2 * rng.normal(size=(*shape, options.reference))),
    )
    start = time.process_time()
    state = check.start(reference)
    fitted = time.process_time() - start
    steps = []
    for _ in range(options.looks):
        values = level * (1 + 0.2 * rng.normal(size=shape))
        look = SeriesLook(period=state.last + 1, ids=reference.ids, values=values)
        start = time.process_time()
        state, findings = check.update(state, look)
        steps.append(time.process_time() - start)
    copy, size = copied(state)
    record = {
        "streams": options.series * options.features,
        "step_cpu_seconds": round(float(np.median(steps)), 3),
        "worst_step_cpu_seconds": round(max(steps), 3),
        "bar_seconds": BAR_SECONDS,
        "state_megabytes": round(size / 1e6, 1),
        "copy_cpu_seconds": round(copy, 4),
        "multiple_of_copy": round(float(np.median(steps)) / copy, 1),
        "start_cpu_seconds": round(fitted, 1),
        "listed": round(sum(finding.value * finding.n for finding in findings)),
    }
    print(json.dumps(record))
    return int(record["step_cpu_seconds"] > BAR_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
