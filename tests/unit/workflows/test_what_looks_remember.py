"""What looks remember and forget: ages of feeds, quantiles, alarms without data, evidence of versions long gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from finalmile.alerting.incidents import SILENT
from finalmile.config import Config
from finalmile.frames import Frequency, Panel
from finalmile.metrics.volume import VolumeClasses
from finalmile.monitoring.checks.coverage import CoverageLook
from finalmile.records import Alert, Finding, Version
from finalmile.workflows.deliver import deliver
from finalmile.workflows.watching import coverage, freshness, inputs, loss
from finalmile.workflows.watching.coverage import Shares
from finalmile.workflows.watching.looks import acknowledge, carry
from finalmile.workflows.watching.seen import Seen, state_key
from finalmile.workflows.watching.silent import LOOKS, ended, silenced

from .conftest import HISTORY, SmallShop

DAY = Frequency("day")


class Remembers:
    """A ledger that keeps states."""

    def __init__(self) -> None:
        self.states: dict[str, bytes] = {}

    def load_state(self, key: str) -> bytes | None:
        return self.states.get(key)

    def save_state(self, key: str, blob: bytes) -> None:
        self.states[key] = blob

    def pending_alerts(self) -> list[tuple[int, Alert]]:
        return []


def shop_of(ledger: Remembers) -> Any:
    return SimpleNamespace(ledger=ledger, frequency=DAY, day=DAY.start_of)


def panel_of(y: list[list[float]], *, first: int = 0, **covariates: list[list[float]]) -> Panel:
    wide = np.array(y, dtype=np.float32)
    return Panel(
        ids=np.array([f"item {row}" for row in range(len(wide))], dtype=object),
        frequency=DAY,
        first=first,
        y=wide,
        censored=np.zeros(wide.shape, dtype=np.bool_),
        covariates={name: np.array(values, dtype=np.float32) for name, values in covariates.items()},
    )


def ages(newest: list[int | None], *, first: int = 100) -> list[Finding]:
    """Findings of looks of which each knew a price up to so many periods before it; None for none at all."""
    ledger, told = Remembers(), list[Finding]()
    for number, age in enumerate(newest):
        price = [[np.nan if age is None or 20 - at < age else 2.0 for at in range(21)]]
        panel = panel_of([[1.0] * 21], first=first + number - 20, price=price)
        look = freshness.watch(shop_of(ledger), "demand", _seen(panel, first + number))
        if look is not None:
            ledger.states.update(look.states)
            told += look.findings
    return told


def _seen(panel: Panel, period: int) -> Any:
    return SimpleNamespace(here=panel, panel=panel, period=period)


def test_a_feed_that_stands_still_is_late_however_short_its_past():
    told = ages([0] * 10 + [1, 2, 3, 4])
    assert [one.breached for one in told] == [False] * 11 + [True] * 3


def test_a_feed_that_comes_once_a_week_is_not_late_between_and_is_after():
    told = ages([*list(range(7)) * 3, *range(10)])
    assert not any(one.breached for one in told[7:-2])
    assert [one.breached for one in told[-2:]] == [True, True]


def test_a_covariate_that_is_gone_for_good_is_told_and_then_expected_no_more():
    told = ages([0] * 5 + [None] * (LOOKS + 3))
    gone = told[5:]
    assert [one.breached for one in gone[:-1]] == [True] * (LOOKS - 1)
    assert (gone[-1].unit, gone[-1].breached, len(gone)) == (SILENT, False, LOOKS)


@pytest.mark.parametrize("damaged", [b"", b"\x00{", b"[1, 2]"])
def test_what_is_remembered_and_damaged_is_learned_again_and_stops_nothing_for_ever(damaged: bytes):
    ledger = Remembers()
    shop = shop_of(ledger)
    ledger.states = {"ages of features/demand": damaged, "silent of x": damaged, "alerts told": damaged}
    told = freshness.watch(shop, "demand", _seen(panel_of([[1.0] * 9], price=[[2.0] * 9]), 8))
    assert told is not None
    assert told.states["ages of features/demand"] == b'{"price":[0]}'
    assert silenced(shop, "x", quiet=["input price"]).states == {"silent of x": b'{"input price":1}'}
    shop.notifiers = []
    deliver(shop)


def test_an_incident_whose_evidence_is_damaged_can_be_acknowledged():
    ledger, version = Remembers(), cast("Version", SimpleNamespace(model="demand", number=1, kind="callable"))
    ledger.states = {state_key(name, version): b"damaged" for name in ("loss", "loss_groups", "coverage")}
    shop: Any = SimpleNamespace(ledger=ledger, config=Config(), periods=round)
    assert all(acknowledge(check, shop, version, ["fleet"]) for check in ("bias", "coverage"))


def test_an_alarm_without_data_is_over_after_so_many_looks_in_a_row():
    ledger = Remembers()
    shop = shop_of(ledger)
    for number in range(LOOKS - 1):
        told = silenced(shop, "input_drift/demand@1", quiet=["input price"])
        ledger.states.update(told.states)
        assert told.over == (), number
    again = silenced(shop, "input_drift/demand@1", quiet=[])
    assert silenced(shop, "input_drift/demand@1", quiet=["input price", "input snap"]).over == ("input price",)
    ledger.states.update(again.states)
    assert silenced(shop, "input_drift/demand@1", quiet=["input price"]).over == ()


def test_a_subject_that_is_silenced_is_told_by_what_ends_its_incident_alone():
    day = DAY.start_of(9)
    found = [
        Finding(check="input_drift", subject=name, at=day, value=1.0, benchmark=0.0)
        for name in ("input price", "input snap")
    ]
    told = ended(found, checks=("input_drift",), over=("input price",), seen=_seen(panel_of([[1.0]]), 9))
    assert [(one.subject, one.unit) for one in told] == [("input snap", ""), ("input price", SILENT)]
    assert "No data of input price came in 14 looks" in told[-1].why


def test_columns_groups_and_products_in_alarm_are_quiet_where_the_look_has_no_value_of_them():
    columns = [SimpleNamespace(name=name) for name in ("price", "snap", "store")]
    state: Any = SimpleNamespace(columns=columns, alarm=np.array([3, 3, 3, -1]))
    rows = {"price": np.array([np.nan, np.inf], dtype=np.float32), "store": pl.Series(["a", None])}
    assert inputs._quiet(state, rows) == ["input price", "input snap"]
    products: Any = SimpleNamespace(ids=np.array(["a", "b", "c"], dtype=object), listed=np.array([4, 4, -1]))
    seen: Any = SimpleNamespace(
        ids=np.array(["a", "b"], dtype=object),
        actual=np.array([1.0, np.nan]),
        told=SimpleNamespace(mean=np.array([1.0, 1.0])),
    )
    assert loss._quiet(products, seen) == ["product b"]
    seen.actual[0] = np.nan
    assert loss._quiet(products, seen) == []


def look(period: int, **counts: float) -> tuple[Any, CoverageLook]:
    kinds = np.array([name.replace("_", ".") for name in counts], dtype=object)
    n = np.array(list(counts.values()))
    seen = SimpleNamespace(period=period, panel=SimpleNamespace(frequency=DAY))
    return seen, CoverageLook(period=period, kinds=kinds, held=n - 1, n=n, pinball=n)


def kept(*looks: dict[str, float], first: int = 5) -> Shares:
    shares = None
    for number, counts in enumerate(looks):
        shares = coverage._kept(*look(first + number, **counts), shares, VolumeClasses((1.0,)))
    assert shares is not None
    return shares


def test_other_levels_begin_beside_those_that_stay():
    told = kept({"q0_5": 4, "q0_9": 4}, {"q0_5": 5, "q0_98": 5}, {"q0_5": 6, "q0_98": 6}).told
    assert told.kinds.tolist() == ["q0.5", "q0.9", "q0.98"]
    assert told.n.tolist() == [[4, 5, 6], [4, 0, 0], [0, 5, 6]]
    assert told.certified.tolist() == [0.5, 0.9, 0.98]


def test_levels_that_are_forecast_no_more_are_forgotten_in_the_end():
    told = kept({"q0_5": 4, "q0_9": 4}, *({"q0_5": 5.0} for _ in range(coverage._KEPT))).told
    assert told.kinds.tolist() == ["q0.5"]
    assert told.n.shape == (1, coverage._KEPT)


def test_a_level_that_can_be_judged_from_now_on_lets_its_version_learn_anew():
    shares = kept(*({"q0_5": 4.0, "q0_98": 4.0} for _ in range(coverage._LEAST)))
    _, now = look(50, q0_5=4, q0_98=4)
    state: Any = SimpleNamespace(kinds=np.array(["q0.5"], dtype=object))
    with pytest.raises(coverage.CorruptError, match=r"q0\.98 can be judged from now on"):
        coverage._of_kinds(state, now, shares)
    fewer = kept(*({"q0_5": 4.0, "q0_98": 4.0} for _ in range(coverage._LEAST - 1)))
    assert coverage._of_kinds(state, now, fewer) is state
    assert coverage._reference(shares, look(50, q0_5=4)[1]).kinds.tolist() == ["q0.5"]


def test_products_that_nothing_was_known_of_are_in_no_class_and_are_counted():
    classes = VolumeClasses((1.0, 2.0))
    seen: Any = SimpleNamespace(
        period=7,
        actual=np.array([1.0, 3.0, 9.0], dtype=np.float32),
        told=SimpleNamespace(quantiles={0.5: np.array([2.0, 2.0, 2.0], dtype=np.float32)}),
        panel=SimpleNamespace(frequency=DAY),
    )
    means = np.array([0.5, 1.5, np.nan])
    assert coverage._look(seen, [0.5], classes, means=means).n.tolist() == [1.0, 1.0, 0.0]
    (told,) = coverage._unclassed(seen, means)
    assert (told.value, told.breached) == (1.0, False)
    assert coverage._unclassed(seen, np.ones(3)) == []


def test_a_series_without_known_demand_has_no_mean_and_warns_nobody():
    told = coverage.mean_demand(panel_of([[np.nan, np.nan], [1.0, 3.0]]))
    assert np.isnan(told[0])
    assert told[1] == 2.0


def test_money_is_told_in_the_price_known_at_the_period_and_not_in_a_later_one():
    panel = panel_of([[1.0] * 3, [np.nan, np.nan, 1.0]], price=[[2.0, 2.0, 9.0], [np.nan, np.nan, 5.0]])
    told: Any = SimpleNamespace(ids=panel.ids)
    seen = Seen(period=1, panel=panel, told=told, version=SimpleNamespace())  # type: ignore[arg-type]  # not asked
    assert seen.price[0] == 2.0
    assert np.isnan(seen.price[1])


def test_evidence_of_versions_long_gone_is_forgotten(small_shop: Callable[..., SmallShop]) -> None:
    shop = small_shop("respond: {automatic: none}\n")
    project = shop.project
    for number in range(6):
        project.train("demand")
        project.promote("demand", force=True)
        project.forecast("demand")
        day = HISTORY + number
        shop.morning(day + 1)
        project.sales.add(shop.sales(day, day + 1))
        assert project.monitor("demand").looks == 1
    live = project.ledger.versions("demand")
    assert len(live) == 6
    there = [one.number for one in live if project.ledger.load_state(f"loss/demand@{one.number}") is not None]
    assert there == [3, 4, 5, 6]
    assert project.ledger.load_state("profile/demand@1") is not None


def test_a_version_that_goes_on_with_the_evidence_goes_on_counting_looks_without_data():
    ledger, made = Remembers(), datetime(2026, 1, 1, tzinfo=UTC)
    before, after = (
        Version(model="demand", number=one, kind="callable", digest="", cutoff=made.date(), created_at=made)
        for one in (1, 2)
    )
    parts = ("", "calendar of ", "silent of ")
    ledger.states = {f"{part}{state_key('loss', before)}": part.encode() for part in parts}
    carry(shop_of(ledger), before, after)
    assert [ledger.load_state(f"{part}{state_key('loss', after)}") for part in parts] == [p.encode() for p in parts]


class Receiver:
    """Takes alerts, or does not; it has no words of its own, only an address in memory."""

    def __init__(self, *, takes: bool) -> None:
        self.takes, self.told = takes, 0

    def notify(self, alerts: Sequence[Alert]) -> None:
        if not self.takes:
            raise OSError("down")
        self.told += len(alerts)


def test_a_receiver_without_words_of_its_own_is_not_told_twice_by_the_next_process():
    ledger = Remembers()
    shop = shop_of(ledger)
    waiting = cast("Alert", SimpleNamespace())
    ledger.pending_alerts = lambda: [(1, waiting)]  # type: ignore[method-assign]
    first = [Receiver(takes=True), Receiver(takes=False)]
    shop.notifiers = first
    deliver(shop)
    again = [Receiver(takes=True), Receiver(takes=False)]
    shop.notifiers = again
    deliver(shop)
    assert (first[0].told, again[0].told) == (1, 0)
