"""Age of covariates around days on which a shop is shut."""

from __future__ import annotations

import numpy as np

from finalmile.frames import Frequency, Panel
from finalmile.workflows.watching.freshness import _newest


def newest(sold: list[float], priced: list[bool]) -> int | None:
    y = np.array([sold], dtype=np.float32)
    price = np.where(priced, np.float32(2.0), np.float32(np.nan))[None, :]
    panel = Panel(
        ids=np.array(["a"], dtype=object), frequency=Frequency("day"), first=10, y=y, censored=np.zeros(y.shape, bool)
    )
    return _newest(panel, price)


def test_days_on_which_nothing_was_sold_make_no_price_old() -> None:
    assert newest([3, 2, 0, 0, 0], [True, True, False, False, False]) == 14


def test_a_price_that_stays_away_while_sales_come_grows_old() -> None:
    assert newest([3, 2, 0, 4, 5], [True, True, False, False, False]) == 12


def test_a_covariate_without_any_value_has_no_newest() -> None:
    assert newest([3, 2], [False, False]) is None
