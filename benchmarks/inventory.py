"""How fast stock is simulated, levels are found, and what-if and frontier are answered: JSON lines, one per figure.

    python benchmarks/inventory.py --install-peers --scratch FOLDER
    python benchmarks/inventory.py --scratch FOLDER

The same items, demand and rule go through four simulations: stockpyl's (in an environment of its own; without it its
rows say so and are not judged), a plain Python loop, this package's with numpy alone, and the same compiled by numba,
on one thread. Where two simulate the same thing their sums of units on the shelf, units short, orders and units
ordered must be equal. `cpu_seconds` is the best of `--rounds`, after compilation; ratios are per item-period, within
this run. What-if and frontier are asked of a project with `--items` products and 400 days, `first` of a project that
was just opened, `again` of one that has read its sales before, as a page does; they are judged by the clock.
Exit code 1 where a bar is missed or sums differ.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from _stock_game import Game, game, plain

from finalmile.inventory.min_max_levels import exact_for_all
from finalmile.simulation import Costs, Scene, Totals, fixed_leads, given, min_max, run, search

PEER = Path(__file__).parent / "_peers" / "stockpyl_inventory.py"
PINS = (
    "stockpyl==1.0.2", "numpy==1.26.4", "scipy==1.12.0", "networkx==3.2.1", "tabulate==0.10.0", "tqdm==4.70.1",
    "jsonpickle==4.1.4",
)  # fmt: skip
"""Without what they depend on: stockpyl asks for sphinx 4.5, and breaks with numpy 2."""
PERIODS, PLAIN_ITEMS, PEER_ITEMS, LEVELS_OF_PEER = 365, 1000, 20, 20

Row = dict[str, Any]


def best(work: Callable[[], Any], rounds: int) -> tuple[float, float, Any]:
    """Least CPU seconds and least seconds of all rounds, and what came out."""
    told, cpu, wall = None, [], []
    for _ in range(rounds):
        began, clock = time.process_time(), time.perf_counter()
        told = work()
        cpu.append(time.process_time() - began)
        wall.append(time.perf_counter() - clock)
    return min(cpu), min(wall), told


def simulated(told: Game, *, backorders: bool, engine: str, threads: int = 1) -> Totals:
    scene = Scene(asked=given(told.demand), leads=fixed_leads(told.lead), on_hand=told.level, backorders=backorders)
    rule = min_max(told.point, told.level).on_terms(pack_size=told.pack)
    return run(scene, rule, engine=engine, threads=threads)


def sums(totals: Totals) -> np.ndarray:
    return np.column_stack([totals.unit_periods, totals.unmet, totals.orders, totals.ordered])


def peer(told: Game, python: Path, scratch: Path) -> dict[str, np.ndarray]:
    """What stockpyl makes of the first items, and its exact levels."""
    few, wanted = told.first(PEER_ITEMS), levels_asked(LEVELS_OF_PEER)
    np.savez(scratch / "game.npz", **few.__dict__, **wanted)
    subprocess.run([python, PEER, scratch / "game.npz", scratch / "told.npz"], check=True, stdout=sys.stderr)
    return dict(np.load(scratch / "told.npz"))


def levels_asked(count: int) -> dict[str, np.ndarray]:
    """Poisson demand of 2 to 60 a period, costs of an order and of a unit short; holding costs 1."""
    rng = np.random.default_rng(5)
    return {
        "mean": rng.uniform(2, 60, count).round(2),
        "fixed": rng.uniform(5, 80, count).round(2),
        "short": rng.uniform(5, 49, count).round(2),
    }


def simulations(args: argparse.Namespace, python: Path | None) -> Iterator[Row]:
    told = game(np.random.default_rng(args.seed), items=args.items, periods=PERIODS)
    simulated(told.first(2), backorders=False, engine="numba")
    for backorders in (True, False):
        yield from one_simulation(told if not backorders else told.without_packs(), args, python, backorders)


def one_simulation(told: Game, args: argparse.Namespace, python: Path | None, backorders: bool) -> Iterator[Row]:
    what = {"what": "simulation", "unmet": "backordered" if backorders else "lost", "periods": PERIODS}
    per: dict[str, float] = {}
    checks: dict[str, np.ndarray] = {}

    def row(engine: str, items: int, cpu: float, wall: float | None) -> Row:
        per[engine] = cpu / items / PERIODS * 1e9
        seconds = {} if wall is None else {"seconds": round(wall, 4)}
        return {
            **what, "engine": engine, "items": items, "cpu_seconds": round(cpu, 4), **seconds,
            "ns_per_item_period": round(per[engine], 2), "checksum": checks[engine].sum(axis=0).tolist(),
        }  # fmt: skip

    for engine, rounds in (("numba", args.rounds), ("numpy", 1)):
        cpu, wall, totals = best(lambda name=engine: simulated(told, backorders=backorders, engine=name), rounds)
        checks[engine] = sums(totals)
        bar = {"bar": "< 0.15 CPU s", "held": cpu < 0.15} if engine == "numba" and args.items == 30_000 else {}
        yield row(engine, args.items, cpu, wall) | bar
    few = told.first(PLAIN_ITEMS)
    cpu, wall, checks["plain loop"] = best(lambda: plain(few, backorders=backorders), 1)
    yield row("plain loop", len(few.lead), cpu, wall)
    if backorders and python is not None:
        answer = peer(told, python, args.scratch)
        checks["stockpyl"] = answer["sums"].astype(np.int64)
        yield row("stockpyl", PEER_ITEMS, float(answer["seconds"][0]), None)
        yield from levels_of(answer)
    yield {**what, "equal": {name: bool((checks["numba"][: len(told)] == told).all()) for name, told in checks.items()}}
    yield from ratios(per, what, judged=args.items >= 30_000)


def ratios(per: dict[str, float], what: Row, *, judged: bool) -> Iterator[Row]:
    for slow, fast, least, most in (
        ("stockpyl", "numba", 1000, None), ("plain loop", "numba", 50, None), ("numpy", "numba", None, 30),
    ):  # fmt: skip
        if slow in per:
            ratio = per[slow] / per[fast]
            held = ratio >= least if least else ratio <= (most or 0)
            bar = {"bar": f">= {least}" if least else f"<= {most}", "held": held} if judged else {}
            yield {**what, "ratio": f"{slow} / {fast}", "value": round(ratio, 1), **bar}


def found_levels(wanted: dict[str, np.ndarray]) -> np.ndarray:
    one = np.ones(len(wanted["mean"]))
    return exact_for_all(
        wanted["mean"], wanted.get("variance", wanted["mean"]), lead_periods=wanted.get("lead", 0 * one),
        fixed_cost=wanted["fixed"], holding_cost=one, stockout_cost=wanted["short"],
    )  # fmt: skip


def levels_of(answer: dict[str, np.ndarray]) -> Iterator[Row]:
    wanted = levels_asked(LEVELS_OF_PEER)
    found_levels(wanted)
    cpu, _, ours = best(lambda: found_levels(wanted), 50)
    same = np.allclose(ours[:, 2], answer["levels"][:, 2], rtol=1e-6)
    yield {
        "what": "exact (s, S)", "engine": "stockpyl", "items": LEVELS_OF_PEER,
        "cpu_seconds": round(float(answer["seconds"][1]), 3), "equal": {"cost": bool(same)},
        "numba_cpu_seconds": round(cpu, 6), "ratio": "stockpyl / numba",
        "value": round(float(answer["seconds"][1]) / cpu, 1),
    }  # fmt: skip


def levels(args: argparse.Namespace) -> Iterator[Row]:
    rng = np.random.default_rng(args.seed)
    n = args.items
    mean = rng.uniform(0.05, 60, n)
    wanted = {
        "mean": mean, "variance": mean * (1 + rng.gamma(1, 1.0, n)), "lead": rng.integers(0, 4, n).astype(float),
        "fixed": rng.uniform(5, 80, n), "short": rng.uniform(5, 49, n),
    }  # fmt: skip
    found_levels({name: values[:2] for name, values in wanted.items()})
    cpu, wall, told = best(lambda: found_levels(wanted), 2)
    bar = {"bar": "< 3 CPU s", "held": cpu < 3 and not np.isnan(told).any()} if n == 30_000 else {}
    yield {
        "what": "exact (s, S)", "engine": "numba", "items": n, "cpu_seconds": round(cpu, 3), "seconds": round(wall, 3),
        "checksum": round(float(told[:, 2].sum()), 3), **bar,
    }  # fmt: skip


def searched(args: argparse.Namespace) -> Iterator[Row]:
    """72 pairs around each item's own, on the demand that was, with lost sales."""
    told = game(np.random.default_rng(args.seed), items=args.items, periods=PERIODS)
    points = told.point[:, None] + np.linspace(-0.5, 0.5, 9) * (told.point[:, None])
    gaps = (told.level - told.point)[:, None] * np.linspace(0.3, 2.4, 8)
    rule = min_max(
        np.repeat(points, 8, axis=1), np.repeat(points, 8, axis=1) + np.tile(np.ceil(gaps), (1, 9))
    ).on_terms(pack_size=told.pack)
    scene = Scene(asked=given(told.demand), leads=fixed_leads(told.lead), on_hand=told.level)
    costs = Costs(holding=1.0, shortage=49.0, order=20.0)
    cpu, wall, found = best(lambda: search(scene, rule, costs=costs), 1)
    yield {
        "what": "search by simulation", "items": args.items, "candidates": rule.candidates, "periods": PERIODS,
        "cpu_seconds": round(cpu, 2), "seconds": round(wall, 2), "mean_cost": round(float(found.cost.mean()), 4),
    }  # fmt: skip


