"""The model and the rows of benchmarks/serving.py, and its single-row prediction by ctypes, for peers to use.

`python rows.py FOLDER` writes model.txt (500 trees, 31 leaves, 30 features, Poisson), rows.json (256 rows that differ)
and answers.json (what LightGBM says of them). Needs lightgbm and numpy.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np

TREES, LEAVES, FEATURES, ROWS, SEED = 500, 31, 30, 256, 7
NAMES = [f"f{at:02d}" for at in range(FEATURES)]


def make(folder: Path) -> None:
    import lightgbm as lgb

    chance = np.random.default_rng(SEED)
    x = chance.normal(size=(40_000, FEATURES))
    weights = chance.normal(size=FEATURES) * 0.25
    rate = np.exp(0.5 + x @ weights * 0.4 + 0.3 * np.sin(2 * x[:, 0]) * x[:, 1])
    y = chance.poisson(np.clip(rate, 0, 50))
    settings = {
        "objective": "poisson", "num_leaves": LEAVES, "learning_rate": 0.05, "seed": SEED, "num_threads": 2,
        "verbosity": -1, "deterministic": True, "min_data_in_leaf": 20,
    }  # fmt: skip
    booster = lgb.train(settings, lgb.Dataset(x, y, feature_name=NAMES), num_boost_round=TREES)
    rows = chance.normal(size=(ROWS, FEATURES)).round(6)
    folder.mkdir(parents=True, exist_ok=True)
    booster.save_model(folder / "model.txt")
    (folder / "rows.json").write_text(json.dumps(rows.tolist()))
    (folder / "answers.json").write_text(json.dumps(booster.predict(rows, num_threads=1).tolist()))


class SingleRow:
    """LightGBM's single-row call with its settings kept ready, without the Python package around it."""

    def __init__(self, path: Path) -> None:
        found = importlib.util.find_spec("lightgbm")
        assert found is not None
        assert found.origin is not None
        library = ctypes.PyDLL(str(Path(found.origin).parent / "lib" / "lib_lightgbm.so"))
        handle, rounds, config = ctypes.c_void_p(), ctypes.c_int(), ctypes.c_void_p()
        made = library.LGBM_BoosterCreateFromModelfile(str(path).encode(), ctypes.byref(rounds), ctypes.byref(handle))
        ready = library.LGBM_BoosterPredictForMatSingleRowFastInit(
            handle, 0, 0, -1, 1, FEATURES, b"num_threads=1 verbosity=-1", ctypes.byref(config)
        )
        assert made == ready == 0
        self.row, self.told, self.length = np.zeros(FEATURES), np.zeros(1), ctypes.c_int64()
        self.call = library.LGBM_BoosterPredictForMatSingleRowFast
        self.given = (
            config, ctypes.c_void_p(self.row.ctypes.data), ctypes.byref(self.length),
            ctypes.c_void_p(self.told.ctypes.data),
        )  # fmt: skip

    def predict(self, features: list[float]) -> float:
        self.row[:] = features
        self.call(*self.given)
        return float(self.told[0])


if __name__ == "__main__":
    make(Path(sys.argv[1]))
