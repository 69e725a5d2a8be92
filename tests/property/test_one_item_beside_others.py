"""What is not known of one item changes no other item's order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from finalmile.frames import Cumulative, Frequency
from finalmile.inventory.policies import policies
from finalmile.inventory.position import position
from finalmile.inventory.proposal import windows_for
from finalmile.workflows.propose import propose

LEAD, REVIEW = 28, 1


def ordered(name: str, *, unknown_beside: bool) -> tuple[float, tuple[str, ...]]:
    """What is ordered of an item, and by which steps, alone or beside one of which nothing was forecast."""
    policy = policies.make(name)
    n = 1 + unknown_beside
    ids = np.array(["old", "new"][:n], dtype=object)
    at = position(
        ids,
        on_hand=np.zeros(n),
        lead_periods=np.full(n, LEAD),
        review_periods=np.full(n, REVIEW),
        unit_cost=np.full(n, 2.0),
        unit_price=np.full(n, 5.0),
        order_cost=np.full(n, 10.0),
    )
    windows, levels = windows_for(policy, at), policy.levels
    mean = 5.0 * windows.astype(np.float32)
    values = mean[:, :, None] * (1 + np.array(levels, dtype=np.float32))
    daily = np.full((n, LEAD + REVIEW), 5.0)
    for one in (mean, values, daily):
        one[1:] = np.nan
    told = Cumulative(windows=windows, mean=mean, levels=levels, values=values, methods=np.full(n, "cqr", dtype=object))
    past = np.random.default_rng(1).poisson(5, (n, 300)).astype(float)
    panel = SimpleNamespace(demand=lambda: past, statics={}, n=n)
    forecast = SimpleNamespace(cumulative=told, mean=daily, ids=ids, frequency=Frequency("day"))
    wanted = propose(policy, at, told=cast("Any", forecast), panel=cast("Any", panel))
    return float(wanted.quantity[0]), tuple(step.formula for step in wanted.steps)


@pytest.mark.parametrize("name", [name for name in policies if policies.make(name).needs not in ("point", "paths")])
def test_an_item_that_nothing_is_known_of_changes_no_other_order(name: str) -> None:
    alone, beside = (ordered(name, unknown_beside=beside) for beside in (False, True))
    assert alone == beside
