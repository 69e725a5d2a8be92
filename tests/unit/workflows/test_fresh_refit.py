"""Concept drift is told against what a version that was trained since would have said of the same rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from finalmile.frames import Frequency
from finalmile.monitoring.checks.concept_drift import ConceptDriftCheck
from finalmile.monitoring.loss.paired import PairedLook, PairedReference
from finalmile.project import Project

from .conftest import HISTORY, SmallShop


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[PairedLook]:
    """Every look that the check is given."""
    seen: list[PairedLook] = []
    real = ConceptDriftCheck.update

    def watched(self: ConceptDriftCheck, state: Any, look: PairedLook) -> Any:
        seen.append(look)
        return real(self, state, look)

    monkeypatch.setattr(ConceptDriftCheck, "update", watched)
    return seen


def live_through(shop: SmallShop, first: int, last: int) -> Any:
    """Days that are forecast the evening before; demand is three times what it was."""
    project: Project = shop.project
    for day in range(first, last):
        project.forecast("demand")
        shop.morning(day + 1)
        project.sales.add(shop.sales(day, day + 1, times=3.0))
        told = project.monitor("demand")
    return told


def begun(small_shop: Callable[..., SmallShop]) -> SmallShop:
    shop = small_shop("respond: {automatic: none}\n")
    shop.project.train("demand", "window_average")
    shop.project.promote("demand", force=True)
    return shop


def test_a_version_trained_since_is_the_fresh_refit_on_the_same_rows(
    small_shop: Callable[..., SmallShop], looks: list[PairedLook]
) -> None:
    shop = begun(small_shop)
    live_through(shop, HISTORY, HISTORY + 4)
    assert all(math.isnan(one.refit) for one in looks)
    shop.project.train("demand", "window_average")
    live_through(shop, HISTORY + 4, HISTORY + 6)
    assert all(math.isfinite(one.refit) and math.isfinite(one.live) for one in looks[4:])


def test_a_version_of_another_recipe_or_one_that_has_seen_the_period_is_no_refit(
    small_shop: Callable[..., SmallShop], looks: list[PairedLook]
) -> None:
    shop = begun(small_shop)
    shop.project.forecast("demand")
    shop.project.train("demand", "seasonal_naive")
    for day in range(HISTORY, HISTORY + 2):
        shop.morning(day + 1)
        shop.project.sales.add(shop.sales(day, day + 1))
    shop.project.train("demand", "window_average")
    shop.project.monitor("demand")
    assert len(looks) == 2
    assert all(math.isnan(one.refit) for one in looks)


def test_a_version_that_a_refit_would_beat_is_told_to_be_worse_than_it() -> None:
    rng = np.random.default_rng(5_300_401)
    noise = np.exp(0.05 * rng.standard_normal((2, 200)))
    check = ConceptDriftCheck()
    state = check.start(
        PairedReference(
            frequency=Frequency("day"), first=0, sold=np.full(160, 100.0), live=30.0 * noise[0, :160],
            baseline=40.0 * noise[1, :160],
        )
    )  # fmt: skip
    for t in range(160, 200):
        harder = 1.6  # for everyone: the model keeps its lead over the baseline, and a refit would have been better
        live, baseline = harder * 30.0 * noise[0, t], harder * 40.0 * noise[1, t]
        look = PairedLook(period=t, sold=100.0, live=live, baseline=baseline, refit=0.8 * live)
        state, (found,) = check.update(state, look)
    assert check.verdict(state) == "both"
    assert "against a fresh refit" in found.why
