"""What the demo's world is like, and what its story says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np

from finalmile.frames import Forecast, Frequency
from finalmile.records import Finding, Incident, Version
from finalmile.workflows.account import happenings
from finalmile.workflows.day import Day
from finalmile.workflows.demo import _gone_live, _story, simulated
from finalmile.workflows.reports import Planned

DAY = date(2025, 7, 3)


def test_the_heat_wave_comes_goes_and_is_told() -> None:
    world = simulated(seed=3, days=56)
    (regime,) = world.regimes
    assert regime.strength(world.days)[[regime.day - 1, -1]].tolist() == [0.0, 0.0]
    (told,) = _story(world)
    assert f"a heat wave from {world.regime_dates[0]} to " in told
    assert "rises to 1.6 times" in told


def test_an_alarm_says_how_much_money_is_at_stake_and_is_told_again_where_it_comes_again() -> None:
    finding = Finding(
        check="bias", subject="category drinks", at=DAY, value=-0.3, benchmark=0.0, breached=True,
        severity="critical", money_at_risk=321.4, why="Category drinks sold 40% more than forecast.",
    )  # fmt: skip
    incident = Incident(
        incident_id="ab", model="demand", check="bias", subject="category drinks", severity="critical", state="open",
        opened_at=DAY, updated_at=DAY, finding=finding,
    )  # fmt: skip
    version = Version(
        model="demand", number=1, kind="lightgbm", digest="", cutoff=DAY, created_at=datetime(2025, 7, 3, tzinfo=UTC)
    )
    days = [
        Day(period=20_272 + k, live=version, forecast=_no_forecast(), incidents=(replace(incident, state=state),))
        for k, state in enumerate(("open", "monitoring", "resolved", "open", "open"))
    ]
    told = [one for one in happenings(days, Frequency("day"), currency="EUR") if one.kind in ("alarm", "resolved")]
    assert [one.kind for one in told] == ["alarm", "resolved", "alarm"]
    assert told[0].text.endswith("About 321 EUR a day are at stake.")
    assert told[2].text.startswith("critical: bias of category drinks, again. ")


def test_the_demo_ends_with_the_orders_of_today() -> None:
    class Shop:
        def __getattr__(self, name: str) -> object:
            return lambda *_, **__: Planned(orders=(), items=3)

    assert _gone_live(Shop()).startswith("Today: 0 lines in 0 orders proposed for 3 items")  # type: ignore[arg-type]


def _no_forecast() -> Forecast:
    return Forecast(
        ids=np.array([], dtype=object), frequency=Frequency("day"), cutoff=20_272, mean=np.zeros((0, 1), np.float32),
        quantiles={}, cumulative=None,
    )  # fmt: skip