def shop_of(args: argparse.Namespace) -> Path:
    """A project with many products; made once, and kept."""
    from finalmile.project import Project

    folder: Path = args.scratch / f"shop-{args.items}"
    if (folder / "ready").exists():
        return folder
    told = game(np.random.default_rng(args.seed), items=args.items, periods=400)
    ids = pl.Series([f"item-{k:06d}" for k in range(args.items)])
    project = Project.init(folder)
    days = [date(2024, 1, 1) + timedelta(days=k) for k in range(400)]
    for start in range(0, 400, 50):
        part = told.demand[:, start : start + 50]
        frame = pl.DataFrame(
            {
                "unique_id": np.repeat(ids.to_numpy(), part.shape[1]),
                "ds": pl.Series(days[start : start + 50] * args.items),
                "y": part.ravel().astype(np.float64),
            }
        )
        project.ingest("sales", frame)
    terms = {"unique_id": ids, "lead_time_days": told.lead, "unit_cost": 1.0 + told.lead % 7, "pack_size": told.pack}
    project.ingest("items", pl.DataFrame(terms))
    (folder / "ready").touch()
    return folder


def answers(args: argparse.Namespace) -> Iterator[Row]:
    from finalmile.project import Project

    folder = shop_of(args)
    Project.open(folder).what_if("item-000001")  # compiled now, and the files in the machine's memory
    yield from asked(
        "what-if", args, Project.open(folder), lambda at: at.what_if("item-000007", lead_time_days=21, moq=24), 0.1
    )
    yield from asked("frontier", args, Project.open(folder), lambda at: at.frontier(), 10.0)


