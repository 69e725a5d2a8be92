"""Processor time and memory of the drift report, and of every product by itself, beside peers. One JSON line a cell.

    python benchmarks/drift_report.py --peers FOLDER --scratch FOLDER --seed 9600001
    python benchmarks/drift_report.py --peers FOLDER --scratch FOLDER --cells evidently --evidently PYTHON

``--peers`` has gen_data.py, bar_floor.py, bar_segments.py and bar_evidently.py; each is run as its own process, and so
are we. The reference is profiled beforehand and saved; the time in which the floor prepares its own is taken off.
Processor time and peak memory of a process, all its threads and the start of Python included, are those the system
tells at its end. Every round runs ours and the peer once; ratios are formed within a round and told as their median.
Exit code 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

FEATURES = ("f0", "f1", "f2", "f3", "f4")


def run(command: Sequence[object]) -> dict[str, Any]:
    """Processor seconds, wall seconds, peak MiB and the last line of a process, read as JSON."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([str(part) for part in command], stdout=out)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        out.seek(0)
        lines = out.read().decode().strip().splitlines()
    if process.returncode:
        raise SystemExit(f"{command[1]} failed with {process.returncode}")
    told = json.loads(lines[-1]) if lines else {}
    return {"cpu": used.ru_utime + used.ru_stime, "wall": wall, "peak_mib": used.ru_maxrss / 1024, "told": told}


def ours_wide(scratch: Path, current: Path) -> None:
    import finalmile as fm

    report = fm.drift_report(fm.Profile.load(scratch / "reference.npz"), current)
    size = len(report.to_html(scratch / "report.html").encode())
    told = {column.name: column.headline.value for column in report.columns if column.headline is not None}
    print(json.dumps({"html_bytes": size, "columns": len(report.columns), "effects": told}))


def ours_segments(scratch: Path, current: Path) -> None:
    from finalmile.monitoring.profile.segments import SegmentReference, by_segment

    reference = SegmentReference.load(scratch / "segments.npz")
    table = by_segment(reference, current, actual="y_true", forecast="y_pred")
    first = table.row(0, named=True)
    print(json.dumps({"d0": first["ks_f0"], "mae0": first["mae"], "products": table.height}))


def make(args: argparse.Namespace, what: str, name: str, *options: object) -> Path:
    folder = args.scratch / f"{name}-{args.seed}"
    if not (folder / "current.parquet").exists():
        run([sys.executable, args.peers / "gen_data.py", what, "--out", folder, "--seed", args.seed, *options])
    return folder


def me(args: argparse.Namespace, part: str, current: Path) -> list[object]:
    return [sys.executable, __file__, "--part", part, "--scratch", args.scratch, "--current", current]


def beside(args: argparse.Namespace, ours: Sequence[object], peer: Sequence[object]) -> dict[str, Any]:
    pairs = [(run(ours), run(peer)) for _ in range(args.rounds)]
    ratios = sorted(one["cpu"] / other["cpu"] for one, other in pairs)
    return {
        "ratio": statistics.median(ratios),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "ours_cpu_s": round(statistics.median(one["cpu"] for one, _ in pairs), 2),
        "peer_cpu_s": round(statistics.median(other["cpu"] for _, other in pairs), 2),
        "ours_wall_s": round(statistics.median(one["wall"] for one, _ in pairs), 2),
        "peer_wall_s": round(statistics.median(other["wall"] for _, other in pairs), 2),
        "ours_peak_mib": round(max(one["peak_mib"] for one, _ in pairs)),
        "peer_peak_mib": round(max(other["peak_mib"] for _, other in pairs)),
        "ours": pairs[-1][0]["told"],
        "peer": pairs[-1][1]["told"],
    }


def wide(args: argparse.Namespace) -> Path:
    import finalmile as fm

    data = make(args, "wide", "wide", "--ref-rows", 200_000, "--cur-rows", 1_000_000)
    fm.Profile.of(data / "reference.parquet").save(args.scratch / "reference.npz")
    return data


def floor_cell(args: argparse.Namespace) -> bool:
    data = wide(args)
    files = ["--ref", data / "reference.parquet", "--cur", data / "current.parquet"]
    floor = [sys.executable, args.peers / "bar_floor.py", "--how", "stream_hist", *files]
    told = beside(args, me(args, "wide", data / "current.parquet"), floor)
    ours, theirs = told.pop("ours"), told.pop("peer")
    baseline = floor_baseline(args, data)
    apart = max(abs(ours["effects"][name] - value) for name, value in theirs["d"].items() if name.startswith("num_"))
    told |= {"ratio_less_baseline": round(told["ours_cpu_s"] / (told["peer_cpu_s"] - baseline), 3)}
    told |= {
        "floor_baseline_cpu_s": round(baseline, 2),
        "html_bytes": ours["html_bytes"],
        "ks_apart_at_most": round(apart, 6),
    }
    held = told["ratio_less_baseline"] <= 1.5 and apart <= 0.0011
    return tell("floor", told, bar="ratio_less_baseline <= 1.5", held=held)


