"""Charts: what they say, what they draw, and the table that holds the same numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finalmile.figures import (
    Chart,
    Event,
    Product,
    loss_over_time,
    money_against_baseline,
    money_table,
    product_story,
    service_over_time,
    service_table,
    stock_over_time,
)
from finalmile.records import Estimate

DAY = date(2026, 3, 1)
SAVING = Estimate(value=30.0, low=10.0, high=60.0)


def days(n: int) -> list[date]:
    return [DAY + timedelta(days=i) for i in range(n)]


def service(n: int = 40) -> pl.DataFrame:
    return pl.DataFrame(
        {"ds": days(n), "hit": [9] * n, "of": [10] * n, "baseline_hit": [8] * n, "baseline_of": [10] * n}
    )


def product(n: int = 30) -> Product:
    history = pl.DataFrame(
        {
            "ds": days(n),
            "y": [2.0, 0.0] * (n // 2),
            "lost": [0.0] * (n - 2) + [3.0, 1.0],
            "censored": [False] * (n - 2) + [True, True],
            "on_hand": [float(n - i) for i in range(n)],
        }
    )
    ahead = [DAY + timedelta(days=n + i) for i in range(7)]
    forecast = pl.DataFrame({"ds": ahead, "mean": [1.0] * 7, "q0.05": [0.0] * 7, "q0.5": [1.0] * 7, "q0.98": [4.0] * 7})
    orders = pl.DataFrame({"ordered_at": [DAY, DAY, DAY + timedelta(days=9)], "quantity": [3, 4, 5]})
    return Product(unique_id="a", as_of=DAY, history=history, forecast=forecast, orders=orders)


CHARTS: dict[str, Callable[..., Chart]] = {
    "service": lambda **more: service_over_time(service(), **more),
    "money": lambda **more: money_against_baseline(
        pl.DataFrame({"ds": days(3), "saving": [10.0] * 3}), saving=SAVING, baseline="old_way", currency="EUR", **more
    ),
    "loss": lambda **more: loss_over_time(
        pl.DataFrame({"ds": days(20), "loss": [0.5] * 20, "benchmark": [0.4] * 20}), **more
    ),
    "stock": lambda **more: stock_over_time(
        pl.DataFrame({"ds": days(3), "value": [1.0, 2.0, 3.0], "baseline": [2.0, 2.0, 2.0]}), currency="EUR", **more
    ),
    "product": lambda **more: product_story(product(), **more),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_a_plotly_figure_with_a_sentence_on_either_ground(name: str) -> None:
    chart = CHARTS[name]()
    for theme in ("light", "dark"):
        figure = chart.figure(theme=theme)
        assert figure.layout.title.text
        assert len(figure.data) == len(chart.data) > 0
    assert chart.figure(theme="dark").layout.paper_bgcolor != chart.figure().layout.paper_bgcolor


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_json_without_help(name: str) -> None:
    chart = CHARTS[name](events=[Event(at=DAY + timedelta(days=1), kind="alarm", text="<b>loud</b>")])
    text = orjson.dumps({"data": chart.data, "layout": chart.layout}).decode()
    assert "<b>loud" not in text
    assert "NaN" not in text


@pytest.mark.parametrize("name", CHARTS)
def test_units_are_on_the_axes(name: str) -> None:
    assert CHARTS[name]().layout["yaxis"]["title"]["text"]


@pytest.mark.parametrize("name", CHARTS)
def test_an_event_outside_the_periods_is_not_drawn_and_one_inside_is(name: str) -> None:
    plain = len(CHARTS[name]().layout["annotations"])
    early = Event(at=DAY - timedelta(days=400), kind="note", text="long ago")
    clock = Event(at=datetime(2026, 3, 2, 4, tzinfo=UTC), kind="note", text="an instant of a day inside")
    inside = Event(at=DAY + timedelta(days=1), kind="action", text="rolled back")
    assert len(CHARTS[name](events=[early]).layout["annotations"]) == plain
    assert len(CHARTS[name](events=[inside]).layout["annotations"]) == plain + 1
    assert len(CHARTS[name](events=[clock]).layout["annotations"]) == plain + 1


def test_events_of_one_day_stand_beside_one_another() -> None:
    event = Event(at=DAY + timedelta(days=20), kind="action", text="x")
    marks = [a for a in service_over_time(service(), events=[event, event]).layout["annotations"] if a.get("yref")]
    assert sorted(mark["xshift"] for mark in marks) == [0, 11]


def test_service_says_which_and_on_which_side_of_the_target() -> None:
    chart = service_over_time(service(), which="cycle service", target=0.95)
    assert chart.title.startswith("Cycle service of the last 28 periods is 90.0")
    assert "below the target" in chart.title
    assert "at or above" in service_over_time(service(), target=0.9).title


def test_service_is_unknown_while_nothing_was_wanted() -> None:
    trend = pl.DataFrame({"ds": days(2), "hit": [0, 0], "of": [0, 0]})
    assert service_table(trend)["service"].to_list() == [None, None]
    assert service_over_time(trend).empty


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=60), st.integers(1, 30))
def test_service_stays_a_share(rows: list[tuple[int, int]], periods: int) -> None:
    trend = pl.DataFrame(
        {"ds": days(len(rows)), "hit": [min(a, b) for a, b in rows], "of": [max(a, b) for a, b in rows]}
    )
    shares = service_table(trend, periods=periods)["service"].drop_nulls()
    assert ((shares >= 0) & (shares <= 1 + 1e-9)).all()


def test_the_band_of_the_money_ends_in_the_interval_of_the_total() -> None:
    table = money_table(pl.DataFrame({"ds": days(3), "saving": [10.0] * 3}), saving=SAVING)
    assert table.row(-1) == (DAY + timedelta(days=2), 10.0, 30.0, 10.0, 60.0)
    widths = (table["high"] - table["low"]).to_list()
    assert widths == sorted(widths)


def test_money_without_a_baseline_claims_nothing() -> None:
    trend = pl.DataFrame({"ds": days(1), "saving": [5.0]})
    chart = money_against_baseline(trend, saving=SAVING, baseline=None, currency="EUR")
    assert chart.empty
    assert "no baseline" in chart.title


def test_money_lost_is_said_to_be_lost() -> None:
    trend = pl.DataFrame({"ds": days(2), "saving": [-5.0, math.nan]})
    chart = money_against_baseline(trend, saving=Estimate(value=-5.0), baseline="old", currency="CHF")
    assert chart.title == "5 CHF lost against old, interval unknown"


def test_the_loss_is_told_against_its_benchmark() -> None:
    assert CHARTS["loss"]().title.replace("\N{NO-BREAK SPACE}", " ") == "WAPE is 0.5, 25 % above its benchmark"


def test_a_loss_of_unknown_days_is_drawn_with_gaps() -> None:
    chart = loss_over_time(pl.DataFrame({"ds": days(3), "loss": [0.4, math.nan, math.inf]}))
    assert chart.data[0]["y"] == [0.4, None, None]
    orjson.dumps(chart.layout)


def test_stock_outs_are_shaded_once_per_run_and_lost_units_marked() -> None:
    chart = product_story(product())
    shades = [shape for shape in chart.layout["shapes"] if shape["type"] == "rect"]
    assert [(s["x0"], s["x1"]) for s in shades] == [(datetime(2026, 3, 28, 12), datetime(2026, 3, 30, 12))]
    names = [trace["name"] for trace in chart.data]
    assert {"sold", "lost, estimated", "forecast", "on hand", "ordered"} <= set(names)
    assert "2 of them ended without stock" in chart.title


def test_never_out_of_stock_is_said_only_where_stock_was_known_all_the_time() -> None:
    seen = pl.DataFrame({"ds": days(3), "y": [1.0] * 3, "censored": [False] * 3})
    partly = seen.with_columns(pl.Series("on_hand", [None, 3.0, 2.0]))
    known = seen.with_columns(on_hand=pl.lit(2.0))
    titles = [
        product_story(Product(unique_id="milk", as_of=DAY, history=frame)).title for frame in (seen, partly, known)
    ]
    assert ["never out of stock" in title for title in titles] == [False, False, True]


def test_orders_of_one_day_are_one_bar() -> None:
    bars = next(trace for trace in product_story(product()).data if trace["type"] == "bar")
    assert bars["y"] == [7, 5]


def test_the_fan_pairs_the_outer_quantiles_and_leaves_the_median_alone() -> None:
    filled = [trace for trace in product_story(product()).data if trace.get("fill") == "tonexty"]
    assert [trace["name"] for trace in filled] == ["5% to 98%, low"]


@pytest.mark.parametrize(
    "chart",
    [
        service_over_time(pl.DataFrame()),
        money_against_baseline(pl.DataFrame(), saving=SAVING, baseline="old", currency="EUR"),
        loss_over_time(pl.DataFrame()),
        stock_over_time(pl.DataFrame(), currency="EUR"),
        product_story(Product(unique_id="a", as_of=DAY)),
    ],
)
def test_nothing_to_draw_is_a_sentence_and_not_an_error(chart: Chart) -> None:
    assert chart.empty
    assert chart.title
    assert chart.table.is_empty()


@pytest.mark.parametrize("name", CHARTS)
def test_a_single_period_is_drawn(name: str) -> None:
    one: dict[str, Any] = {
        "service": lambda: service_over_time(service(1)),
        "money": lambda: money_against_baseline(
            pl.DataFrame({"ds": days(1), "saving": [1.0]}), saving=SAVING, baseline="b", currency="EUR"
        ),
        "loss": lambda: loss_over_time(pl.DataFrame({"ds": days(1), "loss": [0.0], "benchmark": [0.0]})),
        "stock": lambda: stock_over_time(pl.DataFrame({"ds": days(1), "value": [0.0]}), currency="EUR"),
        "product": lambda: product_story(Product(unique_id="a", as_of=DAY, history=product().history.head(1))),
    }
    assert not one[name]().empty
