"""The input check behind the small interface of detector yardsticks: fit, update, reset.

Nothing is set: one column called ``x``, a look a day, the check's own defaults.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finalmile.frames import Frequency
from finalmile.monitoring.checks.input_drift import InputDriftCheck
from finalmile.monitoring.inputs.columns import Look
from finalmile.monitoring.inputs.reference import NumericReference
from finalmile.monitoring.inputs.state import InputReference, InputState
from finalmile.records import Finding


class Detector:
    """A monitor of one numeric column; ``update`` says whether it is in alarm after a day's rows."""

    name = "finalmile input_drift"

    def __init__(self) -> None:
        self.check = InputDriftCheck()
        self.state: InputState | None = None
        self.findings: list[Finding] = []

    def fit(self, days: Sequence[int], batches: Sequence[np.ndarray], pooled: np.ndarray) -> Detector:
        looks = [Look(period=int(day), columns={"x": rows}) for day, rows in zip(days, batches, strict=True)]
        reference = InputReference.of(looks, {"x": NumericReference.of(pooled)}, frequency=Frequency("day"))
        self.state = self.check.start(reference)
        return self

    def update(self, day: int, rows: np.ndarray) -> bool:
        assert self.state is not None
        self.state, self.findings = self.check.update(self.state, Look(period=int(day), columns={"x": rows}))
        return any(finding.breached for finding in self.findings)

    def reset(self) -> None:
        assert self.state is not None
        self.state = self.check.acknowledge(self.state)
