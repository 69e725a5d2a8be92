"""Forecasting rules that learn nothing: fitting one means calibrating it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from finalmile.forecasters import rolling
from finalmile.forecasters.calibrated import Calibrated
from finalmile.forecasters.parts import read_parts
from finalmile.forecasters.point import PointModel
from finalmile.forecasters.spans import spans_of
from finalmile.frames import OneStep, Panel

REFERENCE_PERIODS = {"hour": 336, "day": 133, "week": 52, "month": 24}


def fit_rule(
    rule: PointModel,
    panel: Panel,
    *,
    kind: str,
    settings: Mapping[str, object],
    notes: tuple[str, ...] = (),
    windows: Sequence[int] | None = None,
    origins: Sequence[int] | None = None,
) -> Calibrated:
    """A rule with its calibration and its one-step forecasts over the past.

    Parameters
    ----------
    windows, origins
        Lengths to calibrate and period numbers to do it at, where not the usual ones.
    """
    spans = spans_of(panel.frequency)
    listed = panel.listed_at
    first_listed = int(listed.min(initial=panel.length))
    earliest = panel.first + first_listed + min(spans.cold, spans.recent)
    calibration = rolling.roll(panel, model=rule, earliest=earliest, windows=windows, origins=origins)
    periods = max(0, min(REFERENCE_PERIODS[panel.frequency.unit], panel.length - 1 - first_listed))
    if origins is not None:
        periods = min(periods, panel.cutoff - min(origins)) if origins else 0
    return Calibrated(
        kind=kind,
        settings=settings,
        frequency=panel.frequency,
        trained_until=panel.cutoff,
        model=rule,
        calibration=calibration,
        known_one_step=OneStep(
            ids=panel.ids, first=panel.cutoff - periods + 1, mean=rule.one_step(panel, periods=periods)
        ),
        notes=(*notes, *(_UNCALIBRATED if calibration is None else ())),
    )


_UNCALIBRATED = ("History is too short to calibrate quantiles: they come from past windows and carry no promise.",)


def load_rule(rule: PointModel, folder: Path, *, kind: str, settings: Mapping[str, object]) -> Calibrated:
    """A fitted rule again from its folder."""
    parts = read_parts(folder)
    return Calibrated(
        kind=kind,
        settings=settings,
        frequency=parts.frequency,
        trained_until=parts.trained_until,
        model=rule,
        calibration=parts.calibration,
        known_one_step=parts.known_one_step,
        notes=parts.notes,
    )