def floor_baseline(args: argparse.Namespace, data: Path) -> float:
    """Processor seconds in which the floor prepares its reference: with next to no current rows, less its start."""
    tiny = make(args, "wide", "tiny", "--ref-rows", 1000, "--cur-rows", 1000) / "current.parquet"
    command = [sys.executable, args.peers / "bar_floor.py", "--ref", data / "reference.parquet", "--cur", tiny, "--how"]
    return run([*command, "stream_hist"])["cpu"] - run([*command, "read_pyarrow"])["cpu"]


def evidently_cell(args: argparse.Namespace) -> bool:
    data = wide(args)
    files = ["--ref", data / "reference.parquet", "--cur", data / "current.parquet"]
    peer = run([args.evidently, args.peers / "bar_evidently.py", *files, "--html", args.scratch / "evidently.html"])
    ours = run(me(args, "wide", data / "current.parquet"))
    told = {
        "times_less": round(peer["cpu"] / ours["cpu"], 1),
        "ours_cpu_s": round(ours["cpu"], 2),
        "peer_cpu_s": round(peer["cpu"], 2),
        "ours_html_bytes": ours["told"]["html_bytes"],
        "peer_html_bytes": peer["told"]["html_bytes"],
        "peer_version": peer["told"]["version"],
    }
    return tell("evidently", told, bar="times_less >= 20", held=told["times_less"] >= 20)


def memory_cell(args: argparse.Namespace) -> bool:
    wide(args)
    data = make(args, "wide", "long", "--ref-rows", 1000, "--cur-rows", 10_000_000)
    ours = run(me(args, "wide", data / "current.parquet"))
    told = {"rows": 10_000_000, "ours_cpu_s": round(ours["cpu"], 1), "ours_peak_mib": round(ours["peak_mib"])}
    return tell("memory", told, bar="ours_peak_mib <= 600", held=told["ours_peak_mib"] <= 600)


def segments_cell(args: argparse.Namespace) -> bool:
    from finalmile.monitoring.profile.segments import SegmentReference

    data = make(args, "segments", "segments", "--products", 30_000, "--days", 60)
    reference = SegmentReference.of(data / "reference.parquet", segment="product_id", features=FEATURES)
    reference.save(args.scratch / "segments.npz")
    files = ["--ref", data / "reference.parquet", "--cur", data / "current.parquet"]
    polars = [sys.executable, args.peers / "bar_segments.py", "--peer", "polars", *files]
    told = beside(args, me(args, "segments", data / "current.parquet"), polars)
    ours, theirs = told.pop("ours"), told.pop("peer")
    same = all(abs(ours[name] - theirs[name]) < 1e-5 for name in ("d0", "mae0")) and ours["products"] == 30_000
    return tell("segments", told | {"same": same}, bar="ratio <= 0.7", held=told["ratio"] <= 0.7 and same)


def tell(cell: str, told: dict[str, Any], *, bar: str, held: bool) -> bool:
    rounded = {name: round(value, 3) if name == "ratio" else value for name, value in told.items()}
    print(json.dumps({"cell": cell, **rounded, "bar": bar, "held": held}), flush=True)
    return held


CELLS: dict[str, Callable[[argparse.Namespace], bool]] = {
    "floor": floor_cell,
    "segments": segments_cell,
    "memory": memory_cell,
    "evidently": evidently_cell,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, help="folder of the peers' programs")
    parser.add_argument("--scratch", type=Path, required=True, help="folder for data, profiles and pages")
    parser.add_argument("--evidently", type=Path, default=sys.executable, help="a Python that has Evidently")
    parser.add_argument("--cells", default="floor,segments,memory", help=f"of {', '.join(CELLS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=9_600_001)
    parser.add_argument("--part", choices=("wide", "segments"), help=argparse.SUPPRESS)
    parser.add_argument("--current", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        {"wide": ours_wide, "segments": ours_segments}[args.part](args.scratch, args.current)
        return 0
    args.scratch.mkdir(parents=True, exist_ok=True)
    held = [CELLS[cell](args) for cell in args.cells.split(",")]
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())
