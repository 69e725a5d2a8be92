"""How long a rollback takes at full load, from the command to the first answer of the version before.

    python benchmarks/serving_rollback.py [--rollbacks 20] [--clients 16]

Two versions of a LightGBM model (500 trees, 31 leaves, 30 features) are live one after the other in a real project
behind ``finalmile serve``: supervisor, manager, one worker, durable log. Clients ask without a pause. Each time the
second version is promoted, then ``finalmile rollback`` is started as a process of its own. Told is how long it took
from the start of that process to the first answer of the first version, and whether any request failed. One JSON line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import lightgbm
import numpy as np
import serving_drain
from serving_drain import Load, under_load, until

from finalmile.project import Project

FEATURES = 30


def registered(folder: Path) -> Project:
    """A project with version 1 live and version 2 beside it."""
    project = Project.init(folder / "shop")
    draws = np.random.default_rng(5)
    rows = draws.normal(size=(20_000, FEATURES))
    demand = np.exp(0.3 * rows[:, 0]) + draws.gamma(2.0, size=len(rows))
    for number in (1, 2):
        settings = {"num_leaves": 31, "verbose": -1, "num_threads": 2, "seed": number, "learning_rate": 0.05}
        learned = lightgbm.train(settings, lightgbm.Dataset(rows * number, demand), num_boost_round=500)
        learned.save_model(folder / "model.txt")
        golden = {
            "rows": rows[:64].tolist(),
            "answers": np.asarray(learned.predict(rows[:64])).reshape(-1, 1).tolist(),
        }
        declared = {"features": [{"name": name} for name in learned.feature_name()], "golden": golden}
        project.register("demand", "lightgbm", path=folder / "model.txt", features=declared)
    project.promote("demand", number=1, force=True, why="benchmark")
    serving_drain.BODY = json.dumps({"features": rows[0].round(4).tolist()}).encode()
    return project


def served(project: Project) -> tuple[subprocess.Popen[bytes], int]:
    state = project.folder / "serving" / "serve.json"
    words = [sys.executable, "-m", "finalmile.web.supervisor", "--project", str(project.folder), "--port", "0"]
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    until(state.exists)
    return process, int(json.loads(state.read_text())["port"])


def command(project: Project, *words: str) -> None:
    told = [str(Path(sys.executable).with_name("finalmile")), *words, "--project", str(project.folder)]
    subprocess.run(told, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollbacks", type=int, default=20)
    parser.add_argument("--clients", type=int, default=16)
    asked = parser.parse_args()
    seconds = list[float]()

    def act(load: Load) -> None:
        for _ in range(asked.rollbacks):
            command(project, "promote", "demand@2", "--force")
            until(lambda: load.version == 2)
            began = time.monotonic()
            told = [str(Path(sys.executable).with_name("finalmile")), "rollback", "demand"]
            running = subprocess.Popen([*told, "--project", str(project.folder)], stdout=subprocess.DEVNULL)
            until(lambda: load.version == 1)
            seconds.append(time.monotonic() - began)
            if running.wait():
                raise SystemExit("the rollback failed")

    with tempfile.TemporaryDirectory() as scratch:
        project = registered(Path(scratch))
        process, port = served(project)
        try:
            load = under_load(port, asked.clients, act)
        finally:
            process.terminate()
            process.wait()
    answers = {"answered": load.answered, "failed": len(load.lost), "first": load.lost[:2]}
    median, longest = round(statistics.median(seconds), 3), round(max(seconds), 3)
    print(json.dumps({"rollbacks": len(seconds), "median_s": median, "longest_s": longest, "asked_s": 1.0, **answers}))
    sys.exit(0 if longest < 1.0 and not load.lost else 1)


if __name__ == "__main__":
    main()
