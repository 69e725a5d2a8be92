"""What every fitted forecaster's folder holds: JSON about it, its calibration and its one-step forecasts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import polars as pl

from finalmile.errors import CorruptError
from finalmile.forecasters.calibration import Calibration
from finalmile.forecasters.outcomes import Outcomes
from finalmile.forecasters.point import PointModel, WindowModel
from finalmile.frames import Frequency, OneStep
from finalmile.metrics.volume import VolumeClasses


class Writable(Protocol):
    """A fitted forecaster as far as writing it goes."""

    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def settings(self) -> Mapping[str, object]: ...  # noqa: D102
    @property
    def frequency(self) -> Frequency: ...  # noqa: D102
    @property
    def trained_until(self) -> int: ...  # noqa: D102
    @property
    def notes(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def calibration(self) -> Calibration | None: ...  # noqa: D102
    @property
    def known_one_step(self) -> OneStep: ...  # noqa: D102
    @property
    def model(self) -> PointModel: ...  # noqa: D102
    @property
    def window_model(self) -> WindowModel | None: ...  # noqa: D102


FORMAT = 1
ABOUT = "forecaster.json"


def about(folder: Path) -> dict[str, object]:
    """What ``forecaster.json`` says: kind, settings, frequency and so on."""
    path = folder / ABOUT
    try:
        told = cast("dict[str, object]", json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as fault:
        raise CorruptError(f"{path} cannot be read as JSON ({fault}); train or register the version again") from fault
    if told.get("format") != FORMAT:
        raise CorruptError(f"{path} has format {told.get('format')!r}; this release reads {FORMAT}: train again")
    return told


def write(fitted: Writable, folder: Path) -> None:
    """Write a fitted forecaster into an empty folder."""
    known = fitted.calibration
    told: Mapping[str, object] = {
        "format": FORMAT,
        "kind": fitted.kind,
        "settings": dict(fitted.settings),
        "frequency": str(fitted.frequency),
        "trained_until": fitted.trained_until,
        "notes": list(fitted.notes),
        "calibrated": known is not None,
        "volume_classes": [] if known is None else known.classes.to_list(),
        "levels": [] if known is None else list(known.levels),
    }
    (folder / ABOUT).write_text(json.dumps(told, indent=1, sort_keys=True), encoding="utf-8")
    if known is not None:
        known.outcomes.to_frame(known.levels).write_parquet(folder / "calibration.parquet", compression="zstd")
    _one_step_frame(fitted.known_one_step).write_parquet(folder / "reference.parquet", compression="zstd")
    fitted.model.write(folder)
    if fitted.window_model is not None:
        fitted.window_model.write(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What every fitted forecaster's folder holds beside its model."""

    frequency: Frequency
    trained_until: int
    notes: tuple[str, ...]
    calibration: Calibration | None
    known_one_step: OneStep


def read_parts(folder: Path) -> Parts:
    """Read the parts that do not depend on the kind of model."""
    told = about(folder)
    levels = tuple(cast("list[float]", told["levels"]))
    calibration = None
    try:
        if told["calibrated"]:
            rows = Outcomes.from_frame(pl.read_parquet(folder / "calibration.parquet"), levels)
            classes = VolumeClasses.from_list(cast("list[float]", told["volume_classes"]))
            calibration = Calibration(outcomes=rows, classes=classes, levels=levels)
        one_step = _one_step(pl.read_parquet(folder / "reference.parquet"))
    except (OSError, pl.exceptions.PolarsError) as fault:
        raise CorruptError(f"{folder} is not a whole artefact ({fault}); train or register again") from fault
    return Parts(
        frequency=Frequency.parse(str(told["frequency"])),
        trained_until=int(cast("int", told["trained_until"])),
        notes=tuple(cast("list[str]", told["notes"])),
        calibration=calibration,
        known_one_step=one_step,
    )


def _one_step_frame(told: OneStep) -> pl.DataFrame:
    n, periods = told.mean.shape
    return pl.DataFrame(
        {
            "unique_id": pl.Series(np.repeat(told.ids, periods), dtype=pl.String),
            "period": np.tile(np.arange(told.first, told.first + periods, dtype=np.int64), n),
            "mean": told.mean.ravel(),
        }
    )


def _one_step(frame: pl.DataFrame) -> OneStep:
    ids = frame["unique_id"].unique(maintain_order=True).to_numpy().astype(object)
    n = max(len(ids), 1)
    mean = frame["mean"].to_numpy().astype(np.float32).reshape(n, -1)
    period = frame["period"]
    return OneStep(ids=ids, first=int(period[0]) if len(period) else 0, mean=mean[: len(ids)])
