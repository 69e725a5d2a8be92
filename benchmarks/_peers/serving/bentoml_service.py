"""BentoML with one worker, no batching, and the same ctypes prediction."""

from __future__ import annotations

import os
from pathlib import Path

import bentoml
from rows import SingleRow


@bentoml.service(workers=1, logging={"access": {"enabled": False}}, metrics={"enabled": False}, traffic={"timeout": 60})
class Demand:
    def __init__(self) -> None:
        self.model = SingleRow(Path(os.environ["BENCHMARK_MODEL"]) / "model.txt")

    @bentoml.api
    def predict(self, features: list[float]) -> dict[str, float]:
        return {"mean": self.model.predict(features)}
