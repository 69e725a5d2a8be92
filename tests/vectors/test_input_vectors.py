"""Worked examples of the input detector, from every file named in FINALMILE_VECTORS."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from finalmile.monitoring.engine import Bets, Calibration, log_mean_exp, shiryaev_roberts
from finalmile.monitoring.inputs.features import monomials
from finalmile.monitoring.inputs.scalars import legendre
from finalmile.monitoring.inputs.weekdays import bet, remember


def _families(family: str) -> list[dict]:
    found = []
    for path in filter(None, os.environ.get("FINALMILE_VECTORS", "").split(os.pathsep)):
        content = json.loads(Path(path).read_text())
        examples = content.get(family, []) if isinstance(content, dict) else []
        found += examples if isinstance(examples, list) else [examples]
    if not found:
        pytest.skip(f"no file named in FINALMILE_VECTORS holds {family}")
    return found


WEEKDAY_BETS = {
    "z": [
        *(0.1, 0.1, 2.5, 0.1, 0.1, 0.1, -1.1),
        *(-0.2, -0.2, 2.2, -0.2, -0.2, -0.2, -1.4),
        *(0.3, 0.3, 2.7, 0.3, 0.3, 0.3, -0.9),
    ],
    "g": [*([0.0] * 9), 1.0, *([0.0] * 6), 1.0, *([0.0] * 3), -1.0],
    "m_end": [0.1125, 0.1125, 2.2125, 0.1125, 0.1125, 0.1125, -0.9375],
}


def test_legendre_scores_are_those_of_the_worked_examples() -> None:
    for example in _families("legendre"):
        assert legendre(np.array(example["u"])) == pytest.approx(np.array(example["comps"]), rel=1e-9, abs=1e-12)


def test_weekday_bets_follow_what_was_remembered_before_the_look() -> None:
    memory, bets = np.zeros((1, 7)), []
    for day, z in enumerate(WEEKDAY_BETS["z"]):
        bets.append(float(bet(memory, day % 7)[0]))
        memory = remember(memory, day % 7, np.array([z]))
    assert bets == WEEKDAY_BETS["g"]
    assert memory[0] == pytest.approx(WEEKDAY_BETS["m_end"])


def test_one_look_counts_in_its_own_calibration() -> None:
    bets = Bets(sizes=(0.15, 0.4, 1.0, 2.5), variance=1.1, clip=5.0)
    pay = np.log(np.array([[1.03, 1.12, 1.9, 60.0]]))
    norm = np.maximum(pay, 1.1 * np.array(bets.sizes) ** 2 / 2)
    calibration = Calibration(log_norm=norm, log_pay=pay, looks=np.array([723.0]))
    log_r, seen = np.full((1, 4), -np.inf), []
    for w in (0.5, 2.0, np.nan, 4.0, 6.0):
        log_r, _ = shiryaev_roberts(
            log_r, np.array([w + 0.15]), tolerance=np.array([0.15]), bets=bets, calibration=calibration
        )
        seen.append(float(log_mean_exp(log_r)[0]))
    assert seen == pytest.approx([-0.267031, 1.426982, 1.426982, 5.5396, 11.720485], abs=2e-6)


def test_features_of_a_look_are_products_of_its_shape() -> None:
    a, b, d = np.array([0.6]), np.array([-0.2]), np.array([0.4])
    told = monomials(a, b, d, n=np.zeros(1), h=np.zeros(1))[0]
    assert told[:6] == pytest.approx([0.6, 0.36, -0.2, -0.12, 0.04, 0.4])
    assert told[6] == pytest.approx(0.216)
