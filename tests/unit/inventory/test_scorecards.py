"""How suppliers deliver, against independent estimates."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from finalmile.inventory.scorecards import Delivery, censored_quantile, lead_time_samples, scorecards, share

DAY = date(2024, 5, 1)


def _delivery(*, days: int | None, due: int | None = 7, ordered: float | None = 5, received: float = 5) -> Delivery:
    return Delivery(
        supplier="acme", ordered_at=DAY, due=None if due is None else DAY + timedelta(days=due),
        arrived=None if days is None else DAY + timedelta(days=days), seen_until=DAY + timedelta(days=10),
        ordered=ordered, received=received,
    )  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=40))
def test_the_quantile_is_that_of_an_independent_product_limit_estimate(lines: list[tuple[int, bool]]) -> None:
    days = np.array([float(day) for day, _ in lines])
    awaited = np.array([waits for _, waits in lines])
    for level in (0.5, 0.9):
        ours = censored_quantile(days, awaited, level=level)
        if awaited.all():
            assert ours is None
            continue
        told = stats.ecdf(stats.CensoredData(uncensored=days[~awaited], right=days[awaited])).cdf
        reached = told.quantiles[told.probabilities >= level - 1e-9]
        assert ours == (reached[0] if len(reached) else None)


@given(st.integers(1, 200), st.data())
def test_the_interval_is_wilsons(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    theirs = stats.binomtest(hits, n).proportion_ci(method="wilson")
    ours = share(hits, n)
    assert ours.low is not None
    assert ours.high is not None
    assert np.isclose(ours.low, theirs.low, atol=1e-9)
    assert np.isclose(ours.high, theirs.high, atol=1e-9)


def test_waiting_for_more_lines_makes_no_supplier_faster() -> None:
    came = [_delivery(days=day) for day in (3, 4, 5, 6)]
    (now,) = scorecards(came)
    (owing,) = scorecards([*came, *(_delivery(days=None, received=0) for _ in range(4))])
    assert now.lead_time_days[0.5] == 4.0
    assert owing.lead_time_days[0.5] == 6.0
    assert owing.awaited == 4


def test_what_is_not_decided_is_not_counted() -> None:
    (card,) = scorecards([_delivery(days=3), _delivery(days=None, due=20, received=2), _delivery(days=4, due=None)])
    assert (card.on_time.value, card.on_time.n_blocks) == (1.0, 1)
    assert card.in_full.n_blocks == 2


def test_an_awaited_line_whose_day_is_over_is_not_on_time() -> None:
    (card,) = scorecards([_delivery(days=None, received=0)])
    assert card.on_time.value == 0.0
    assert card.mean_days is None


def test_an_arrival_before_its_order_is_no_lead_time() -> None:
    assert lead_time_samples([_delivery(days=-1)]) == {}
    assert scorecards([]) == []