def asked(what: str, args: argparse.Namespace, project: Any, ask: Callable[[Any], Any], most: float) -> Iterator[Row]:
    for when, rounds in (("first", 1), ("again", args.rounds if most < 1 else 1)):
        cpu, wall, told = best(lambda: ask(project), rounds)
        judged = args.items == 30_000 and (when == "again" or most > 1)
        bar = {"bar": f"< {most:g} s", "held": wall < most} if judged else {}
        yield {
            "what": what, "when": when, "items": args.items, "cpu_seconds": round(cpu, 4), "seconds": round(wall, 4),
            "told": told.lines()[-2], **bar,
        }  # fmt: skip


def environment(args: argparse.Namespace) -> tuple[Path | None, Row | None]:
    """stockpyl's interpreter, or a row that says why there is none."""
    home = args.scratch / "stockpyl"
    python = home / "bin" / "python"
    if args.install_peers and not (home / "ok").exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        words = [python, "-m", "pip", "install", "-q", "--no-deps", *PINS]
        done = subprocess.run(words, stdout=sys.stderr, check=False)
        if done.returncode:
            return None, {"what": "simulation", "engine": "stockpyl", "skipped": "its pins could not be installed"}
        (home / "ok").touch()
    if (home / "ok").exists():
        return python, None
    return None, {"what": "simulation", "engine": "stockpyl", "skipped": "not installed: run with --install-peers"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=30_000, help="bars are judged at 30,000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()) / "finalmile-inventory")
    parser.add_argument("--install-peers", action="store_true", help="make stockpyl's environment first")
    parser.add_argument("--parts", default="simulation,levels,search,answers")
    args = parser.parse_args()
    args.scratch.mkdir(parents=True, exist_ok=True)
    python, missing = environment(args)
    parts = {
        "simulation": lambda: simulations(args, python),
        "levels": lambda: levels(args),
        "search": lambda: searched(args),
        "answers": lambda: answers(args),
    }
    good = True
    for row in [missing] if missing else []:
        print(json.dumps(row), flush=True)
    for part in args.parts.split(","):
        for row in parts[part]():
            print(json.dumps(row), flush=True)
            good &= bool(row.get("held", True)) and all(row.get("equal", {}).values())
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
