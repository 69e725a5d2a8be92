"""The input check where a day's level leaves the range that was learned: no alarm for it, and no blindness."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from finalmile.frames import Frequency
from finalmile.monitoring.checks.input_drift import InputDriftCheck
from finalmile.monitoring.inputs.columns import Look
from finalmile.monitoring.inputs.features import Features, Standard, explained
from finalmile.monitoring.inputs.reference import NumericReference
from finalmile.monitoring.inputs.scalars import NUMERIC
from finalmile.monitoring.inputs.state import InputReference, InputState

FIRST, LOOKS, ROWS = 19_000, 400, 4_000
MARGINALS = {
    "normal": lambda x: x,
    "price": lambda x: np.round(np.exp(1.5 + 0.9 * x), 2),
    "count": lambda x: np.floor(1.2 * np.exp(x)),
}


def rows(period: int, *, level: float, marginal: str) -> np.ndarray:
    rng = np.random.default_rng([5_900_000, period])
    values: np.ndarray = MARGINALS[marginal](level + rng.normal(size=ROWS))
    return values


@cache
def started(marginal: str) -> InputState:
    levels = np.clip(0.3 * np.random.default_rng(5_900_001).normal(size=LOOKS), -0.6, 0.6)
    looks = [
        Look(period=FIRST + t, columns={"x": rows(FIRST + t, level=level, marginal=marginal)})
        for t, level in enumerate(levels.tolist())
    ]
    pooled = NumericReference.of(np.concatenate([look.columns["x"] for look in looks]))
    return InputDriftCheck().start(InputReference.of(looks, {"x": pooled}, frequency=Frequency("day")))


def alarmed(state: InputState, days: list[np.ndarray]) -> list[str]:
    told = []
    for values in days:
        state, findings = InputDriftCheck().update(state, Look(period=state.last + 1, columns={"x": values}))
        told += [finding.why for finding in findings if finding.breached]
    return told


@pytest.mark.parametrize("marginal", MARGINALS)
@pytest.mark.parametrize("level", [-1.0, 1.0])
def test_three_days_of_a_level_beyond_all_that_were_learned_are_no_alarm(marginal: str, level: float) -> None:
    state = started(marginal)
    levels = [0.0, level, level, level, 0.3 * level, 0.0, 0.0]
    assert not alarmed(state, [rows(state.last + 1 + t, level=at, marginal=marginal) for t, at in enumerate(levels)])


@pytest.mark.parametrize("marginal", MARGINALS)
def test_a_few_rows_thrown_far_out_are_found_in_days_all_the_same(marginal: str) -> None:
    state, days = started(marginal), []
    for t in range(4):
        some = np.random.default_rng([5_900_002, t]).random(ROWS) < 0.04
        wild = rows(state.last + 1 + t, level=5.0, marginal=marginal)
        days.append(np.where(some, wild, rows(state.last + 1 + t, level=0.0, marginal=marginal)))
    assert alarmed(state, days)


def test_what_a_fit_adds_beyond_its_range_is_doubted_and_within_it_nothing_is() -> None:
    scalars = np.zeros((100, 1, len(NUMERIC)))
    scalars[:, 0, 0] = np.linspace(-1.0, 1.0, 100)
    standard = Standard.of(scalars, np.zeros(100))
    gamma = np.zeros((1, len(NUMERIC), 11))
    gamma[0, 1, 0] = 2.0
    inside = Features(*standard(scalars, np.zeros(100)))
    assert not explained(inside, gamma)[1].any()
    told, doubt = explained(standard(2.0 * scalars[-1:], np.zeros(1)), gamma)
    edge = float(standard.high[0, 0])
    assert told[0, 0, 1] == pytest.approx(2.0 * 1.5 * edge)
    assert doubt[0, 0, 1] == pytest.approx(2.0 * edge)
