"""What a forecaster says at each weekly review of a long replay, made once and kept: the dear part of `policies.py`."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from finalmile.frames import Panel, same_windows
from finalmile.inventory.protection import LAW_LEVELS
from finalmile.ports import Fitted, forecasters

FIT_EVERY, CALIBRATE_EVERY, HORIZON = 91, 28, 56


@dataclass(frozen=True)
class Told:
    """Forecasts of ``n`` series from one cutoff: NaN for those not listed yet."""

    cutoff: int
    windows: list[int]
    mean: np.ndarray  # (n, w)
    values: np.ndarray  # (n, w, len(LAW_LEVELS))
    daily_q98: np.ndarray  # (n, HORIZON)
    daily_mean: np.ndarray  # (n, HORIZON)
    methods: np.ndarray  # (n,)


class Reviews:
    """Forecasts from each cutoff, from the models that a shop would have had then, refitted each quarter."""

    def __init__(self, panel: Panel, *, scratch: Path, windows: list[int], threads: int) -> None:
        self.panel, self.windows, self.threads = panel, windows, threads
        label = "-".join(map(str, windows))
        self.folder = scratch / f"told-{panel.n}-{abs(hash_of(label)):x}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.models = scratch / f"models-{panel.n}"

    def at(self, cutoffs: list[int]) -> list[Told]:
        """One of each cutoff, oldest first; those that are kept are read."""
        model: Fitted | None = None
        fitted_at = calibrated_at = -1
        told = []
        for cutoff in cutoffs:
            kept = self.folder / f"{cutoff}.npz"
            wanted_fit = cutoffs[0] + (cutoff - cutoffs[0]) // FIT_EVERY * FIT_EVERY
            wanted_calibration = cutoffs[0] + (cutoff - cutoffs[0]) // CALIBRATE_EVERY * CALIBRATE_EVERY
            if not kept.exists():
                began = time.process_time()
                if model is None or fitted_at != wanted_fit:
                    model, fitted_at, calibrated_at = self._model(wanted_fit), wanted_fit, wanted_fit
                if wanted_calibration > max(calibrated_at, wanted_fit):
                    model = model.recalibrate(self.panel.at(wanted_calibration))
                    calibrated_at = wanted_calibration
                self._keep(kept, self._ask(model, cutoff))
                print(f"forecast from {cutoff}: {time.process_time() - began:.1f} s of processor", file=sys.stderr)
            told.append(self._read(kept, cutoff))
        return told

    def _model(self, cutoff: int) -> Fitted:
        folder = self.models / str(cutoff)
        recipe = forecasters.make("lightgbm", horizon=HORIZON, threads=self.threads)
        if not (folder / "done").exists():
            (folder / "model").mkdir(parents=True, exist_ok=True)
            recipe.fit(self.panel.at(cutoff, ahead=HORIZON + 1)).save(folder / "model")
            (folder / "done").touch()
        return type(recipe).load(folder / "model")

    def _ask(self, model: Fitted, cutoff: int) -> dict[str, np.ndarray]:
        past = self.panel.at(cutoff, ahead=max(self.windows)).last(model.needs)
        said = model.predict(
            past,
            horizon=HORIZON,
            quantiles=[0.98],
            windows=same_windows(past.n, self.windows),
            levels=list(LAW_LEVELS),
        )
        assert said.cumulative is not None
        rows = {name: row for row, name in enumerate(self.panel.ids.tolist())}
        at = np.array([rows[name] for name in said.ids.tolist()])

        def spread(values: np.ndarray) -> np.ndarray:
            whole = np.full((self.panel.n, *values.shape[1:]), np.nan, dtype=np.float32)
            whole[at] = values
            return whole

        methods = np.full(self.panel.n, "", dtype="U40")
        methods[at] = said.cumulative.methods.astype(str)
        return {
            "mean": spread(said.cumulative.mean),
            "values": spread(said.cumulative.values),
            "daily_q98": spread(said.quantiles[0.98]),
            "daily_mean": spread(said.mean),
            "methods": methods,
        }

    @staticmethod
    def _keep(path: Path, parts: dict[str, np.ndarray]) -> None:
        half = path.with_suffix(".half.npz")
        np.savez(half, **parts)  # type: ignore[arg-type]
        half.replace(path)

    def _read(self, path: Path, cutoff: int) -> Told:
        with np.load(path) as parts:
            return Told(cutoff=cutoff, windows=self.windows, **{name: parts[name] for name in parts.files})


def hash_of(text: str) -> int:
    """A number that belongs to a text in every run."""
    import hashlib

    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
