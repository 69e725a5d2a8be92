"""Whether endpoint certificates repeat, and tell slower versions apart. One JSON line.

    python benchmarks/endpoint_certificates.py --repeats 10 --slower 0.25,0.5 --slower-repeats 4
    python benchmarks/endpoint_certificates.py --quick --repeats 4 --even-if-busy

One version is certified ``--repeats`` times at one rate; told is how many of the later certificates have their p50 and
p99 within the interval of the first. Then versions that are slower by a share are certified, each ``--slower-repeats``
times, and compared with certificates of the first version, taken in turn; told is how often the verdict was ``slower``
(at least half is asked of 25 %, always of 50 %), and how often two certificates of the same version were called
different (never is right).

The model is a function that multiplies its row by weights. Slower by 25 % means: it works on, without rest, for a
quarter of the median latency of a request that the first certificate found, so that its requests take a quarter longer
when none waits for another; at the certified rate some do, which makes more of it. That is a setting of this model's
source, nothing in the product knows of it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from finalmile.adapters.local.private_endpoint import LocalBench
from finalmile.project import Project
from finalmile.records import EndpointCertificate
from finalmile.workflows.certify_endpoint import certify_endpoint
from finalmile.workflows.endpoint_trial import Effort
from finalmile.workflows.speed import compared

FEATURES = [{"name": f"f{at}"} for at in range(8)]
SOURCE = """
import time
import numpy as np

MODEL_US, MORE_US = {model_us}, {more_us}
WEIGHTS = np.linspace(0.1, 0.8, 8)


def answer(rows):
    until = time.perf_counter() + (MODEL_US + MORE_US) * len(rows) / 1e6
    told = 2 + np.tanh(rows @ WEIGHTS)
    while time.perf_counter() < until:
        pass
    return told
"""


def register(project: Project, folder: Path, *, model_us: float, more_us: float) -> int:
    code = folder / "slow_model.py"
    code.write_text(SOURCE.format(model_us=model_us, more_us=more_us))
    rows = np.random.default_rng(5).normal(size=(256, len(FEATURES))).round(4)
    answers = 2 + np.tanh(rows @ np.linspace(0.1, 0.8, 8)).reshape(-1, 1)
    declared = {"features": FEATURES, "golden": {"rows": rows.tolist(), "answers": answers.tolist()}}
    made = project.register("speed", "callable", function="slow_model:answer", code=code, features=declared)
    return made.version.number


def main() -> None:
    asked = arguments()
    effort = Effort.quick() if asked.quick else Effort()
    effort = replace(effort, window_s=asked.window_s, tries=1, rung_windows=1, rung_s=1.0, connections=16)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = Project.init(folder / "shop")

        def certified(number: int) -> EndpointCertificate:
            told = certify_endpoint(
                project.shop, "speed", bench=LocalBench(), serving=project.folder / "serving", number=number,
                effort=effort, rate=asked.rate, target_ms=1000.0, even_if_busy=asked.even_if_busy,
            )  # fmt: skip
            said({"version": number, "p50": told.intervals["p50"], "p99": told.intervals["p99"], "busy": told.busy})
            return told

        base = register(project, folder, model_us=asked.model_us, more_us=0.0)
        repeated = [certified(base) for _ in range(asked.repeats)]
        median_us = repeated[0].intervals["p50"][0] * 1000
        told: dict[str, Any] = {
            "windows": effort.windows,
            "window_s": effort.window_s,
            "rate": asked.rate,
            **same(repeated),
        }
        for share in asked.slower:
            number = register(project, folder, model_us=asked.model_us, more_us=share * median_us)
            slow = [certified(number) for _ in range(asked.slower_repeats)]
            found = [compared(repeated[at % len(repeated)], one) for at, one in enumerate(slow)]
            told[f"slower by {share:.0%}"] = {
                "told apart": sum(one.verdict == "slower" for one in found), "of": len(found),
                "ratio_p50": [round(one.ratios["p50"].ratio, 3) for one in found],
                "ratio_p99": [round(one.ratios["p99"].ratio, 3) for one in found],
                "asked": "all" if share >= 0.5 else "half",
            }  # fmt: skip
        told["busy"] = round(float(np.median([one.busy or 0.0 for one in repeated])), 3)
        told["machine"] = repeated[0].machine
        print(json.dumps(told))


def same(repeated: list[EndpointCertificate]) -> dict[str, Any]:
    """How certificates of one version agree."""
    first, later = repeated[0], repeated[1:]
    inside = [all(_within(first, one, name) for name in ("p50", "p99")) for one in later]
    verdicts = [compared(one, other).verdict for one, other in combinations(repeated, 2)]
    return {
        "certificates": len(repeated),
        "within the interval of the first": sum(inside) + 1,
        **{
            f"{name}_ms": [round(one.intervals[name][0], 3) for one in repeated] for name in ("p50", "p99")
        },
        "interval_p50": [round(value, 3) for value in first.intervals["p50"]],
        "interval_p99": [round(value, 3) for value in first.intervals["p99"]],
        "pairs of the same version": {name: verdicts.count(name) for name in ("same", "undecided", "slower", "faster")},
    }  # fmt: skip


def _within(first: EndpointCertificate, later: EndpointCertificate, name: str) -> bool:
    _, low, high = first.intervals[name]
    return low <= later.intervals[name][0] <= high


def said(told: dict[str, Any]) -> None:
    print(json.dumps(told), file=sys.stderr)


def shares(text: str) -> list[float]:
    return [float(one) for one in text.split(",") if one]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument(
        "--slower", type=lambda text: [float(one) for one in text.split(",") if one], default=[0.25, 0.5]
    )
    parser.add_argument("--slower-repeats", type=int, default=4)
    parser.add_argument("--rate", type=float, default=150.0)
    parser.add_argument("--window-s", type=float, default=10.0)
    parser.add_argument("--model-us", type=float, default=1000.0, help="how long the model takes for a row")
    parser.add_argument("--quick", action="store_true", help="ten windows in place of thirty")
    parser.add_argument("--even-if-busy", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
