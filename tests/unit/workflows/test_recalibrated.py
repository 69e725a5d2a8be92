"""A recalibrated version says the same means, and what is known of their losses stays known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from finalmile.project import Project
from finalmile.workflows.renew import recalibrated


def test_a_recalibrated_version_is_live_with_the_same_means_and_the_same_evidence(
    small_shop: Callable[..., Any],
) -> None:
    shop = small_shop()
    project: Project = shop.project
    project.train("demand")
    project.promote("demand", force=True)
    told = project.forecast("demand")
    shop.morning(101)
    project.sales.add(shop.sales(100, 101))
    project.monitor("demand")
    before = project.ledger.version("demand", 1)
    after = recalibrated(project.shop, "demand", project.shop.known.newest, why="coverage asks")
    assert project.ledger.deployment("demand").live == after.number == 2
    assert project.ledger.load_state(f"loss/{after}") == project.ledger.load_state(f"loss/{before}") is not None
    again = project.forecast("demand")
    assert again.version.number == 2
    assert np.isfinite(again.forecast.mean).all()
    assert told.forecast.mean.shape == again.forecast.mean.shape
    assert project.rollback().live == 1
